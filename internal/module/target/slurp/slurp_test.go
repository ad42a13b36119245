package slurp

import (
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{
		{Name: "content", Args: `{"path": "$DIR/f"}`, Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "hi\n\x00") },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				if r.Get("content") != "aGkKAA==" || r.Get("source") != dir+"/f" || r.Get("encoding") != "base64" {
					t.Errorf("result %v", r.Fields)
				}
			}},
		{Name: "not there", Args: `{"src": "$DIR/f"}`, Fails: "file not found: "},
		{Name: "below a file", Args: `{"src": "$DIR/f/x"}`, Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "") }, Fails: "unable to slurp file: [Errno 20] Not a directory: '"},
		{Name: "directory", Args: `{"src": "$DIR"}`, Fails: "source is a directory and must be a file: "},
	})
}
