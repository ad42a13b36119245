// Package fetch is the target half of fetch: it sends a file to the controller
// unless the controller has the same content.
package fetch

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/parallel"
)

// Spec is fetch's, for both halves.
var Spec = module.Spec{
	Name: "ansible.builtin.fetch", Action: true, Summary: "Copies a file from the target to the controller.",
	Params: []module.Param{
		{Name: "src", Type: module.Path, Doc: "The file on the target; it must be given."},
		{Name: "dest", Doc: "Directory of the controller to put it in, below the host's name; it must be given."},
		{Name: "flat", Type: module.Bool, Default: false, Doc: "dest is the file itself, or with a trailing slash the directory."},
		{Name: "fail_on_missing", Type: module.Bool, Default: true, Doc: "Fail if there is no such file."},
		{Name: "validate_checksum", Type: module.Bool, Default: true, Doc: "Compare checksums after the transfer."},
		{Name: "_plain", Type: module.Bool, Internal: true, Doc: "The task runs as the user who logged in."},
		{Name: "_have", Internal: true, Doc: "SHA-1 of the controller's file."},
	},
	Hints: []parallel.Hint{parallel.Free()},
	Check: module.Partial, Diff: module.None, // the control half skips
	Returns: []module.Return{
		{Name: "dest", When: "success", Doc: "The file on the controller."},
		{Name: "checksum", When: "success", Doc: "SHA-1 of the content."},
		{Name: "md5sum", When: "success", Doc: "MD5 of the content."},
	},
}

// Module is the target half.
var Module = module.Target{Spec: Spec, Run: run}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	src := args.String("src")
	missing := func(msg string) *module.Result {
		if args.Bool("fail_on_missing") {
			return module.Fail("%s", msg)
		}
		r := module.OK().Set("file", src)
		r.Msg = msg
		return r
	}
	f, err := os.Open(src)
	if err == nil {
		defer f.Close()
	}
	fi, statErr := os.Stat(src)
	switch {
	case statErr == nil && fi.IsDir():
		if args.Bool("fail_on_missing") {
			return module.Fail("remote file is a directory, fetch cannot work on directories")
		}
		r := module.OK()
		if r.Msg = "remote file is a directory, fetch cannot work on directories"; !args.Bool("_plain") {
			return r.Set("file", src)
		}
		r.Msg += ", not transferring, ignored"
		return r
	case errors.Is(statErr, fs.ErrPermission) && args.Bool("_plain"):
		msg := "Failed to get information on remote file (" + src + "): Permission denied"
		if !args.Bool("fail_on_missing") {
			msg += ", ignored"
		}
		return missing(msg).Set("file", src)
	case errors.Is(err, fs.ErrNotExist):
		return missing("the remote file does not exist, not transferring, ignored")
	case err != nil:
		if !args.Bool("fail_on_missing") {
			return module.OK().Set("file", src)
		}
		return module.Fail("file is not readable: %s", src)
	}
	if have := args.String("_have"); have != "" {
		if sum, err := files.SHA1OfFile(src); err == nil && sum == have {
			return module.OK().Set("file", src).Set("remote_checksum", sum)
		}
	}
	h := sha1.New()
	if err := env.Send(ctx, src, io.TeeReader(f, h)); err != nil {
		return module.Fail("Failed to fetch the file: %s", err)
	}
	return module.OK().Set("file", src).Set("sent", true).Set("remote_checksum", hex.EncodeToString(h.Sum(nil)))
}
