package python

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/executor"
	"github.com/tutti-run/tutti/internal/value"
)

// world writes a small installation of Ansible and of a collection.
func world(t *testing.T) (*Runner, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ansible/module_utils/__init__.py":                            "",
		"ansible/module_utils/basic.py":                               "from ansible.module_utils.common.text import converters\nimport json\n",
		"ansible/module_utils/common/__init__.py":                     "",
		"ansible/module_utils/common/text/__init__.py":                "from ansible.module_utils.common.compat import y\n",
		"ansible/module_utils/common/compat.py":                       "",
		"ansible/module_utils/common/text/converters.py":              "from ..warnings import warn\n",
		"ansible/module_utils/common/warnings.py":                     "",
		"ansible/module_utils/unused.py":                              "",
		"ansible/module_utils/six/__init__.py":                        "",
		"ansible/modules/thing.py":                                    "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nfrom ansible.module_utils.six.moves import range\ntry:\n    from ansible.module_utils.absent import x\nexcept ImportError:\n    pass\n",
		"ansible/modules/broken.py":                                   "from ansible.module_utils.absent import x\n",
		"coll/ansible_collections/a/b/plugins/modules/m.py":           "from ansible_collections.a.b.plugins.module_utils.helper import (\n    one,\n    two)\n",
		"coll/ansible_collections/a/b/plugins/module_utils/helper.py": "from . import other\n",
		"coll/ansible_collections/a/b/plugins/module_utils/other.py":  "",
		"library/deep.py":                                             "from ansible.module_utils.basic import AnsibleModule\nfrom ansible.module_utils.half import x\n",
		"library/whole.py":                                            "import ansible.module_utils.gone\n",
		"module_utils/half.py":                                        "from ansible.module_utils.gone import y\n",
		"library/json.sh":                                             "#!/bin/sh\n# WANT_JSON\n",
		"library/old.sh":                                              "#!/bin/sh\n. $1\n",
		"role/library/relative.py":                                    "from ..module_utils.basic import AnsibleModule\nfrom ..module_utils.own import answer\n",
		"role/module_utils/own.py":                                    "",
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &Runner{Ansible: []string{filepath.Join(dir, "ansible")}, Collections: []string{filepath.Join(dir, "coll")}}, dir
}

func contents(t *testing.T, data []byte) string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		if rc, err := f.Open(); err == nil {
			_, _ = io.ReadAll(rc)
			rc.Close()
		}
		names = append(names, f.Name)
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

func TestArchiveHoldsWhatIsImported(t *testing.T) {
	r, dir := world(t)
	p := r.prepare(filepath.Join(dir, "ansible/modules/thing.py"), "ansible.builtin.thing")
	if p.err != nil {
		t.Fatal(p.err)
	}
	want := "ansible/__init__.py ansible/module_utils/__init__.py ansible/module_utils/basic.py ansible/module_utils/common/__init__.py ansible/module_utils/common/compat.py " +
		"ansible/module_utils/common/text/__init__.py ansible/module_utils/common/text/converters.py ansible/module_utils/common/warnings.py " +
		"ansible/module_utils/six/__init__.py ansible/modules/__init__.py ansible/modules/thing.py"
	if got := contents(t, p.data); got != want || p.entry != "ansible.modules.thing" {
		t.Errorf("%s:\n got %s\nwant %s", p.entry, got, want)
	}
	again := (&Runner{Ansible: r.Ansible, Collections: r.Collections}).prepare(filepath.Join(dir, "ansible/modules/thing.py"), "ansible.builtin.thing")
	if again.digest != p.digest {
		t.Error("the same files gave another archive: targets could not keep it")
	}
}

func TestCollection(t *testing.T) {
	r, dir := world(t)
	p := r.prepare(filepath.Join(dir, "coll/ansible_collections/a/b/plugins/modules/m.py"), "a.b.m")
	if p.err != nil {
		t.Fatal(p.err)
	}
	if got := contents(t, p.data); !strings.Contains(got, "ansible_collections/a/b/plugins/module_utils/helper.py") || !strings.Contains(got, "ansible_collections/a/b/plugins/module_utils/other.py") {
		t.Errorf("the archive holds %s", got)
	}
	if p.entry != "ansible_collections.a.b.plugins.modules.m" {
		t.Errorf("entry %s", p.entry)
	}
}

// A role's module may import relative to where it is run, below ansible.
func TestRelativeImport(t *testing.T) {
	r, dir := world(t)
	p := r.prepare(filepath.Join(dir, "role/library/relative.py"), "relative")
	if p.err != nil || p.style != "python" {
		t.Fatalf("style %s, %v", p.style, p.err)
	}
	if got := contents(t, p.data); !strings.Contains(got, "ansible/module_utils/own.py") {
		t.Errorf("the archive holds %s", got)
	}
}

func TestMissingImport(t *testing.T) {
	r, dir := world(t)
	for file, want := range map[string]string{
		"ansible/modules/broken.py": "Could not find imported module support code for ansible.modules.broken.  Looked for (['ansible.module_utils.absent.x', 'ansible.module_utils.absent'])",
		"library/deep.py":           "Could not find imported module support code for ansible.modules.deep.  Looked for (['ansible.module_utils.gone.y', 'ansible.module_utils.gone'])",
		"library/whole.py":          "Could not find imported module support code for ansible.modules.whole.  Looked for (['ansible.module_utils.gone'])",
	} {
		if p := r.prepare(filepath.Join(dir, file), "broken"); p.err == nil || p.err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", file, p.err, want)
		}
	}
}

func TestStyles(t *testing.T) {
	r, dir := world(t)
	for file, want := range map[string]string{"library/json.sh": "json", "library/old.sh": "old", "ansible/modules/thing.py": "python"} {
		if p := r.prepare(filepath.Join(dir, file), "x"); p.style != want {
			t.Errorf("%s is of style %s, want %s", file, p.style, want)
		}
	}
	call, err := r.Call(t.Context(), filepath.Join(dir, "library/old.sh"), "old", value.MapOf("a", "b c", "n", 1, "q", "it's"),
		executor.PythonTask{Check: true, Var: func(string) any { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := call.Args.At("plain_args"), `a='b c' n=1 q='it'"'"'s'`; got != want {
		t.Errorf("plain arguments %s, want %s", got, want)
	}
	if args := call.Args.At("args").(string); !strings.Contains(args, `"_ansible_check_mode":true`) || !strings.Contains(args, `"a":"b c"`) {
		t.Errorf("arguments %s", args)
	}
}
