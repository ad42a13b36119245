package galaxy

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

// told collects what is said.
func told(t *testing.T) (Options, *[]string) {
	var lines []string
	say := func(s string) { lines = append(lines, s) }
	return Options{Console: Console{Say: say, Warn: say, Out: os.Stderr, Err: os.Stderr}}, &lines
}

func plain(text string, vars *value.Map) (string, error) {
	for k, v := range vars.Strings() {
		text = strings.ReplaceAll(text, "{{ "+k+" }}", value.Str(v))
	}
	return text, nil
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCollectionFromStartToEnd(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	o, lines := told(t)
	for _, name := range []string{"ns.one", "ns.two"} {
		if err := NewCollection(dir, name, Skeleton{Render: plain}); err != nil {
			t.Fatal(err)
		}
	}
	one := filepath.Join(dir, "ns", "one")
	write(t, one, map[string]string{"plugins/modules/m.py": "#", "x.retry": "", ".git/config": "", "secret.txt": "", "bin/run": "#!"})
	if err := os.Chmod(filepath.Join(one, "bin/run"), 0o700); err != nil {
		t.Fatal(err)
	}
	yml, err := os.ReadFile(filepath.Join(one, "galaxy.yml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(yml), "dependencies: {}", "dependencies: {ns.two: '>=1.0.0'}", 1)
	write(t, one, map[string]string{"galaxy.yml": strings.Replace(text, "build_ignore: []", "build_ignore: [secret.*]", 1)})
	archive, err := Build(one, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(one, dir, o); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Error("a second build:", err)
	}
	in := &Installer{Options: o, Path: filepath.Join(dir, "to")}
	wanted, err := ParseCollection(archive)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Install(ctx, []Collection{wanted}); err == nil || !strings.Contains(err.Error(), "ns.two:>=1.0.0 (dependency of ns.one:1.0.0)") {
		t.Fatal("without what it needs:", err)
	}
	if err := in.Install(ctx, []Collection{wanted, {Kind: fromDir, Source: filepath.Join(dir, "ns", "two")}}); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "to/ansible_collections/ns/one")
	for name, want := range map[string]bool{"plugins/modules/m.py": true, "MANIFEST.json": true, "secret.txt": false, "x.retry": false, ".git": false, "galaxy.yml": false} {
		if exists(filepath.Join(at, name)) != want {
			t.Errorf("%s is there: %v", name, !want)
		}
	}
	if st, err := os.Stat(filepath.Join(at, "bin/run")); err != nil || st.Mode().Perm() != 0o755 {
		t.Error("mode of what can be run:", st.Mode(), err)
	}
	var names []string
	for _, c := range List(filepath.Join(dir, "to"), "") {
		names = append(names, c.Name+" "+c.Version)
	}
	if !slices.Equal(names, []string{"ns.one 1.0.0", "ns.two 1.0.0"}) {
		t.Error(names)
	}
	if differs, err := Verify(at); err != nil || differs != nil {
		t.Error(differs, err)
	}
	write(t, at, map[string]string{"plugins/modules/m.py": "changed", "more": ""})
	if differs, err := Verify(at); err != nil || !slices.Equal(differs, []string{"plugins/modules/m.py", "more"}) {
		t.Error(differs, err)
	}
	*lines = nil
	if err := in.Install(ctx, []Collection{wanted}); err != nil || !strings.Contains(strings.Join(*lines, "\n"), "Nothing to do") {
		t.Error("a second install:", err, *lines)
	}
	in.Force = true
	if err := in.Install(ctx, []Collection{wanted}); err != nil {
		t.Error(err)
	}
	if differs, _ := Verify(at); differs != nil {
		t.Error("after --force:", differs)
	}
}

// archiveOf makes a tar archive; a name with " -> " is a link.
func archiveOf(t *testing.T, files ...[2]string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f[0], Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(f[1]))}
		if name, target, ok := strings.Cut(f[0], " -> "); ok {
			h = &tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(f[1])); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "role.tar")
	if err := os.WriteFile(p, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRoleArchives(t *testing.T) {
	meta := [2]string{"r/meta/main.yml", "dependencies: []\n"}
	for _, c := range []struct {
		name  string
		files [][2]string
		want  string // part of the error
	}{
		{"plain", [][2]string{meta, {"r/tasks/main.yml", ""}}, ""},
		{"without a folder", [][2]string{{"meta/main.yml", ""}, {"tasks/main.yml", ""}}, ""},
		{"link inside", [][2]string{meta, {"r/tasks/a -> ../files/b", ""}, {"r/files/b", ""}}, ""},
		{"no meta", [][2]string{{"r/tasks/main.yml", ""}}, "does not appear to have a meta/main.yml"},
		{"link out", [][2]string{meta, {"r/x -> ../../y", ""}}, "is not a subpath of the role"},
		{"link to the root", [][2]string{meta, {"r/x -> /etc", ""}}, "is not a subpath of the role"},
		{"through a link", [][2]string{meta, {"r/x -> /etc/passwd", ""}, {"r/x", "evil"}}, "is not a subpath of the role"},
		{"by way of a link", [][2]string{meta, {"r/s/b -> ..", ""}, {"r/a -> s/b/..", ""}, {"r/a/evil", "evil"}}, "path escapes from parent"},
		{"dots", [][2]string{meta, {"r/../../evil", "evil"}}, ""},
		{"bad dependencies", [][2]string{{"r/meta/main.yml", "dependencies: {a: b}\n"}}, "Expected role dependencies to be a list"},
		{"bad requirements", [][2]string{meta, {"r/meta/requirements.yml", "roles: []\n"}}, "Expected role dependencies to be a list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, lines := told(t)
			dir := filepath.Join(t.TempDir(), "roles")
			r := &Roles{Options: o, Path: dir}
			err := r.Install(context.Background(), []Role{{Source: archiveOf(t, c.files...), Name: "r"}})
			all := strings.Join(*lines, "\n")
			if (err != nil) != (c.want != "") || !strings.Contains(all, c.want) {
				t.Fatalf("%v\n%s", err, all)
			}
			if exists(filepath.Join(dir, "r")) != (c.want == "") {
				t.Error("the folder is there or not, and should not or should")
			}
			if exists(filepath.Join(filepath.Dir(dir), "evil")) || exists(filepath.Join(dir, "evil")) {
				t.Error("a file lies outside the role")
			}
		})
	}
}

func TestRequirements(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"r.yml": `
roles:
  - src: git+https://h/a/role.git,v1
  - src: https://h/x/other.tar.gz
    name: mine
  - include: more.yml
collections:
  - name: git+file:///r/.git#/sub/,main
  - name: a.b
    version: ">=1.0.0"
  - source: https://h/y.tar.gz
    type: url
`, "more.yml": "- geerlingguy.java,1.2\n"})
	roles, collections, err := ReadRequirements(filepath.Join(dir, "r.yml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Role{{Source: "https://h/a/role.git", SCM: "git", Version: "v1", Name: "role"}, {Source: "https://h/x/other.tar.gz", Name: "mine"}, {Source: "geerlingguy.java", Version: "1.2", Name: "geerlingguy.java"}}
	if !slices.Equal(roles, want) {
		t.Errorf("%+v", roles)
	}
	wantC := []Collection{{fromGit, "file:///r/.git", "sub", "main"}, {fromGalaxy, "a.b", "", ">=1.0.0"}, {Kind: fromURL, Source: "https://h/y.tar.gz"}}
	if !slices.Equal(collections, wantC) {
		t.Errorf("%+v", collections)
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		version, wanted string
		want            bool
	}{
		{"1.2.3", "", true}, {"1.2.3", "*", true}, {"1.2.3", ">=1.0.0,<2.0.0", true}, {"2.0.0", ">=1.0.0,<2.0.0", false}, {"1.2.3", "1.2.3", true},
		{"1.2.3", "==1.2.4", false}, {"1.2.3", "!=1.2.3", false}, {"1.10.0", ">1.9.0", true}, {"1.0.0-beta.2", ">1.0.0-beta.1", true}, {"1.0.0-beta", "<1.0.0", true},
	} {
		if got := satisfies(c.version, c.wanted); got != c.want {
			t.Errorf("%s in %q: %v", c.version, c.wanted, got)
		}
	}
	for v, want := range map[string]bool{"1.0.0": true, "1.0": false, "01.0.0": false, "1.0.0-a+b": true, "": false} {
		if validVersion(v) != want {
			t.Error(v)
		}
	}
}
