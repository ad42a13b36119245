package tempfile

import (
	"os"
	"regexp"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{
		{Name: "file", Args: `{"path": "$DIR", "suffix": ".x"}`, Changed: true, Again: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			path := value.Str(r.Get("path"))
			if !regexp.MustCompile(`^` + dir + `/ansible\..+\.x$`).MatchString(path) {
				t.Errorf("path %s", path)
			}
			mt.Mode(t, path, 0o600)
		}},
		{Name: "directory", Args: `{"path": "$DIR", "state": "directory", "prefix": "p"}`, Changed: true, Again: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			mt.Mode(t, value.Str(r.Get("path")), 0o700)
		}},
		{Name: "stars", Args: `{"path": "$DIR", "prefix": "a*", "suffix": "*b"}`, Changed: true, Again: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			if path := value.Str(r.Get("path")); !regexp.MustCompile(`^` + dir + `/a\*[a-z0-9_]{8}\*b$`).MatchString(path) {
				t.Errorf("path %s", path)
			}
		}},
		{Name: "nowhere", Args: `{"path": "$DIR/none"}`, Fails: "No such file or directory"},
	})
	dir := t.TempDir()
	if r := mt.Call(t, &Module, value.MapOf("path", dir), mt.Options{Check: true}); !r.Skipped {
		t.Error("check mode is not skipped")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error("check mode made a file")
	}
}
