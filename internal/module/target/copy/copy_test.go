package copy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// sent is the arguments as the control half sends them for files with content
// "hi\n".
func sent(rels ...string) func(string, ...any) func(string) *value.Map {
	return func(dest string, kv ...any) func(string) *value.Map {
		return func(dir string) *value.Map {
			m := value.MapOf(kv...)
			m.Set("dest", strings.ReplaceAll(dest, "$DIR", dir))
			var list []any
			for _, rel := range rels {
				list = append(list, value.MapOf("rel", rel, "digest", string(mt.Digest("hi\n")), "source", "/src/"+rel))
			}
			m.Set("_files", list)
			m.Set("_source", "/src")
			return m
		}
	}
}

var held = map[string]string{"f": "hi\n"}

func keys(t *testing.T, r *module.Result, want string) {
	t.Helper()
	var got []string
	for k := range r.ToMap().Strings() {
		got = append(got, k)
	}
	for _, k := range strings.Fields(want) {
		if !r.ToMap().Has(k) {
			t.Errorf("result has no %s: %v", k, got)
		}
	}
}

func TestContract(t *testing.T) {
	one := sent("f")
	mt.Run(t, &Module, []mt.Case{
		{Name: "new file", ArgsMap: one("$DIR/x", "mode", "0600"), Content: held, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/x", "hi\n")
				mt.Mode(t, dir+"/x", 0o600)
				keys(t, r, "changed checksum dest diff gid group md5sum mode owner size src state uid")
				d := r.Diff.([]any)[0].(*value.Map)
				if d.At("before") != "" || d.At("after") != "hi\n" || d.At("after_header") != "/src/f" || d.Has("before_header") {
					t.Errorf("diff %s", value.Repr(d))
				}
			}},
		{Name: "through a link", ArgsMap: one("$DIR/l", "follow", true), Content: held, Changed: true,
			Setup: func(t *testing.T, dir string) {
				mt.Write(t, dir, "x", "old\n")
				if err := os.Symlink("x", dir+"/l"); err != nil {
					t.Fatal(err)
				}
			},
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/x", "hi\n")
				if d := r.Diff.([]any)[0].(*value.Map); d.At("before") != "old\n" || d.At("before_header") != dir+"/l" {
					t.Errorf("diff %s", value.Repr(d))
				}
			}},
		{Name: "same content", ArgsMap: one("$DIR/x"), Content: held,
			Setup:  func(t *testing.T, dir string) { mt.Write(t, dir, "x", "hi\n") },
			Verify: func(t *testing.T, _ string, r *module.Result) { keys(t, r, "checksum dest path diff mode") }},
		{Name: "same content, other mode", ArgsMap: one("$DIR/x", "mode", "u=rw,go="), Content: held, Changed: true,
			Setup:  func(t *testing.T, dir string) { mt.Write(t, dir, "x", "hi\n") },
			Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Mode(t, dir+"/x", 0o600) }},
		{Name: "keeps mode", ArgsMap: one("$DIR/x", "backup", true), Content: held, Changed: true,
			Setup: func(t *testing.T, dir string) { os.Chmod(mt.Write(t, dir, "x", "old"), 0o640) },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Mode(t, dir+"/x", 0o640)
				mt.Has(t, value.Str(r.Get("backup_file")), "old")
				mt.Mode(t, value.Str(r.Get("backup_file")), 0o640)
			}},
		{Name: "into a directory", ArgsMap: one("$DIR"), Content: held, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) { mt.Has(t, dir+"/f", "hi\n") }},
		{Name: "into a new directory", ArgsMap: one("$DIR/a/b/", "directory_mode", "0750"), Content: held, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/a/b/f", "hi\n")
				mt.Mode(t, dir+"/a", 0o750)
				mt.Mode(t, dir+"/a/b", 0o750)
			}},
		{Name: "no directory", ArgsMap: one("$DIR/a/b"), Content: held, Fails: "Destination directory "},
		{Name: "content into a directory", ArgsMap: one("$DIR", "content", ""), Content: held, Fails: "can not use content with a dir as dest"},
		{Name: "there and not forced", ArgsMap: one("$DIR/x", "force", false), Content: held,
			Setup:  func(t *testing.T, dir string) { mt.Write(t, dir, "x", "old") },
			Verify: func(t *testing.T, dir string, r *module.Result) { mt.Has(t, dir+"/x", "old"); keys(t, r, "dest src") }},
		{Name: "replaces a link", ArgsMap: one("$DIR/l"), Content: held, Changed: true,
			Setup: func(t *testing.T, dir string) {
				mt.Write(t, dir, "x", "old")
				os.Symlink("x", dir+"/l")
			},
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/x", "old")
				mt.Has(t, dir+"/l", "hi\n")
			}},
		{Name: "follows a link", ArgsMap: one("$DIR/l", "follow", true), Content: held, Changed: true,
			Setup: func(t *testing.T, dir string) {
				mt.Write(t, dir, "x", "old")
				os.Symlink("x", dir+"/l")
			},
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/x", "hi\n")
				if r.Get("dest") != dir+"/x" {
					t.Errorf("dest %v", r.Get("dest"))
				}
			}},
		{Name: "valid", ArgsMap: one("$DIR/x", "validate", "grep -q hi %s"), Content: held, Changed: true},
		{Name: "not valid", ArgsMap: one("$DIR/x", "validate", "grep ho %s"), Content: held, Fails: "failed to validate",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "x", "old") },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/x", "old")
				keys(t, r, "exit_status stdout stderr")
				if left, _ := filepath.Glob(dir + "/.tutti*"); left != nil {
					t.Errorf("left behind: %v", left)
				}
			}},
		{Name: "validate without name", ArgsMap: one("$DIR/x", "validate", "true"), Content: held, Fails: "validate must contain %s: true"},
		{Name: "wrong checksum", ArgsMap: one("$DIR/x", "checksum", "abc"), Content: held, Fails: "Copied file does not match the expected checksum. Transfer failed."},
		{Name: "tree", ArgsMap: func(dir string) *value.Map {
			m := sent("t/a", "t/d/b")("$DIR/new/", "directory_mode", "0700", "mode", "0600")(dir)
			m.Set("_dirs", []any{"t", "t/d", "t/e"})
			m.Set("_links", []any{value.MapOf("rel", "t/l", "target", "a")})
			return m
		}, Content: held, Changed: true, NoDiff: true, // as Ansible's
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/new/t/d/b", "hi\n")
				mt.Has(t, dir+"/new/t/l", "hi\n")
				mt.Mode(t, dir+"/new/t/e", 0o700)
				mt.Mode(t, dir+"/new/t/a", 0o600)
				if r.Get("dest") != dir+"/new/" || r.Get("src") != "/src" {
					t.Errorf("result %s", value.Repr(r.ToMap()))
				}
			}},
	})
}

func TestRemoteSrc(t *testing.T) {
	setup := func(t *testing.T, dir string) {
		os.Chmod(mt.Write(t, dir, "s/f", "hi\n"), 0o640)
		mt.Write(t, dir, "s/d/g", "yo\n")
		os.Symlink("f", dir+"/s/l")
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "file", Setup: setup, Args: `{"remote_src": true, "src": "$DIR/s/f", "dest": "$DIR/x", "mode": "preserve"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/x", "hi\n")
				mt.Mode(t, dir+"/x", 0o640)
				keys(t, r, "checksum dest gid group md5sum mode owner size src state uid")
			}},
		{Name: "not there", Args: `{"remote_src": true, "src": "$DIR/f", "dest": "$DIR/x"}`, Fails: "Source "},
		{Name: "directory", Setup: setup, Args: `{"remote_src": true, "src": "$DIR/s", "dest": "$DIR/t"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/t/s/d/g", "yo\n")
				mt.Has(t, dir+"/t/s/l", "hi\n")
			}},
		{Name: "directory into itself", Setup: setup, Args: `{"remote_src": true, "src": "$DIR/s", "dest": "$DIR/s/"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/s/s/d/g", "yo\n")
				if files.Exists(dir + "/s/s/s") {
					t.Error("the copy has a copy of itself")
				}
			}},
		{Name: "directory into a part of it", Setup: func(t *testing.T, dir string) {
			setup(t, dir)
			os.Symlink("d", dir+"/s/dl")
		}, Args: `{"remote_src": true, "src": "$DIR/s", "dest": "$DIR/s/dl/"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/s/d/s/d/g", "yo\n")
				if files.Exists(dir + "/s/d/s/d/s") {
					t.Error("the copy has a copy of itself")
				}
			}},
		{Name: "checksum of a directory", Setup: setup, Args: `{"remote_src": true, "src": "$DIR/s", "dest": "$DIR/t", "checksum": "abc"}`, Fails: "Copied file does not match the expected checksum"},
		{Name: "content of a directory", Setup: setup, Args: `{"remote_src": true, "src": "$DIR/s/", "dest": "$DIR/t", "local_follow": false}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/t/d/g", "yo\n")
				if target, _ := os.Readlink(dir + "/t/l"); target != "f" {
					t.Errorf("link to %q", target)
				}
			}},
	})
}
