package ping

import (
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{
		{Name: "pong", Args: `{}`},
		{Name: "crash", Args: `{"data": "crash"}`, Fails: "MODULE FAILURE", Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Get("module_stderr") != "Exception: boom\n" {
				t.Errorf("module_stderr is %v", r.Get("module_stderr"))
			}
		}},
	})
}
