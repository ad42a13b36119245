// Package stat is the module that tells all about a file.
package stat

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module tells all about a file.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.stat",
		Summary: "Tells all about a file: kind, owner, mode, times, checksum.",
		Params: []module.Param{
			{Name: "path", Type: module.Path, Required: true, Aliases: []string{"dest", "name"}, Doc: "The file."},
			{Name: "follow", Type: module.Bool, Default: false, Doc: "Look at what a link points to."},
			{Name: "get_md5", Type: module.Bool, Default: false, Doc: "Work out the MD5 checksum as well."},
			{Name: "get_checksum", Type: module.Bool, Default: true, Doc: "Work out the checksum."},
			{Name: "get_mime", Type: module.Bool, Default: true, Aliases: []string{"mime", "mime_type", "mime-type"}, Doc: "Ask the command file for the kind of content."},
			{Name: "get_attributes", Type: module.Bool, Default: true, Aliases: []string{"attr", "attributes"}, Doc: "Read the file attributes."},
			{Name: "checksum_algorithm", Default: "sha1", Choices: []any{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"},
				Aliases: []string{"checksum", "checksum_algo"}, Doc: "Which checksum."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "stat", Type: module.Dict, When: "success", Doc: "All that is known; exists tells whether there is such a file."}},
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	path := args.String("path")
	var st syscall.Stat_t
	look := syscall.Lstat
	if args.Bool("follow") {
		look = syscall.Stat
	}
	if err := look(path, &st); err != nil {
		if err == syscall.ENOENT {
			return module.OK().Set("stat", value.MapOf("exists", false))
		}
		text := err.Error()
		return module.Fail("%s", strings.ToUpper(text[:1])+text[1:])
	}
	m := value.MapOf("exists", true, "path", path)
	files.StatFields(m, &st)
	files.PermissionFields(m, &st)
	m.Set("blocks", int(st.Blocks))
	m.Set("block_size", int(st.Blksize))
	m.Set("device_type", int(st.Rdev))
	kind := st.Mode & syscall.S_IFMT
	readable := unix.Access(path, unix.R_OK) == nil
	m.Set("readable", readable)
	m.Set("writeable", unix.Access(path, unix.W_OK) == nil)
	m.Set("executable", unix.Access(path, unix.X_OK) == nil)
	if kind == syscall.S_IFLNK {
		if target, err := os.Readlink(path); err == nil {
			m.Set("lnk_source", files.RealPath(path))
			m.Set("lnk_target", target)
		}
	}
	if name := files.UserName(int(st.Uid)); name != strconv.Itoa(int(st.Uid)) {
		m.Set("pw_name", name)
	}
	if name := files.GroupName(int(st.Gid)); name != strconv.Itoa(int(st.Gid)) {
		m.Set("gr_name", name)
	}
	if kind == syscall.S_IFREG && readable {
		if err := checksums(m, path, args); err != nil {
			return module.Fail("%s", err)
		}
	}
	if args.Bool("get_mime") {
		mimetype, charset := mime(ctx, env, path)
		m.Set("mimetype", mimetype)
		m.Set("charset", charset)
	}
	if args.Bool("get_attributes") {
		letters, words, version, ok := files.Flags(path)
		m.Set("version", nil)
		m.Set("attributes", value.FromGo(append([]string{}, words...)))
		m.Set("attr_flags", letters)
		if ok {
			m.Set("version", strconv.FormatUint(uint64(uint32(version)), 10))
		}
	}
	return module.OK().Set("stat", m)
}

func checksums(m *value.Map, path string, args module.Args) error {
	sums := map[string]hash.Hash{}
	if args.Bool("get_md5") {
		sums["md5"] = md5.New()
	}
	if args.Bool("get_checksum") {
		sums["checksum"] = map[string]func() hash.Hash{
			"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
		}[args.String("checksum_algorithm")]()
	}
	if len(sums) == 0 {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var into []io.Writer
	for _, h := range sums {
		into = append(into, h)
	}
	if _, err := io.Copy(io.MultiWriter(into...), f); err != nil {
		return err
	}
	for name, h := range sums {
		m.Set(name, hex.EncodeToString(h.Sum(nil)))
	}
	return nil
}

// mime asks the command file, where there is one.
func mime(ctx context.Context, env *module.Env, path string) (mimetype, charset string) {
	const unknown = "unknown"
	if process.Find("file", env.Environ) == "" {
		return unknown, unknown
	}
	out, err := process.Run(ctx, process.Cmd{Argv: []string{"file", "--mime-type", "--mime-encoding", path}, Env: env.Environ})
	if err != nil || out.RC != 0 {
		return unknown, unknown
	}
	text := string(out.Stdout)
	kind, set, ok := strings.Cut(text[strings.LastIndexByte(text, ':')+1:], ";")
	_, charset, ok2 := strings.Cut(set, "=")
	if !ok || !ok2 {
		return unknown, unknown
	}
	return strings.TrimSpace(kind), strings.TrimSpace(charset)
}
