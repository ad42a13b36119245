package hostname

import (
	"os"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// The machine's name is the machine's, whatever mounts a process has: only the
// prediction is tested.
func TestCheckMode(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{
		{Name: "too long", Args: `{"name": "` + strings.Repeat("x", 65) + `"}`, Fails: "name cannot be longer than 64 characters"},
	})
	before, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	r := mt.Call(t, &Module, value.MapOf("name", "tutti-test.example.org"), mt.Options{Check: true})
	if !r.Changed || r.Diff == nil || r.Facts.At("ansible_hostname") != "tutti-test" {
		t.Errorf("%s", value.Repr(r.ToMap()))
	}
	if after, err := os.Hostname(); err != nil || after != before {
		t.Errorf("check mode made %s of %s (%v)", after, before, err)
	}
}
