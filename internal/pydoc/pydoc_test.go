package pydoc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

const plugin = `#!/usr/bin/python
DOCUMENTATION = \
    r'''
module: x
short_description: Does \x
version_added: "1.2"
description:
  - Uses C(a) and I(b), see M(c.d.e) or L(the page, https://h/).
options:
  a:
    description: Mine.
    suboptions:
      deep: {type: int, version_added: 1.3.0}
  b: {type: list, elements: str}
notes: [own]
extends_documentation_fragment:
  - one.two.three
  - one.two.three.more
  - ours
'''
OTHER = "%d: no YAML"

EXAMPLES = """
- x: {a: \"1\\2\"}
"""
RETURN = '# nothing'
`

const fragment = `class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  a: {description: Theirs., type: str}
  c: {description: Added., version_added: '3'}
notes: [theirs]
"""
    MORE = r'''
requirements: [python]
'''
`

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"x.py": plugin, "three.py": fragment, "y.yml": "DOCUMENTATION: {name: y}\nEXAMPLES: |\n  e\nRETURN: {r: {version_added: '2'}}\n",
		"ours.py": "DOCUMENTATION = 'author: [me]'\n", "none.py": "x = 1\n", "open.py": "DOCUMENTATION = '''\na", "lost.py": "DOCUMENTATION = 'extends_documentation_fragment: no.such.one'\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	find := func(collection, name string) string {
		if collection == "one.two" && name == "three" {
			return filepath.Join(dir, "three.py")
		}
		if collection == "k.l" && name == "ours" {
			return filepath.Join(dir, "ours.py")
		}
		return ""
	}
	for _, c := range []struct{ file, doc, examples, returns string }{
		{"x.py", `{"module": "x", "short_description": "Does \\x", "version_added": "1.2", ` +
			`"description": ["Uses C(a) and I(b), see M(c.d.e) or L(the page, https://h/)."], ` +
			`"options": {"a": {"description": "Mine.", "type": "str", "suboptions": {"deep": {"type": "int", "version_added": "1.3.0", "version_added_collection": "k.l"}}}, ` +
			`"c": {"description": "Added.", "version_added": "3", "version_added_collection": "one.two"}, "b": {"type": "list", "elements": "str"}}, ` +
			`"notes": ["own", "theirs"], "version_added_collection": "k.l", "requirements": ["python"], "author": ["me"]}`, "\n- x: {a: \"1\\2\"}\n", "null"},
		{"y.yml", `{"name": "y"}`, "e\n", `{"r":{"version_added":"2","version_added_collection":"k.l"}}`},
	} {
		p, err := Read(filepath.Join(dir, c.file), "k.l", find)
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		want, err := value.ParseJSON([]byte(c.doc))
		if err != nil {
			t.Fatal(err)
		}
		sorted := func(v any) string { return string(value.JSON{SortKeys: true}.Append(nil, v)) }
		if got := sorted(p.Doc); got != sorted(want) {
			t.Errorf("%s:\n got %s\nwant %s", c.file, got, sorted(want))
		}
		if p.Examples != c.examples || sorted(p.Return) != c.returns {
			t.Errorf("%s: examples %q, returns %s", c.file, p.Examples, sorted(p.Return))
		}
	}
	for name, want := range map[string]string{"none.py": "has no documentation", "open.py": "has no documentation", "lost.py": "unknown doc_fragment(s) in file: no.such.one", "nowhere.py": "no such file"} {
		if _, err := Read(filepath.Join(dir, name), "k.l", find); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestPlain(t *testing.T) {
	got := Text([]any{"Uses C(a), B(b) and I(c), see M(d.e.f), R(the guide,guide) or L(the page, https://h/).", "V(x\\)y) U(https://h/)"})
	if want := "Uses `a', *b* and c, see [d.e.f], the guide or the page <https://h/>.\n`x\\)y' https://h/"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
