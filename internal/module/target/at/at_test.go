package at

import (
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// The stand-ins keep each job as a file, by its number.
func TestContract(t *testing.T) {
	mt.Bin(t, map[string]string{
		"at": `case $1 in
-c) cat $JOBS/$2;;
-r) rm $JOBS/$2;;
-f) n=$(ls $JOBS | wc -l); cp $2 $JOBS/$((n + 1)); test "$3 $4 $5 $6" = "now + 5 minutes";;
esac`,
		"atq": `cd $JOBS; for j in *; do test ! -e $j || echo "$j	Thu a root"; done`,
	})
	with := func(jobs ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Setenv("JOBS", dir)
			for i, j := range jobs {
				mt.Write(t, dir, string(rune('1'+i)), j+"\n")
			}
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "add", Setup: with(), Args: `{"command": "ls", "count": 5, "units": "minutes"}`, Changed: true, Again: true},
		{Name: "unique", Setup: with("date", "ls"), Args: `{"command": "ls", "count": 5, "units": "minutes", "unique": true}`},
		{Name: "unique and new", Setup: with("date"), Args: `{"command": "ls", "count": 5, "units": "minutes", "unique": true}`, Changed: true},
		{Name: "absent", Setup: with("date", "ls"), Args: `{"command": "ls", "state": "absent"}`, Changed: true},
		{Name: "absent already", Setup: with("date"), Args: `{"command": "ls", "state": "absent"}`},
		{Name: "no time", Setup: with(), Args: `{"command": "ls"}`, Fails: "present state requires count and units"},
		{Name: "nothing", Args: `{}`, Fails: "one of the following is required: command, script_file"},
	})
}
