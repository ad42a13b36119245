package copy

import (
	"os"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/copy"
	"github.com/tutti-run/tutti/internal/value"
)

func TestCopy(t *testing.T) {
	for _, c := range []struct {
		name, args string
		changed    bool
		fails      string
		files      map[string]string // expected below the directory
	}{
		{"content", `{"content": "hi\n", "dest": "$DIR/x"}`, true, "", map[string]string{"x": "hi\n"}},
		{"structure", `{"content": {"b": [1, true], "a": "é"}, "dest": "$DIR/x"}`, true, "", map[string]string{"x": `{"b": [1, true], "a": "\u00e9"}`}},
		{"empty content", `{"content": "", "dest": "$DIR/x"}`, true, "", map[string]string{"x": ""}},
		{"content into a directory", `{"content": "hi", "dest": "$DIR"}`, false, "can not use content with a dir as dest", nil},
		{"content into a directory by slash", `{"content": "hi", "dest": "$DIR/"}`, false, "can not use content with a dir as dest", nil},
		{"file", `{"src": "a", "dest": "$DIR/x"}`, true, "", map[string]string{"x": "A"}},
		{"file into a directory", `{"src": "a", "dest": "$DIR"}`, true, "", map[string]string{"a": "A"}},
		{"directory", `{"src": "d", "dest": "$DIR"}`, true, "", map[string]string{"d/b": "B", "d/e/c": "C", "d/l": "B"}},
		{"content of a directory", `{"src": "d/", "dest": "$DIR/new"}`, true, "", map[string]string{"new/b": "B", "new/e/c": "C"}},
		{"links as links", `{"src": "d/", "dest": "$DIR", "local_follow": false}`, true, "", map[string]string{"l": "B"}},
		{"neither", `{"dest": "$DIR/x"}`, false, "src (or content) is required", nil},
		{"both", `{"dest": "$DIR/x", "src": "a", "content": "b"}`, false, "src and content are mutually exclusive", nil},
		{"not there", `{"src": "none", "dest": "$DIR/x"}`, false, "Could not find or access 'none'", nil},
		{"internal", `{"src": "a", "dest": "$DIR/x", "_files": []}`, false, "Unsupported parameters for (ansible.legacy.copy) module: _files.", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			here, there := t.TempDir(), t.TempDir()
			mt.Write(t, here, "files/a", "A")
			mt.Write(t, here, "files/d/b", "B")
			mt.Write(t, here, "files/d/e/c", "C")
			os.Symlink("b", here+"/files/d/l")
			os.Symlink("..", here+"/files/d/e/up") // a circle
			m := New(source.NewCache())
			ctl := &mt.Controller{Dir: here}
			raw := mt.Args(t, there, c.args)
			r := mt.Task(t, ctl, m, &target.Module, raw)
			if c.fails != "" {
				if !r.Failed || !strings.HasPrefix(r.Msg, c.fails) {
					t.Fatalf("got %q, want %q", r.Msg, c.fails)
				}
				return
			}
			if r.Failed || r.Changed != c.changed {
				t.Fatalf("result %s", value.Repr(r.ToMap()))
			}
			for name, content := range c.files {
				mt.Has(t, there+"/"+name, content)
			}
			if r = mt.Task(t, ctl, m, &target.Module, raw); r.Failed || r.Changed {
				t.Errorf("the second run: %s", value.Repr(r.ToMap()))
			}
		})
	}
}

func TestPreserve(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	os.Chmod(mt.Write(t, here, "files/a", "A"), 0o751)
	r := mt.Task(t, &mt.Controller{Dir: here}, New(source.NewCache()), &target.Module, value.MapOf("src", "a", "dest", there+"/a", "mode", "preserve"))
	if r.Failed || !r.Changed {
		t.Fatal(r.Msg)
	}
	mt.Mode(t, there+"/a", 0o751)
}

func TestCacheReadsOnce(t *testing.T) {
	dir := t.TempDir()
	path := mt.Write(t, dir, "a", "one")
	cache := source.NewCache()
	ctl := &mt.Controller{Dir: dir}
	first, _, err := cache.File(ctl, path, true)
	if err != nil || first != mt.Digest("one") {
		t.Fatal(first, err)
	}
	mt.Write(t, dir, "a", "longer")
	second, file, err := cache.File(ctl, path, true)
	if err != nil || second != mt.Digest("longer") || file.Path != path {
		t.Fatal(second, file, err)
	}
	if _, _, err := cache.File(ctl, dir, true); err == nil {
		t.Error("a directory has no digest")
	}
}

func TestSpec(t *testing.T) {
	m := New(source.NewCache())
	mt.Spec(t, &m.Spec)
	var _ *module.Control = m
}
