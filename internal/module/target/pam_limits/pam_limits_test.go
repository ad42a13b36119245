package pamlimits

import (
	"errors"
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	const text = "# words\n* soft nofile 1024\n@g  hard  nproc unlimited # why\n"
	with := func(t *testing.T, dir string) { mt.Write(t, dir, "l", text) }
	holds := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) { t.Helper(); mt.Has(t, dir+"/l", want) }
	}
	const args = `{"dest": "$DIR/l", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Setup: with, Args: args + `"domain": "u", "limit_type": "-", "limit_item": "nice", "value": "-5", "comment": "mine"}`, Changed: true, Verify: holds(text + "u\t-\tnice\t-5\t#mine\n")},
		{Name: "there", Setup: with, Args: args + `"domain": "*", "limit_type": "soft", "limit_item": "nofile", "value": "1024"}`, Verify: holds(text)},
		{Name: "change", Setup: with, Args: args + `"domain": "@g", "limit_type": "hard", "limit_item": "nproc", "value": "10"}`, Changed: true, Verify: holds("# words\n* soft nofile 1024\n@g\thard\tnproc\t10\t# why\n\n")},
		{Name: "lower than before", Setup: with, Args: args + `"domain": "*", "limit_type": "soft", "limit_item": "nofile", "value": "10", "use_max": true}`, Verify: holds(text)},
		{Name: "higher than before", Setup: with, Args: args + `"domain": "*", "limit_type": "soft", "limit_item": "nofile", "value": "2048", "use_max": true}`, Changed: true},
		{Name: "no limit before", Setup: with, Args: args + `"domain": "@g", "limit_type": "hard", "limit_item": "nproc", "value": "10", "use_min": true}`, Changed: true},
		{Name: "no file", Args: args + `"domain": "u", "limit_type": "soft", "limit_item": "core", "value": "0"}`, Changed: true, Verify: holds("u\tsoft\tcore\t0\n")},
		{Name: "link", Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "real", text)
			if err := errors.Join(os.Chmod(dir+"/real", 0o640), os.Symlink("real", dir+"/l")); err != nil {
				t.Fatal(err)
			}
		}, Args: args + `"domain": "u", "limit_type": "soft", "limit_item": "core", "value": "0"}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			holds(text+"u\tsoft\tcore\t0\n")(t, dir, r)
			mt.Has(t, dir+"/real", text)
			mt.Mode(t, dir+"/l", 0o640)
		}},
		{Name: "no number", Args: args + `"domain": "u", "limit_type": "soft", "limit_item": "core", "value": "x"}`, Fails: "is invalid"},
		{Name: "both", Args: args + `"domain": "u", "limit_type": "soft", "limit_item": "core", "value": "1", "use_max": true, "use_min": true}`, Fails: "Cannot use use_min and use_max"},
	})
}
