package dnf

import (
	"os"
	"slices"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
)

// The programs keep what is installed, as rpm lists it, in the case's directory.
var programs = map[string]string{
	"rpm": `cat $ROOT/db`,
	"dnf": `yes=$1; shift
echo "$*" >>$ROOT/../log
while case $1 in --*) true;; *) false;; esac; do shift; done
verb=$1; shift
row() { printf '\nDependencies resolved.\n====\n Package Arch Version Repo Size\n====\n%s:\n' $1; shift; printf ' %s noarch %s local 6 k\n' $*; printf '\nTransaction Summary\n====\n'; }
case $verb in
makecache) exit;;
install) test $1 != nothing || { echo "No match for argument: nothing"; echo "Error: Unable to find a match: nothing" >&2; exit 1; }
	test $1 != broken || { printf 'Error: \n Problem: cannot install it\n' >&2; exit 1; }
	row Installing ${1%%-*} 2.0-1; new="${1%%-*}	0	2.0	1	noarch";;
upgrade) grep -q "^$1	0	1" $ROOT/db || { echo Nothing to do.; exit; }; row Upgrading $1 2.0-1; new="$1	0	2.0	1	noarch";;
remove) row Removing $1 1.0-1;;
esac
test $yes = --assumeyes || { echo Operation aborted. >&2; exit 1; }
sed -i "/^${1%%-*}	/d" $ROOT/db; test -z "$new" || echo "$new" >>$ROOT/db
`,
}

func TestContract(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("dnf is for root")
	}
	mt.Bin(t, programs)
	with := func(t *testing.T, dir string) {
		t.Setenv("ROOT", dir)
		mt.Write(t, dir, "db", "old\t0\t1.0\t1\tnoarch\nnew\t0\t2.0\t1\tnoarch\n")
	}
	results := func(want ...string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, _ string, r *module.Result) {
			t.Helper()
			if got := value.Repr(r.Get("results")); got != value.Repr(value.FromGo(want)) {
				t.Errorf("results %s", got)
			}
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "install", Setup: with, Args: `{"name": "x"}`, Changed: true, Verify: results("Installed: x-2.0-1.noarch")},
		{Name: "there", Setup: with, Args: `{"name": ["old", "new-2.0-1.noarch"]}`},
		{Name: "older version", Setup: with, Args: `{"name": "new-1.5-1"}`},
		{Name: "upgrade", Setup: with, Args: `{"name": "old", "state": "latest"}`, Changed: true, Verify: results("Installed: old-2.0-1.noarch", "Removed: old-1.0-1.noarch")},
		{Name: "newest already", Setup: with, Args: `{"name": "new", "state": "latest"}`},
		{Name: "only upgrades", Setup: with, Args: `{"name": "x", "state": "latest", "update_only": true}`, Verify: results("Packages providing x not installed due to update_only specified")},
		{Name: "remove", Setup: with, Args: `{"name": "old", "state": "absent"}`, Changed: true, Verify: results("Removed: old-1.0-1.noarch")},
		{Name: "removed already", Setup: with, Args: `{"name": "x", "state": "absent"}`},
		{Name: "no package", Setup: with, Args: `{"name": "nothing"}`, Fails: "Failed to install some of the specified packages", Verify: func(t *testing.T, _ string, r *module.Result) {
			if got := value.Repr(r.Get("failures")); got != "['No package nothing available.']" {
				t.Error(got)
			}
		}},
		{Name: "broken", Setup: with, Args: `{"name": "broken"}`, Fails: "Depsolve Error occurred: \n Problem: cannot install it"},
		{Name: "remove a file", Setup: with, Args: `{"name": "/x.rpm", "state": "absent"}`, Fails: "Cannot remove paths -- please specify package name."},
		{Name: "lists", Setup: with, Args: `{"update_cache": true}`},
		{Name: "both", Args: `{"name": "x", "list": "y"}`, Fails: "parameters are mutually exclusive: name|list"},
	})
	t.Run("yum", func(t *testing.T) { mt.Run(t, &Yum, nil) })
}

func TestTable(t *testing.T) {
	got := parseTable("junk\n=====\n Package Arch\n=====\nInstalling:\n a-very-long-name\n      noarch  1:1.0-1  local  6 k\n b x86_64 2-1 local 1 k\nRemoving unused dependencies:\n c noarch 3-1 @System 1 k\n\nTransaction Summary\n=====\nInstall 2\n")
	want := []change{{"Installing", "a-very-long-name", "noarch", "1:1.0-1"}, {"Installing", "b", "x86_64", "2-1"}, {"Removing unused dependencies", "c", "noarch", "3-1"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestTableOfOtherThings(t *testing.T) {
	got := parseTable("=====\n Package Arch\n=====\nInstalling group/module packages:\n a noarch 1-1 local 6 k\nInstalling Groups:\n My Group  \nRemoving Groups:\n Other\nSkipping packages with conflicts:\n(add '--best --allowerasing' to command line to force their upgrade):\n b noarch 2-1 local 1 k\nSkipping packages with broken dependencies:\n c noarch 2-1 local 1 k\n\nTransaction Summary\n=====\n")
	want := []change{{"Installing group/module packages", "a", "noarch", "1-1"}, {group: "Removing Groups", name: "Other"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestGroups(t *testing.T) {
	list := parseGroups("Available Environment Groups:\n   All of it (all-of-it)\nInstalled Groups:\n   Tools (for all) (tools)\nAvailable Groups:\n   Other Tools (other-tools)\n")
	want := []group{{"all-of-it", "All of it", true, false}, {"tools", "Tools (for all)", false, true}, {"other-tools", "Other Tools", false, false}}
	if !slices.Equal(list, want) {
		t.Errorf("%v", list)
	}
	for spec, id := range map[string]string{"tools": "tools", "other TOOLS": "other-tools", "All*": "all-of-it", "hidden": "hidden"} {
		if got := groupOf(list, spec).id; got != id {
			t.Errorf("%s: %s", spec, got)
		}
	}
}

// What dnf says when it fails comes to what Ansible's module says.
func TestFailures(t *testing.T) {
	ask := &task{results: []any{}}
	for stderr, want := range map[string]string{
		"Errors during downloading\nError: Failed to download metadata for repo 'x': y": `{'changed': False, 'results': [], 'rc': 1, 'msg': "Failed to download metadata for repo 'x': y", 'failed': True}`,
		"Error: \n Problem: conflict\n":                                     `{'changed': False, 'results': [], 'failures': [], 'rc': 1, 'msg': 'Depsolve Error occurred: \n Problem: conflict', 'failed': True}`,
		"Package a-1-1.noarch.rpm is not signed\nError: GPG check FAILED\n": `{'changed': False, 'msg': 'Failed to validate GPG signature for a-1-1.noarch: Package a-1-1.noarch.rpm is not signed', 'failed': True}`,
	} {
		if got := ask.failed(tool.Output{RC: 1, Stderr: stderr}).ToMap(); value.Repr(got) != want {
			t.Errorf("%q:\n%s\n%s", stderr, value.Repr(got), want)
		}
	}
	out := tool.Output{RC: 1, Stdout: "No match for argument: a >= 2\nAll matches were filtered out by exclude filtering for argument: b\n"}
	if got := value.Repr(notFound(out, nil)); got != "['No package a >= 2 available.', 'b All matches were filtered out by exclude filtering for argument: b']" {
		t.Error(got)
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0", 0}, {"1.0", "1.1", -1}, {"1.10", "1.9", 1}, {"1.0~rc1", "1.0", -1}, {"1.0^git", "1.0", 1}, {"1.0^git", "1.0.1", -1},
		{"1a", "1.1", -1}, {"001", "1", 0}, {"1.0", "1", 1}, {"2_0", "2.0", 0}, {"fc4", "fc.4", 0},
	} {
		got := compare(c.a, c.b)
		if got > 0 != (c.want > 0) || got < 0 != (c.want < 0) {
			t.Errorf("%s, %s: %d", c.a, c.b, got)
		}
	}
}
