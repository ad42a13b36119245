package lineinfile

import (
	"fmt"
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	text := "a=1\nb=2\n# b=3\nc=4\n"
	var cases []mt.Case
	for i, c := range []struct{ before, args, after, msg string }{
		{text, `"line": "d=5"`, text + "d=5\n", "line added"},
		{text, `"line": "c=4"`, text, ""},
		{"a", `"line": "b"`, "a\nb\n", "line added"},
		{"", `"line": "b"`, "b\n", "line added"},
		{text, `"line": "b=9", "regexp": "^b="`, "a=1\nb=9\n# b=3\nc=4\n", "line replaced"},
		{text, `"line": "b=9", "regexp": "b="`, "a=1\nb=2\nb=9\nc=4\n", "line replaced"},
		{text, `"line": "b=9", "regexp": "b=", "firstmatch": true, "insertafter": "^b=9"`, "a=1\nb=9\n# b=3\nc=4\n", "line replaced"},
		{text, `"line": "b=9", "search_string": "# b"`, "a=1\nb=2\nb=9\nc=4\n", "line replaced"},
		{text, `"line": "x", "insertafter": "^b"`, "a=1\nb=2\nx\n# b=3\nc=4\n", "line added"},
		{text, `"line": "x", "insertafter": "^c"`, text + "x\n", "line added"},
		{text, `"line": "x", "insertbefore": "^b"`, "a=1\nx\nb=2\n# b=3\nc=4\n", "line added"},
		{text, `"line": "x", "insertbefore": "BOF"`, "x\n" + text, "line added"},
		{text, `"line": "x", "insertafter": "none"`, text + "x\n", "line added"},
		{text, `"line": "\\g<1>=7", "regexp": "^(b)=", "backrefs": true`, "a=1\nb=7\n# b=3\nc=4\n", "line replaced"},
		{text, `"line": "\\1", "regexp": "^(z)", "backrefs": true`, text, ""},
		{text, `"regexp": "b=", "state": "absent"`, "a=1\nc=4\n", "2 line(s) removed"},
		{text, `"line": "c=4", "state": "absent"`, "a=1\nb=2\n# b=3\n", "1 line(s) removed"},
		{text, `"line": "c", "state": "absent"`, text, ""},
		{text, `"line": "d", "mode": "0600"`, text + "d\n", "line added and ownership, perms or SE linux context changed"},
		{"a\r\nb\r\n", `"line": "b"`, "a\r\nb\n", "line replaced"},
	} {
		cases = append(cases, mt.Case{
			Name: fmt.Sprint(i, " ", c.args), Args: `{"path": "$DIR/f", ` + c.args + `}`, Changed: c.before != c.after,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", c.before) },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/f", c.after)
				if r.Get("msg") != c.msg || r.Get("backup") != "" {
					t.Errorf("result %s", value.Repr(r.ToMap()))
				}
			},
		})
	}
	cases = append(cases,
		mt.Case{Name: "no file", Args: `{"path": "$DIR/f", "line": "x"}`, Fails: "Destination ",
			Verify: func(t *testing.T, _ string, r *module.Result) {
				if r.Get("rc") != 257 {
					t.Errorf("rc %v", r.Get("rc"))
				}
			}},
		mt.Case{Name: "create", Args: `{"path": "$DIR/d/f", "line": "x", "create": true, "mode": "0600"}`, Changed: true,
			Verify: func(t *testing.T, dir string, _ *module.Result) {
				mt.Has(t, dir+"/d/f", "x\n")
				mt.Mode(t, dir+"/d/f", 0o600)
			}},
		mt.Case{Name: "absent in no file", Args: `{"path": "$DIR/f", "line": "x", "state": "absent"}`},
		mt.Case{Name: "directory", Args: `{"path": "$DIR", "line": "x"}`, Fails: "Path "},
		mt.Case{Name: "only the mode", Args: `{"path": "$DIR/f", "line": "x", "mode": "0600"}`, Changed: true,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x\n") },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				if r.Get("msg") != "ownership, perms or SE linux context changed" {
					t.Errorf("msg %v", r.Get("msg"))
				}
			}},
		mt.Case{Name: "through a link", Args: `{"path": "$DIR/l", "line": "y", "backup": true}`, Changed: true,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x\n"); os.Symlink("f", dir+"/l") },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/f", "x\ny\n")
				mt.Has(t, value.Str(r.Get("backup")), "x\n")
			}},
		mt.Case{Name: "not valid", Args: `{"path": "$DIR/f", "line": "y", "validate": "grep -q z %s"}`, Fails: "failed to validate: rc:1 error:",
			Setup:  func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x\n") },
			Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Has(t, dir+"/f", "x\n") }},
		mt.Case{Name: "bad pattern", Args: `{"path": "$DIR/f", "line": "y", "regexp": "("}`, Fails: "regexp \"(\": ",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x\n") }},
		mt.Case{Name: "nothing to remove by", Args: `{"path": "$DIR/f", "state": "absent"}`, Fails: "one of line, search_string, or regexp is required with state=absent",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x\n") }},
	)
	mt.Run(t, &Module, cases)
}
