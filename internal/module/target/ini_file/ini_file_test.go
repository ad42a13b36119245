package inifile

import (
	"errors"
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	const text = "top = 1\n\n[a]\nx = 1\n# y = 2\n\n[b]\nx=1\nx=2\nbare\n"
	var cases []mt.Case
	for _, c := range []struct{ name, args, want, msg string }{
		{"there", `"section": "a", "option": "x", "value": "1"`, text, "OK"},
		{"change", `"section": "a", "option": "x", "value": "3"`, "top = 1\n\n[a]\nx = 3\n# y = 2\n\n[b]\nx=1\nx=2\nbare\n", "option changed"},
		{"commented out", `"section": "a", "option": "y", "value": "3"`, "top = 1\n\n[a]\nx = 1\ny = 3\n\n[b]\nx=1\nx=2\nbare\n", "option changed"},
		{"new option", `"section": "a", "option": "z", "value": "3", "no_extra_spaces": true`, "top = 1\n\n[a]\nx = 1\nz=3\n# y = 2\n\n[b]\nx=1\nx=2\nbare\n", "option added"},
		{"new section", `"section": "c", "option": "z", "value": "3"`, text + "[c]\nz = 3\n", "section and option added"},
		{"one of several", `"section": "b", "option": "x", "value": "2", "no_extra_spaces": true`, "top = 1\n\n[a]\nx = 1\n# y = 2\n\n[b]\nx=2\nbare\n", "option changed"},
		{"several", `"section": "b", "option": "x", "values": ["2", "3"], "exclusive": false, "no_extra_spaces": true`, "top = 1\n\n[a]\nx = 1\n# y = 2\n\n[b]\nx=1\nx=2\nbare\nx=3\n", "option added"},
		{"no value", `"section": "a", "option": "z", "allow_no_value": true`, "top = 1\n\n[a]\nx = 1\nz\n# y = 2\n\n[b]\nx=1\nx=2\nbare\n", "option added"},
		{"no value there", `"section": "b", "option": "bare", "allow_no_value": true`, text, "OK"},
		{"no section", `"option": "top", "value": "2"`, "top = 2\n\n[a]\nx = 1\n# y = 2\n\n[b]\nx=1\nx=2\nbare\n", "option changed"},
		{"absent", `"section": "b", "option": "x", "state": "absent"`, "top = 1\n\n[a]\nx = 1\n# y = 2\n\n[b]\nbare\n", "option changed"},
		{"absent value", `"section": "b", "option": "x", "value": "1", "exclusive": false, "state": "absent"`, "top = 1\n\n[a]\nx = 1\n# y = 2\n\n[b]\nx=2\nbare\n", "option changed"},
		{"absent section", `"section": "a", "state": "absent"`, "top = 1\n\n[b]\nx=1\nx=2\nbare\n", "section removed"},
		{"absent already", `"section": "c", "option": "x", "state": "absent"`, text, "OK"},
	} {
		cases = append(cases, mt.Case{
			Name: c.name, Args: `{"path": "$DIR/f", ` + c.args + `}`, Changed: c.want != text,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", text) },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Has(t, dir+"/f", c.want)
				if r.Get("msg") != c.msg {
					t.Errorf("msg %v", r.Get("msg"))
				}
			},
		})
	}
	mt.Run(t, &Module, append(cases,
		mt.Case{Name: "no file", Args: `{"path": "$DIR/d/f", "section": "a", "option": "x", "value": "1", "mode": "0600"}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			mt.Has(t, dir+"/d/f", "\n[a]\nx = 1\n")
			mt.Mode(t, dir+"/d/f", 0o600)
		}},
		mt.Case{Name: "link", Args: `{"path": "$DIR/l", "section": "a", "option": "x", "value": "1"}`, Changed: true, Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "f", "[a]\n")
			if err := errors.Join(os.Chmod(dir+"/f", 0o640), os.Symlink("f", dir+"/l")); err != nil {
				t.Fatal(err)
			}
		}, Verify: func(t *testing.T, dir string, r *module.Result) {
			mt.Has(t, dir+"/f", "[a]\n")
			mt.Has(t, dir+"/l", "[a]\nx = 1\n")
			mt.Mode(t, dir+"/l", 0o640)
			if r.Get("state") != "file" {
				t.Error(r.Get("state"))
			}
		}},
		mt.Case{Name: "dangling link", Args: `{"path": "$DIR/l", "section": "a", "option": "x", "value": "1", "backup": true}`, Changed: true, Setup: func(t *testing.T, dir string) {
			if err := os.Symlink("none", dir+"/l"); err != nil {
				t.Fatal(err)
			}
		}, Verify: func(t *testing.T, dir string, r *module.Result) {
			mt.Has(t, dir+"/l", "\n[a]\nx = 1\n")
			if r.Get("backup_file") != "" {
				t.Error(r.Get("backup_file"))
			}
			if _, err := os.Lstat(dir + "/none"); err == nil {
				t.Error("written through the link")
			}
		}},
		mt.Case{Name: "below a file", Args: `{"path": "$DIR/f/g", "section": "a", "create": false, "state": "absent"}`, Fails: "does not exist!",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "") }},
		mt.Case{Name: "must be there", Args: `{"path": "$DIR/f", "section": "a", "option": "x", "value": "1", "create": false}`, Fails: "does not exist!"},
		mt.Case{Name: "no value given", Args: `{"path": "$DIR/f", "section": "a", "option": "x"}`, Fails: "Parameter 'value(s)' must be defined"},
	))
}
