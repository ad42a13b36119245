package playbook_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/value"
)

// known is a small world of modules.
type known struct{}

var specs = map[string]*module.Spec{
	"ansible.builtin.debug":   {Name: "ansible.builtin.debug", Params: []module.Param{{Name: "msg"}, {Name: "var"}}},
	"ansible.builtin.command": {Name: "ansible.builtin.command", FreeForm: "_raw_params", Params: []module.Param{{Name: "_raw_params"}, {Name: "chdir"}}},
	"ansible.builtin.file":    {Name: "ansible.builtin.file", Params: []module.Param{{Name: "path"}, {Name: "state", Choices: []any{"file", "absent"}}, {Name: "recurse", Type: module.Bool}}},
}

func (known) Find(name string, _, _ []string) (playbook.Found, bool) {
	full := name
	if !strings.Contains(name, ".") {
		full = "ansible.builtin." + name
	}
	s, ok := specs[full]
	return playbook.Found{Name: module.Name(full), Spec: s}, ok
}

func (known) InGroup(string, module.Name) bool { return false }
func (known) Suggest() []string                { return []string{"debug", "command", "file"} }

func read(t *testing.T, tree map[string]string) (*playbook.Playbook, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range tree {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := playbook.New(playbook.Config{Modules: known{}, RolesPath: []string{filepath.Join(dir, "more")}})
	return l.Playbook(filepath.Join(dir, "site.yml"))
}

// outline shows what a play runs, a line each.
func outline(items []playbook.Item, indent string, b *strings.Builder) {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Block:
			fmt.Fprintf(b, "%sblock\n", indent)
			outline(it.Items, indent+"  ", b)
			if it.Rescue != nil {
				fmt.Fprintf(b, "%srescue\n", indent)
				outline(it.Rescue, indent+"  ", b)
			}
			if it.Always != nil {
				fmt.Fprintf(b, "%salways\n", indent)
				outline(it.Always, indent+"  ", b)
			}
		case *playbook.Task:
			if it.Kind == playbook.RoleComplete {
				fmt.Fprintf(b, "%send of role %s\n", indent, it.Role.Name)
				continue
			}
			become, _ := it.Get(playbook.Become)
			fmt.Fprintf(b, "%s%s %v tags=%v when=%d become=%v\n", indent, it.Module.Short(), value.Plain(it.Name), it.Tags, len(it.When), become)
		}
	}
}

func TestReading(t *testing.T) {
	pb, err := read(t, map[string]string{
		"site.yml": `
- name: first
  hosts: [web, db]
  become: true
  tags: play
  roles:
    - {role: app, tags: [r], when: x}
  tasks:
    - name: b
      when: a
      block:
        - name: t
          debug: msg=hi
          tags: [one, "two,three"]
          become: no
      rescue:
        - command: echo {{ x }}
      always:
        - import_tasks: more.yml
          tags: imported
    - include_tasks: later.yml
- import_playbook: sub/other.yml
`,
		"more.yml":                    "- debug: {msg: more}\n",
		"sub/other.yml":               "- hosts: all\n  tasks: [{debug: }]\n",
		"roles/app/tasks/main.yml":    "- name: of the role\n  file: {path: /x, state: absent}\n",
		"roles/app/meta/main.yml":     "dependencies: [base]\n",
		"more/base/tasks/main.yml":    "- debug:\n",
		"roles/app/handlers/main.yml": "- name: h\n  debug:\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range pb.Plays {
		fmt.Fprintf(&b, "play %v on %v, %d handlers\n", p.Name, p.Hosts, len(p.Handlers))
		for _, part := range [][]*playbook.Block{p.RoleTasks, p.Tasks} {
			for _, block := range part {
				outline(block.Items, "  ", &b)
			}
		}
	}
	want := `play first on [web db], 1 handlers
  debug <nil> tags=[play r] when=1 become=true
  end of role base
  file of the role tags=[play r] when=1 become=true
  end of role app
  block
    debug t tags=[play one two,three] when=1 become=false
  rescue
    command <nil> tags=[play] when=1 become=true
  always
    block
      debug <nil> tags=[play imported] when=1 become=true
  include_tasks <nil> tags=[play] when=0 become=true
play  on all, 0 handlers
  debug <nil> tags=[] when=0 become=<nil>
`
	if got := b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestMistakes has one entry for each class of mistake: what the message says
// and where it points.
func TestMistakes(t *testing.T) {
	task := func(text string) string {
		return "- hosts: all\n  tasks:\n    - " + strings.ReplaceAll(text, "\n", "\n      ") + "\n"
	}
	for _, c := range []struct{ name, site, where, msg, hint string }{
		{"unknown keyword of a play", "- hosts: all\n  taks: []\n", "2:3", "'taks' is not a valid attribute for a Play", "'tasks'"},
		{"unknown keyword of a task", task("debug:\nwhn: x"), "4:7", "'whn' is not a valid attribute for a Task", "'when'"},
		{"unknown keyword of a block", task("block: []\nrescu: []"), "4:7", "'rescu' is not a valid attribute for a Block", "'rescue'"},
		{"keyword at the wrong level", "- hosts: all\n  register: x\n", "2:3", "'register' is not a valid attribute for a Play", ""},
		{"unknown module", task("debgu:"), "3:7", "couldn't resolve module/action 'debgu'", "'debug'"},
		{"two modules", task("debug:\ncommand: ls"), "3:7", "conflicting action statements: debug, command", "one module"},
		{"no module", task("name: x"), "3:7", "no module/action detected in task", "needs the name of a module"},
		{"misspelt parameter", task("file:\n  path: x\n  stat: y"), "5:9", "Unsupported parameters for (file) module: stat", "state"},
		{"wrong choice", task("file:\n  path: x\n  state: abset"), "5:9", "value of state must be one of", "absent"},
		{"wrong type", task("file:\n  path: x\n  recurse: perhaps"), "5:9", "unable to convert to bool", ""},
		{"free text for a module that takes none", task("debug: hello"), "3:14", "extra params", "name=value"},
		{"missing hosts", "- tasks: []\n", "1:3", "the field 'hosts' is required", ""},
		{"empty hosts", "- hosts:\n", "", "Hosts list cannot be empty", ""},
		{"hosts as a mapping", "- hosts: {a: b}\n", "1:10", "Hosts list must be a sequence or string", ""},
		{"not a list", "hosts: all\n", "1:1", "A playbook must be a list of plays", "- hosts"},
		{"empty playbook", "", "", "Empty playbook", ""},
		{"a play that is text", "- hello\n", "1:3", "valid plays or 'import_playbook'", ""},
		{"tasks that are no list", "- hosts: all\n  tasks: {debug: }\n", "2:10", "malformed block", ""},
		{"a task that is text", "- hosts: all\n  tasks: [hello]\n", "2:11", "should hold tasks", ""},
		{"missing role", "- hosts: all\n  roles: [nothere]\n", "2:11", "the role 'nothere' was not found", ""},
		{"old style role", "- hosts: all\n  roles: ['a,b']\n", "2:11", "Invalid old style role requirement: a,b", ""},
		{"role without a name", "- hosts: all\n  roles: [{tags: x}]\n", "2:11", "must contain a role name", ""},
		{"missing import", task("import_tasks: gone.yml"), "3:7", "could not find the file gone.yml", ""},
		{"import in a circle", task("import_tasks: circle.yml"), "1:3", "imports itself", ""},
		{"import with a loop", task("import_tasks: circle.yml\nloop: [1]"), "3:7", "You cannot use loops on 'import_tasks'", ""},
		{"playbook that imports itself", "- import_playbook: site.yml\n", "1:20", "the playbook imports itself", ""},
		{"missing playbook", "- import_playbook: gone.yml\n", "1:20", "could not be found", ""},
		{"role that depends on itself", "- hosts: all\n  roles: [loop]\n", "1:16", "recursion loop", ""},
		{"bad register", task("debug:\nregister: 1x"), "4:17", "Invalid variable name in 'register'", ""},
		{"bad variable name", "- hosts: all\n  vars: {a-b: 1}\n", "2:10", "not a valid variable name", "letters"},
		{"variables as text", "- hosts: all\n  vars: x\n", "2:9", "must be specified as a dictionary", ""},
		{"tags as a mapping", task("debug:\ntags: {a: b}"), "4:13", "tags must be specified as a list", ""},
		{"two loops", task("debug:\nloop: [1]\nwith_items: [2]"), "5:7", "duplicate loop", ""},
		{"loop over a mapping", task("debug:\nloop: {a: b}"), "4:13", "it requires a list", "dict2items"},
		{"unknown loop_control", task("debug:\nloop: [1]\nloop_control: {lable: x}"), "5:22", "not a valid attribute for a LoopControl", "'label'"},
		{"unknown meta", task("meta: flush_handler"), "3:7", "invalid meta action", "'flush_handlers'"},
		{"block as a handler", "- hosts: all\n  handlers: [{block: []}]\n", "2:14", "block as a handler", ""},
		{"include_role as a handler", "- hosts: all\n  handlers: [{include_role: {name: x}}]\n", "2:14", "as a handler is not supported", ""},
		{"include without a file", task("include_tasks:"), "3:7", "No file specified", ""},
		{"include_role without a name", task("include_role: {tasks_from: x}"), "3:7", "'name' is a required field", ""},
		{"unknown option of include_role", task("include_role: {name: x, task_from: y}"), "3:7", "Invalid options for include_role: task_from", ""},
		{"become on an include", task("include_tasks: circle.yml\nbecome: yes"), "4:7", "'become' is not a valid attribute for a TaskInclude", "apply:"},
		{"environment on include_role", task("include_role: {name: x}\nenvironment: {A: b}"), "4:7", "'environment' is not a valid attribute for a IncludeRole", "apply:"},
		{"notify on an include that is a handler", "- hosts: all\n  handlers: [{include_tasks: circle.yml, notify: x}]\n", "2:42", "'notify' is not a valid attribute for a HandlerTaskInclude", "apply:"},
		{"unknown keyword in apply", task("include_tasks: {file: circle.yml, apply: {tag: x}}"), "3:49", "'tag' is not a valid attribute for a Block", "'tags'"},
		{"public on an import", task("import_role: {name: loop, public: yes}"), "3:7", "Invalid options for import_role: public", ""},
		{"delegate_to on a play", "- hosts: all\n  delegate_to: x\n", "2:3", "'delegate_to' is not a valid attribute for a Play", "belongs to a task"},
		{"a list for a text", task("debug:\nremote_user: [x]"), "4:20", "The field 'remote_user' is supposed to be a string type", ""},
		{"a mapping for a name", task("name: {a: b}\ndebug:"), "3:13", "The field 'name' is supposed to be a string type", ""},
		{"a template for module_defaults", task("debug:\nmodule_defaults: '{{ x }}'"), "4:24", "keys of which must be static", "templates below it"},
		{"tags that are nothing", task("debug:\ntags:"), "4:7", "tags must be specified as a list", ""},
		{"an empty rescue", task("block: []\nrescue:"), "", "A malformed block was encountered while loading rescue", ""},
		{"a number as a collection", task("debug:\ncollections: [1]"), "4:21", "should be a list of strings", ""},
		{"apply on an import", task("import_tasks: {file: circle.yml, apply: {tags: x}}"), "3:7", "Invalid options for import_tasks: apply", ""},
		{"prompt without a name", "- hosts: all\n  vars_prompt: [{prompt: x}]\n", "2:17", "missing 'name' key", ""},
		{"unknown key of a prompt", "- hosts: all\n  vars_prompt: [{name: x, secret: yes}]\n", "2:27", "unsupported key 'secret'", ""},
		{"wrong order", "- hosts: all\n  order: upwards\n", "2:10", "Invalid 'order'", "one of inventory"},
		{"args that are no mapping", task("debug:\nargs: [1]"), "4:13", "args must be a dictionary", ""},
		{"user and remote_user", "- hosts: all\n  user: a\n  remote_user: b\n", "2:9", "both 'user' and 'remote_user'", ""},
		{"unhashable key", task("debug:\n  msg: {{ x }}"), "4:15", "cannot be the key", "quotes"},
		{"tab", "- hosts: all\n\ttasks: []\n", "2:1", "", "tabs"},
		{"unclosed quote", "- hosts: \"all\n", "", "", "quote"},
		{"not UTF-8", "- hosts: \xff\n", "1:10", "not valid UTF-8", ""},
	} {
		_, err := read(t, map[string]string{"site.yml": c.site, "circle.yml": "- import_tasks: circle.yml\n", "roles/loop/meta/main.yml": "dependencies: [loop]\n"})
		var ps diag.Problems
		if !errors.As(err, &ps) {
			t.Errorf("%s: got %v, want problems", c.name, err)
			continue
		}
		p := ps[0]
		where := strings.TrimPrefix(p.Pos.String()[strings.LastIndexByte(p.Pos.String(), '/')+1:], "")
		if !strings.Contains(p.Msg, c.msg) || !strings.Contains(p.Hint, c.hint) || c.where != "" && !strings.HasSuffix(where, ":"+c.where) {
			t.Errorf("%s: %s: %s (%s); want %s %q %q", c.name, where, p.Msg, p.Hint, c.where, c.msg, c.hint)
		}
	}
}

func TestAllProblemsTogether(t *testing.T) {
	_, err := read(t, map[string]string{"site.yml": "- hosts: all\n  taks: []\n  tasks:\n    - debgu:\n    - file: {pth: x}\n- hosts: all\n  roles: [gone]\n"})
	var ps diag.Problems
	if !errors.As(err, &ps) || len(ps) != 4 {
		t.Errorf("got %v", err)
	}
}

// TestWarnedKeywords: with invalid_task_attribute_failed off, keywords that mean
// nothing are passed over with a warning.
func TestWarnedKeywords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.yml")
	if err := os.WriteFile(path, []byte("- hosts: all\n  tasks:\n    - {debug: , whn: x}\n    - {include_tasks: x.yml, become: yes}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l := playbook.New(playbook.Config{Modules: known{}, LenientKeywords: true})
	pb, err := l.Playbook(path)
	if err != nil || len(pb.Plays[0].Tasks[0].Items) != 2 {
		t.Fatalf("%v, %v", pb, err)
	}
	for i, w := range l.Warnings() {
		if want := "Ignoring invalid attribute: " + []string{"whn", "become"}[i]; w.Msg != want {
			t.Errorf("warned %q, want %q", w.Msg, want)
		}
	}
}

func TestMistakesThatAreExpectedWait(t *testing.T) {
	for _, site := range []string{
		"- hosts: all\n  tasks:\n    - {file: {pth: x}, ignore_errors: yes}\n",
		"- hosts: all\n  tasks:\n    - {file: {pth: x}, when: never}\n",
		"- hosts: all\n  tasks:\n    - block: [{file: {pth: x}}]\n      rescue: [{debug: }]\n",
	} {
		if _, err := read(t, map[string]string{"site.yml": site}); err != nil {
			t.Errorf("%s: %v", site, err)
		}
	}
}

func FuzzPlaybook(f *testing.F) {
	f.Add("- hosts: all\n  tasks:\n    - debug: msg=x\n      loop: [1]\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "site.yml")
		if os.WriteFile(path, []byte(text), 0o644) != nil {
			t.Skip()
		}
		_, _ = playbook.New(playbook.Config{Modules: known{}}).Playbook(path)
	})
}
