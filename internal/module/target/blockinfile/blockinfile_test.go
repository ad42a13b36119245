package blockinfile

import (
	"fmt"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	const b, e = "# BEGIN ANSIBLE MANAGED BLOCK\n", "# END ANSIBLE MANAGED BLOCK\n"
	var cases []mt.Case
	for i, c := range []struct{ before, args, after, msg string }{
		{"a\n", `"block": "x\ny"`, "a\n" + b + "x\ny\n" + e, "Block inserted"},
		{"a", `"block": "x"`, "a\n" + b + "x\n" + e, "Block inserted"},
		{"a\n" + b + "old\n" + e + "z\n", `"block": "x\n"`, "a\n" + b + "x\n" + e + "z\n", "Block inserted"},
		{"a\n" + b + "x\n" + e, `"block": "x"`, "a\n" + b + "x\n" + e, ""},
		{"a\n" + b + "x\n" + e + "z\n", `"state": "absent"`, "a\nz\n", "Block removed"},
		{"a\n" + b + "x\n" + e + "z\n", `"block": ""`, "a\nz\n", "Block removed"},
		{"a\n", `"state": "absent"`, "a\n", ""},
		{"a\nb\n", `"block": "x", "insertafter": "^a"`, "a\n" + b + "x\n" + e + "b\n", "Block inserted"},
		{"a\nb\n", `"block": "x", "insertbefore": "^b"`, "a\n" + b + "x\n" + e + "b\n", "Block inserted"},
		{"a\nb\n", `"block": "x", "insertbefore": "BOF"`, b + "x\n" + e + "a\nb\n", "Block inserted"},
		{"a\nb\n", `"block": "x", "insertafter": "none"`, "a\nb\n" + b + "x\n" + e, "Block inserted"},
		{"a\nb\nc\n", `"block": "x", "insertafter": "(?m)a\nb$"`, "a\nb\n" + b + "x\n" + e + "c\n", "Block inserted"},
		{"a\n", `"block": "x", "marker": "; {mark} mine", "marker_begin": "<", "marker_end": ">"`, "a\n; < mine\nx\n; > mine\n", "Block inserted"},
	} {
		cases = append(cases, mt.Case{
			Name: fmt.Sprint(i, " ", c.args), Args: `{"path": "$DIR/f", ` + c.args + `}`, Changed: c.before != c.after,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", c.before) },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/f", c.after)
				if r.Get("msg") != c.msg {
					t.Errorf("result %s", value.Repr(r.ToMap()))
				}
			},
		})
	}
	cases = append(cases,
		mt.Case{Name: "create", Args: `{"path": "$DIR/f", "block": "x", "create": true, "mode": "0640"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/f", b+"x\n"+e)
				mt.Mode(t, dir+"/f", 0o640)
			}},
		mt.Case{Name: "no file", Args: `{"path": "$DIR/f", "block": "x"}`, Fails: "Path "},
		mt.Case{Name: "backup", Args: `{"path": "$DIR/f", "block": "x", "backup": true}`, Changed: true,
			Setup:  func(t *testing.T, dir string) { mt.Write(t, dir, "f", "a\n") },
			Verify: func(t *testing.T, dir string, r *module.Result) { mt.Has(t, value.Str(r.Get("backup_file")), "a\n") }},
	)
	mt.Run(t, &Module, cases)
}
