package replace

import (
	"fmt"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	var cases []mt.Case
	for i, c := range []struct{ before, args, after, msg string }{
		{"a\nb\na\n", `"regexp": "^a$", "replace": "x"`, "x\nb\nx\n", "2 replacements made"},
		{"a\nb\n", `"regexp": "z"`, "a\nb\n", ""},
		{"a=1\n", `"regexp": "(\\w)=(\\d)", "replace": "\\2=\\g<1>"`, "1=a\n", "1 replacements made"},
		{"x\n[a]\nx\n[b]\nx\n", `"regexp": "x", "replace": "y", "after": "\\[a\\]", "before": "\\[b\\]"`, "x\n[a]\ny\n[b]\nx\n", "1 replacements made"},
		{"x\n[a]\nx\n", `"regexp": "x", "replace": "y", "after": "\\[a\\]"`, "x\n[a]\ny\n", "1 replacements made"},
		{"x\n", `"regexp": "x", "replace": "y", "after": "none"`, "x\n", "Pattern for before/after params did not match the given file: none(?P<subsection>.*)"},
		{"caf\xe9\n", `"regexp": "é", "replace": "e", "encoding": "latin-1"`, "cafe\n", "1 replacements made"},
	} {
		cases = append(cases, mt.Case{
			Name: fmt.Sprint(i, " ", c.args), Args: `{"path": "$DIR/f", ` + c.args + `}`, Changed: c.before != c.after,
			Again: i == 2, // the new text matches as well
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", c.before) },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/f", c.after)
				if r.Get("msg") != c.msg || r.Get("rc") != 0 {
					t.Errorf("result %s", value.Repr(r.ToMap()))
				}
			},
		})
	}
	cases = append(cases,
		mt.Case{Name: "no file", Args: `{"path": "$DIR/f", "regexp": "x"}`, Fails: "does not exist !"},
		mt.Case{Name: "no regexp", Args: `{"path": "$DIR/f"}`, Fails: "missing required arguments: regexp"},
		mt.Case{Name: "bad regexp", Args: `{"path": "$DIR/f", "regexp": "["}`, Fails: "regexp \"[\": ",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "a") }},
	)
	mt.Run(t, &Module, cases)
}
