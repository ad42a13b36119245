package unarchive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

var when = time.Date(2020, 1, 2, 3, 4, 6, 0, time.UTC)

// tarball holds t/, t/a, t/d/b, a link and a hard link, and what is added.
func tarball(t *testing.T, extra ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	uid, gid := os.Getuid(), os.Getgid()
	for _, h := range append([]*tar.Header{
		{Name: "t/", Typeflag: tar.TypeDir, Mode: 0o750},
		{Name: "t/a", Typeflag: tar.TypeReg, Mode: 0o640, Size: 2},
		{Name: "t/d/b", Typeflag: tar.TypeReg, Mode: 0o755, Size: 2},
		{Name: "t/l", Typeflag: tar.TypeSymlink, Linkname: "a", Mode: 0o777},
		{Name: "t/h", Typeflag: tar.TypeLink, Linkname: "t/a", Mode: 0o640},
	}, extra...) {
		h.ModTime, h.Uid, h.Gid = when, uid, gid
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			w.Write([]byte("hi"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipfile(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"z/", "z/a.txt", "z/run"} {
		h := &zip.FileHeader{Name: name, Modified: when}
		h.SetMode(0o644)
		if name == "z/run" {
			h.SetMode(0o755)
		}
		if strings.HasSuffix(name, "/") {
			h.SetMode(os.ModeDir | 0o755)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			f.Write([]byte("hi"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestContract(t *testing.T) {
	with := func(data []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			mt.Write(t, dir, "src", string(data))
			if err := os.Mkdir(dir+"/out", 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	const args = `{"src": "$DIR/src", "dest": "$DIR/out", "remote_src": true`
	there := func(handler string, names ...string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, r *module.Result) {
			t.Helper()
			for _, name := range names {
				mt.Has(t, dir+"/out/"+name, "hi")
			}
			if r.Get("handler") != handler || r.Get("dest") != dir+"/out" || r.Get("state") != "directory" {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}
	}
	absent := func(t *testing.T, path string) {
		t.Helper()
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is there", path)
		}
	}
	plain := tarball(t)
	mt.Run(t, &Module, []mt.Case{
		{Name: "tar", Setup: with(plain), Args: args + `, "list_files": true}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			there("TarArchive", "t/a", "t/d/b", "t/l", "t/h")(t, dir, r)
			mt.Mode(t, dir+"/out/t/d/b", 0o755)
			mt.Mode(t, dir+"/out/t", 0o750)
			if got := value.Repr(r.Get("files")); got != "['t/', 't/a', 't/d/b', 't/l', 't/h']" {
				t.Errorf("files %s", got)
			}
		}},
		{Name: "tar.gz", Setup: with(zipped(t, plain)), Args: args + `, "mode": "u=rwX,go=rX"}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			there("TgzArchive", "t/a")(t, dir, r)
			mt.Mode(t, dir+"/out/t/a", 0o644)
			mt.Mode(t, dir+"/out/t", 0o755)
		}},
		{Name: "zip", Setup: with(zipfile(t)), Args: args + `}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			there("ZipArchive", "z/a.txt")(t, dir, r)
			mt.Mode(t, dir+"/out/z/run", 0o755)
		}},
		{Name: "zip, other content", Setup: func(t *testing.T, dir string) {
			with(zipfile(t))(t, dir)
			mt.Write(t, dir, "out/z/a.txt", "HI")
			if err := errors.Join(os.Chmod(dir+"/out/z/a.txt", 0o600), os.Chtimes(dir+"/out/z/a.txt", when, when), os.Chmod(dir+"/out/z", 0o755)); err != nil {
				t.Fatal(err)
			}
		}, Args: args + `}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			there("ZipArchive", "z/a.txt", "z/run")(t, dir, r)
			mt.Mode(t, dir+"/out/z/a.txt", 0o644)
			if got := value.Repr(r.Diff); got != `{'prepared': '.fc..p...?? z/a.txt\n>f++++++.?? z/run\n'}` {
				t.Error(got)
			}
		}},
		{Name: "zip, exclude", Setup: with(zipfile(t)), Args: args + `, "exclude": ["run", "z", "*.txt"]}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			there("ZipArchive", "z/run")(t, dir, r)
			absent(t, dir+"/out/z/a.txt")
		}},
		{Name: "zip, include", Setup: with(zipfile(t)), Args: args + `, "include": ["z/r*"]}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			there("ZipArchive", "z/run")(t, dir, r)
			absent(t, dir+"/out/z/a.txt")
		}},
		{Name: "all below a dot", Setup: with(tarball(t, &tar.Header{Name: "./dot", Typeflag: tar.TypeReg, Size: 2, Mode: 0o644})), Args: args + `, "mode": "0751"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) { mt.Mode(t, dir+"/out", 0o751) }},
		{Name: "include takes no patterns", Setup: with(plain), Args: args + `, "include": ["t/*"]}`, Fails: "t/*: Not found in archive"},
		{Name: "exclude", Setup: with(plain), Args: args + `, "exclude": ["d", "t/[lh]"]}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			there("TarArchive", "t/a")(t, dir, r)
			absent(t, dir+"/out/t/d")
			absent(t, dir+"/out/t/l")
		}},
		{Name: "include", Setup: with(plain), Args: args + `, "include": ["t/d"]}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			there("TarArchive", "t/d/b")(t, dir, r)
			absent(t, dir+"/out/t/a")
		}},
		{Name: "include nothing", Setup: with(plain), Args: args + `, "include": ["none"]}`, Fails: "none: Not found in archive"},
		{Name: "strip", Setup: with(plain), Args: args + `, "extra_opts": ["--strip-components=1"]}`, Changed: true, Verify: there("TarArchive", "a", "d/b", "h")},
		{Name: "strip, mode", Setup: with(plain), Changed: true, Args: args + `, "extra_opts": ["--strip-components=1"], "mode": "0751"}`,
			Verify: func(t *testing.T, dir string, r *module.Result) { mt.Mode(t, dir+"/out", 0o751) }},
		{Name: "strip a dot", Setup: with(tarball(t, &tar.Header{Name: "./dot/a", Typeflag: tar.TypeReg, Size: 2, Mode: 0o644})), Changed: true,
			Args: args + `, "extra_opts": ["--strip-components=1"], "list_files": true}`, Verify: func(t *testing.T, dir string, r *module.Result) {
				there("TarArchive", "a", "dot/a")(t, dir, r)
				if got := value.Repr(r.Get("files")); got != "['', 'a', 'd/b', 'l', 'h', 'dot/a']" {
					t.Error(got)
				}
			}},
		{Name: "other option", Setup: with(plain), Args: args + `, "extra_opts": ["--transform=s/a$/z/"]}`, Changed: true, Verify: there("TarArchive", "t/z", "t/d/b")},
		{Name: "unknown option", Setup: with(plain), Args: args + `, "extra_opts": ["--nonsense"]}`, Fails: "Unable to list files in the archive: "},
		{Name: "changed file", Setup: func(t *testing.T, dir string) { with(plain)(t, dir); mt.Write(t, dir, "out/t/a", "other") }, Args: args + `}`, Changed: true, Verify: there("TarArchive", "t/a")},
		{Name: "newer file", Setup: func(t *testing.T, dir string) { with(plain)(t, dir); mt.Write(t, dir, "out/t/a", "other") }, Args: args + `, "keep_newer": true, "include": ["t/a"]}`, Changed: true, Again: true,
			Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Has(t, dir+"/out/t/a", "other") }},
		{Name: "leads out", Setup: with(tarball(t, &tar.Header{Name: "../evil", Typeflag: tar.TypeReg, Size: 2, Mode: 0o644})), Args: args + `}`, Fails: "member name contains '..'",
			Verify: func(t *testing.T, dir string, _ *module.Result) { absent(t, dir+"/evil") }},
		{Name: "absolute", Setup: with(tarball(t, &tar.Header{Name: "/abs", Typeflag: tar.TypeReg, Size: 2, Mode: 0o644})), Args: args + `}`, Changed: true, Verify: there("TarArchive", "abs")},
		{Name: "through its own link", Setup: with(tarball(t, &tar.Header{Name: "x", Typeflag: tar.TypeSymlink, Linkname: "/tmp"}, &tar.Header{Name: "x/tutti-evil", Typeflag: tar.TypeReg, Size: 2, Mode: 0o644})),
			Args: args + `}`, Fails: "its directory is a symbolic link in the archive", Verify: func(t *testing.T, dir string, _ *module.Result) { absent(t, "/tmp/tutti-evil") }},
		{Name: "empty file", Setup: with(nil), Args: args + `}`, Fails: "the file is 0 bytes"},
		{Name: "no archive", Setup: with([]byte(strings.Repeat("text ", 300))), Args: args + `}`, Fails: `Failed to find handler for "`},
		{Name: "no source", Setup: func(t *testing.T, dir string) { os.Mkdir(dir+"/out", 0o755) }, Args: args + `}`, Fails: "does not exist"},
		{Name: "no directory", Args: args + `}`, Fails: "must be an existing dir"},
		{Name: "creates", Args: `{"src": "x", "dest": "$DIR", "creates": "/dev/null", "remote_src": true}`, Verify: func(t *testing.T, _ string, r *module.Result) {
			if !r.Skipped || r.Msg != "skipped, since /dev/null exists" {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}},
	})
}

func TestXZ(t *testing.T) {
	dir := t.TempDir()
	mt.Write(t, dir, "a", "hi")
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("there is no xz here")
	}
	if out, err := exec.Command("tar", "-C", dir, "-cJf", dir+"/a.tar.xz", "a").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Mkdir(dir+"/out", 0o755); err != nil {
		t.Fatal(err)
	}
	r := mt.Call(t, &Module, value.MapOf("src", dir+"/a.tar.xz", "dest", dir+"/out", "remote_src", true), mt.Options{})
	if r.Failed || r.Get("handler") != "TarArchive" {
		t.Fatalf("result %s", value.Repr(r.ToMap()))
	}
	mt.Has(t, dir+"/out/a", "hi")
}

func TestZipIncludesNothing(t *testing.T) {
	dir := t.TempDir()
	mt.Write(t, dir, "src", string(zipfile(t)))
	args := value.MapOf("src", dir+"/src", "dest", dir, "remote_src", true, "include", []any{"z"})
	if r := mt.Call(t, &Module, args, mt.Options{Check: true}); r.Failed || !r.Changed {
		t.Error(value.Repr(r.ToMap()))
	}
	if r := mt.Call(t, &Module, args, mt.Options{}); !r.Failed || !strings.HasPrefix(r.Msg, "failed to unpack ") {
		t.Error(value.Repr(r.ToMap()))
	}
}

func TestZipOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir := t.TempDir()
	mt.Write(t, dir, "src", string(zipfile(t)))
	args := value.MapOf("src", dir+"/src", "dest", dir, "remote_src", true)
	for _, step := range []struct {
		owner         string
		before, after int
		changed       bool
	}{{"", 0, 0, true}, {"", 0, 0, false}, {"", 1, 0, true}, {"1", 0, 1, true}, {"1", 1, 1, false}} {
		if _, err := os.Lstat(dir + "/z/run"); err == nil {
			if err := os.Chown(dir+"/z/run", step.before, 0); err != nil {
				t.Fatal(err)
			}
		}
		if step.owner != "" {
			args.Set("owner", step.owner)
		}
		r := mt.Call(t, &Module, args, mt.Options{})
		fi, err := os.Stat(dir + "/z/run")
		if err != nil || r.Failed || r.Changed != step.changed || int(fi.Sys().(*syscall.Stat_t).Uid) != step.after {
			t.Errorf("%v: %v, %s", step, err, value.Repr(r.ToMap()))
		}
	}
}
