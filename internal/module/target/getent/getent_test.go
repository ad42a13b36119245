package getent

import (
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func facts(want string) func(*testing.T, string, *module.Result) {
	return func(t *testing.T, _ string, r *module.Result) {
		t.Helper()
		if got := value.Repr(r.Facts); got != want {
			t.Errorf("facts %s, want %s", got, want)
		}
	}
}

func TestGetent(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{
		{Name: "user", Args: `{"database": "passwd", "key": "root"}`, Verify: func(t *testing.T, _ string, r *module.Result) {
			users, _ := r.Facts.At("getent_passwd").(*value.Map)
			root, _ := users.At("root").([]any)
			if len(root) != 6 || root[1] != "0" {
				t.Errorf("facts %s", value.Repr(r.Facts))
			}
		}},
		{Name: "no user", Args: `{"database": "passwd", "key": "no such"}`, Fails: "could not be found in the database"},
		{Name: "no user, and no matter", Args: `{"database": "passwd", "key": "no such", "fail_key": false}`, Verify: facts(`{'getent_passwd': {'no such': None}}`)},
		{Name: "no database", Args: `{"database": "nonsense"}`, Fails: "Missing arguments, or database unknown."},
	})
}

func TestCollect(t *testing.T) {
	m := value.NewMap(0)
	collect(m, "a 1 2\nb 3\na 4\na 5 6\n", "")
	if got := value.Repr(m); got != `{'a': [['1', '2'], ['4'], ['5', '6']], 'b': ['3']}` {
		t.Error(got)
	}
}
