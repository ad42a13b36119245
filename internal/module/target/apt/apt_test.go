package apt

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// repository makes packages, a place that apt gets them from, and apt look
// nowhere else. It returns the directory of the package files.
func repository(t *testing.T) string {
	t.Helper()
	repo, build := t.TempDir(), t.TempDir()
	var index strings.Builder
	for _, p := range []struct{ name, version, more string }{
		{"tutti-foo", "1.0.0", ""}, {"tutti-foo", "1.0.1", ""}, {"tutti-foo", "2.0", ""},
		{"tutti-bar", "1.0", "Depends: tutti-foo\n"}, {"tutti-other", "1.0", "Provides: tutti-virtual\n"},
	} {
		control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n%sDescription: for a test\n", p.name, p.version, p.more)
		dir := filepath.Join(build, p.name+p.version)
		mt.Write(t, dir, "DEBIAN/control", control)
		file := fmt.Sprintf("%s_%s_all.deb", p.name, p.version)
		if out, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", dir, filepath.Join(repo, file)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		data, err := os.ReadFile(filepath.Join(repo, file))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&index, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", control, file, len(data), sha256.Sum256(data))
	}
	mt.Write(t, repo, "Packages", index.String())
	for _, dir := range []string{filepath.Dir(repo), repo} { // apt fetches as a user of its own
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll("/etc/apt/sources.list.d"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/etc/apt/sources.list", []byte("deb [trusted=yes] file:"+repo+" ./\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	call(t, value.MapOf("update_cache", true))
	return repo
}

func call(t *testing.T, args *value.Map) *module.Result {
	t.Helper()
	r := mt.Call(t, &Module, args, mt.Options{})
	if r.Failed {
		t.Fatalf("%s", value.Repr(r.ToMap()))
	}
	return r
}

// with begins a case with just these packages.
func with(packages ...any) func(*testing.T, string) {
	return func(t *testing.T, _ string) {
		t.Helper()
		// dpkg itself is many times faster than apt-get.
		if out, err := exec.Command("dpkg", "--purge", "tutti-foo", "tutti-bar", "tutti-other").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if len(packages) > 0 {
			call(t, value.MapOf("name", packages))
		}
	}
}

// versions checks which versions are installed, as name=version.
func versions(want ...string) func(*testing.T, string, *module.Result) {
	return func(t *testing.T, _ string, _ *module.Result) {
		t.Helper()
		db, err := dpkg.Read()
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, name := range []string{"tutti-bar", "tutti-foo", "tutti-other"} {
			if p := db.Find(name); p.Installed() {
				have = append(have, name+"="+p.Version)
			}
		}
		if got := strings.Join(have, " "); got != strings.Join(want, " ") {
			t.Errorf("installed: %s, want %s", got, strings.Join(want, " "))
		}
	}
}

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("apt-get takes its time")
	}
	for _, program := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("this machine has no %s", program)
		}
	}
	if !mt.Private(t, "/etc", "/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/usr/sbin") {
		return
	}
	repo := repository(t)
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Setup: with(), Args: `{"name": "tutti-bar"}`, Changed: true, Verify: versions("tutti-bar=1.0", "tutti-foo=2.0")},
		{Name: "there", Setup: with("tutti-foo=1.0.0"), Args: `{"name": ["tutti-foo"]}`, Verify: versions("tutti-foo=1.0.0")},
		{Name: "latest", Setup: with("tutti-foo=1.0.0"), Args: `{"name": "tutti-foo", "state": "latest"}`, Changed: true, Verify: versions("tutti-foo=2.0")},
		{Name: "version", Setup: with(), Args: `{"name": "tutti-foo=1.0.0"}`, Changed: true, Verify: versions("tutti-foo=1.0.0")},
		{Name: "version by pattern", Setup: with(), Args: `{"name": "tutti-foo=1.0*"}`, Changed: true, Verify: versions("tutti-foo=1.0.1")},
		{Name: "at least", Setup: with("tutti-foo=1.0.0"), Args: `{"name": "tutti-foo>=1.0.1"}`, Changed: true, Verify: versions("tutti-foo=2.0")},
		{Name: "at least what is there", Setup: with("tutti-foo=1.0.1"), Args: `{"name": "tutti-foo>=1.0.1"}`, Verify: versions("tutti-foo=1.0.1")},
		{Name: "downgrade", Setup: with("tutti-foo=2.0"), Args: `{"name": "tutti-foo=1.0.0"}`, Fails: "without --allow-downgrades"},
		{Name: "downgrade allowed", Setup: with("tutti-foo=2.0"), Args: `{"name": "tutti-foo=1.0.0", "allow_downgrade": true}`, Changed: true, Verify: versions("tutti-foo=1.0.0")},
		{Name: "only upgrade", Setup: with("tutti-foo=1.0.0"), Args: `{"name": ["tutti-foo=2.0", "tutti-bar"], "only_upgrade": true}`, Changed: true, Verify: versions("tutti-foo=2.0")},
		{Name: "no version", Setup: with(), Args: `{"name": "tutti-foo=99"}`, Fails: "no available installation candidate for tutti-foo=99"},
		{Name: "no package", Setup: with(), Args: `{"name": "tutti-none"}`, Fails: "No package matching 'tutti-none' is available"},
		{Name: "not an option", Setup: with(), Args: `{"name": "tutti-foo-"}`, Fails: "No package matching 'tutti-foo-' is available"},
		{Name: "pattern", Setup: with(), Args: `{"name": "tutti-f*"}`, Changed: true, Verify: versions("tutti-foo=2.0")},
		{Name: "pattern of nothing", Setup: with(), Args: `{"name": "tutti-x*"}`, Fails: "No package(s) matching 'tutti-x*' available"},
		{Name: "provided", Setup: with("tutti-other"), Args: `{"name": "tutti-virtual"}`, Verify: versions("tutti-other=1.0")},
		{Name: "absent", Setup: with("tutti-foo"), Args: `{"name": "tutti-foo", "state": "absent"}`, Changed: true, Verify: versions()},
		{Name: "absent already", Setup: with(), Args: `{"name": ["tutti-foo", "tutti-none"], "state": "absent"}`, Verify: versions()},
		{Name: "autoremove", Setup: func(t *testing.T, dir string) {
			with("tutti-bar")(t, dir)
			call(t, value.MapOf("name", "tutti-bar", "state", "absent"))
		}, Args: `{"autoremove": true}`, Changed: true, Verify: versions()},
		{Name: "file", Setup: with(), Args: `{"deb": "` + repo + `/tutti-foo_1.0.1_all.deb"}`, Changed: true, Verify: versions("tutti-foo=1.0.1")},
		{Name: "older file", Setup: with("tutti-foo=2.0"), Args: `{"deb": "` + repo + `/tutti-foo_1.0.1_all.deb"}`, Fails: "A later version is already installed"},
		{Name: "upgrade", Setup: with("tutti-foo=1.0.0"), Args: `{"upgrade": "dist"}`, Changed: true, Verify: versions("tutti-foo=2.0")},
		{Name: "lists are new enough", Setup: with(), Args: `{"update_cache": true, "cache_valid_time": 86400}`},
		{Name: "two equal signs", Args: `{"name": "a=1=2"}`, Fails: "invalid package spec: a=1=2"},
		{Name: "all and some", Args: `{"name": ["*", "a"], "state": "latest"}`, Fails: "unable to install additional packages when upgrading all installed packages"},
	})
	t.Run("marked as wanted", func(t *testing.T) {
		with("tutti-bar")(t, "") // which brings tutti-foo along
		if !automatic()["tutti-foo"] {
			t.Fatal("tutti-foo is not marked as automatic")
		}
		if r := call(t, value.MapOf("name", "tutti-foo")); r.Changed || automatic()["tutti-foo"] {
			t.Errorf("changed=%v, marked: %v", r.Changed, automatic())
		}
	})
	t.Run("services kept from starting", func(t *testing.T) {
		with()(t, "")
		_ = os.Remove(policyRcD)
		if err := os.WriteFile(policyRcD, []byte("mine"), 0o700); err != nil {
			t.Fatal(err)
		}
		call(t, value.MapOf("name", "tutti-foo", "policy_rc_d", 101))
		mt.Has(t, policyRcD, "mine")
		mt.Mode(t, policyRcD, 0o700)
	})
}

func TestParseRequest(t *testing.T) {
	for text, want := range map[string]request{
		"a": {name: "a"}, "a=1": {name: "a", op: "=", version: "1"}, "a>=1": {name: "a", op: ">=", version: "1"}, "a:i386=1.*": {name: "a:i386", op: "=", version: "1.*"},
	} {
		want.text = text
		if got := parseRequest(text); got != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestParsePolicies(t *testing.T) {
	got := parsePolicies(`foo:
  Installed: 1.0
  Candidate: 2.0
  Version table:
     2.0 500
        500 file:/repo ./ Packages
 *** 1.0 100
        100 /var/lib/dpkg/status
virtual:
  Installed: (none)
  Candidate: (none)
  Version table:
`)
	if f := got["foo"]; f.candidate != "2.0" || strings.Join(f.versions, " ") != "2.0 1.0" {
		t.Errorf("foo: %+v", f)
	}
	if v, ok := got["virtual"]; !ok || v.candidate != "" || v.versions != nil {
		t.Errorf("virtual: %+v", v)
	}
}

// What most apt tasks of most runs cost: everything is there already.
func BenchmarkNothingToDo(b *testing.B) {
	env := &module.Env{Environ: os.Environ()}
	args, err := Module.Spec.ParseTarget(value.MapOf("name", []any{"dpkg", "apt", "base-files"}), env.Environ)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if r := Module.Run(b.Context(), env, args); r.Failed || r.Changed {
			b.Skipf("not a Debian machine: %s", r.Msg)
		}
	}
}
