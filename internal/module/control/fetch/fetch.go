// Package fetch is the control half of fetch: it decides where the file goes
// and writes it there.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	target "github.com/tutti-run/tutti/internal/module/target/fetch"
	"github.com/tutti-run/tutti/internal/value"
)

// Module is the control half.
var Module = module.Control{Spec: spec(), Plan: plan}

// spec is the target half's, but for src and dest: what is no text is refused,
// not turned into text. Other parameters are of no meaning.
func spec() module.Spec {
	s := target.Spec
	s.AnyParams = true
	s.Params = slices.Clone(s.Params)
	for i := range s.Params {
		if s.Params[i].Name == "src" || s.Params[i].Name == "dest" {
			s.Params[i].Type = module.Raw
		}
	}
	return s
}

func plan(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	if c.Check() {
		return &module.Plan{Done: module.Skip("check mode not (yet) supported for this module")}, nil
	}
	if !args.Has("src") || !args.Has("dest") {
		return &module.Plan{Done: module.Fail("src and dest are required")}, nil
	}
	src, ok := args.Any("src").(string)
	if !ok {
		return &module.Plan{Done: module.Fail("Invalid type supplied for source option, it must be a string")}, nil
	}
	if _, ok := args.Any("dest").(string); !ok {
		return &module.Plan{Done: module.Fail("Invalid type supplied for dest option, it must be a string")}, nil
	}
	j := &job{flat: args.Bool("flat"), host: c.Host(), validate: args.Bool("validate_checksum")}
	dest := module.Expander(os.Environ())(args.String("dest"))
	slash := strings.HasSuffix(dest, "/")
	if base, _ := c.Var("playbook_dir").(string); !filepath.IsAbs(dest) && base != "" {
		dest = filepath.Join(base, dest)
	}
	dest, err := filepath.Abs(dest)
	if err != nil {
		return nil, err
	}
	if j.flat && !slash && files.IsDir(dest) {
		return nil, fmt.Errorf("dest is an existing directory, use a trailing slash if you want to fetch src into that directory")
	}
	j.dest, j.slash = dest, slash
	call := &module.Call{
		Module: target.Spec.Name,
		Args:   value.MapOf("src", src, "dest", dest, "fail_on_missing", args.Bool("fail_on_missing"), "_plain", !c.Becomes()),
		Sink:   j.receive,
	}
	if sum, err := files.SHA1OfFile(j.path(src)); err == nil {
		call.Args.Set("_have", sum)
	}
	return &module.Plan{Call: call, Finish: j.finish}, nil
}

type job struct {
	dest        string
	slash, flat bool
	host        string
	validate    bool
	came        files.Sums // of what came, if anything did
	same        bool       // it was there already
}

// path is where the target's file goes. Its name comes from the target, so
// nothing in it may lead out of dest.
func (j *job) path(src string) string {
	inside := filepath.Clean("/" + src)
	switch {
	case !j.flat:
		return filepath.Join(j.dest, j.host, inside)
	case j.slash:
		return filepath.Join(j.dest, filepath.Base(inside))
	}
	return j.dest
}

// receive writes what the target sends, under its name only when it is complete.
func (j *job) receive(name string, r io.Reader) (err error) {
	path := j.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tutti-*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	j.came, err = files.Copy(tmp, r)
	if err == nil {
		err = tmp.Chmod(os.FileMode(0o666 &^ files.Umask()))
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	// What the target expands a name to is not known before.
	if there, err := files.SHA1OfFile(path); err == nil && there == j.came.SHA1 {
		j.same = true
		return os.Remove(tmp.Name())
	}
	return os.Rename(tmp.Name(), path)
}

func (j *job) finish(r *module.Result) *module.Result {
	remote := value.Str(r.Get("remote_checksum"))
	if r.Failed || remote == "None" {
		return r
	}
	src := value.Str(r.Get("file"))
	path := j.path(src)
	sums := j.came
	if sums.SHA1 == "" {
		var err error
		if sums, err = files.SumsOfFile(path); err != nil {
			return module.Fail("Failed to fetch the file: %s", err)
		}
	}
	out := module.OK().Set("md5sum", sums.MD5).Set("dest", path).Set("checksum", sums.SHA1)
	if r.Get("sent") == nil || j.same {
		return out.Set("file", src)
	}
	out.Set("remote_md5sum", nil).Set("remote_checksum", remote)
	if j.validate && sums.SHA1 != remote {
		out.Failed, out.Msg = true, "checksum mismatch"
		return out.Set("file", src)
	}
	out.Changed = true
	return out
}
