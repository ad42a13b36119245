package vars_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
	"github.com/tutti-run/tutti/internal/yaml"
)

// files writes a tree and returns its folder.
func files(t *testing.T, tree map[string]string) string {
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
	return dir
}

// TestPrecedence sets one more layer at a time, the lowest first, and expects
// each to win over those below it. The order is that of Ansible's manual.
func TestPrecedence(t *testing.T) {
	layers := []string{"role defaults", "inventory group all", "inventory group", "group_vars/all of the inventory", "group_vars/all of the playbook",
		"group_vars of the inventory", "group_vars of the playbook", "inventory host", "host_vars of the inventory", "host_vars of the playbook", "facts", "play vars",
		"vars_prompt", "vars_files", "role vars", "block vars", "task vars", "include_vars", "set_fact", "role params", "include params", "extra vars", "loop variables"}
	for top := range layers {
		on := func(name string) *value.Map {
			for i, l := range layers {
				if l == name && i <= top {
					return value.MapOf("x", name)
				}
			}
			return value.NewMap(0)
		}
		yml := func(name string) string {
			if on(name).Len() == 0 {
				return "{}\n"
			}
			return "x: " + name + "\n"
		}
		dir := files(t, map[string]string{
			"inv/hosts.yml":          "all: {vars: " + strings.TrimSpace(flow(on("inventory group all"))) + ", children: {web: {vars: " + flow(on("inventory group")) + ", hosts: {h: " + flow(on("inventory host")) + "}}}}\n",
			"inv/group_vars/all.yml": yml("group_vars/all of the inventory"), "inv/group_vars/web.yml": yml("group_vars of the inventory"), "inv/host_vars/h.yml": yml("host_vars of the inventory"),
			"play/group_vars/all.yml": yml("group_vars/all of the playbook"), "play/group_vars/web/a.yml": yml("group_vars of the playbook"), "play/host_vars/h": yml("host_vars of the playbook"),
		})
		inv, err := inventory.Load(context.Background(), []string{filepath.Join(dir, "inv")}, inventory.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := vars.New(vars.Config{Inventory: inv, PlaybookDir: filepath.Join(dir, "play"), InjectFacts: true, Extra: on("extra vars"),
			LoadFile: func(path string) (any, error) {
				data, err := os.ReadFile(path)
				if err != nil {
					return nil, err
				}
				return yaml.Load(data, path)
			}})
		role := &playbook.Role{Name: "r", Defaults: on("role defaults"), Vars: on("role vars"), Params: on("role params")}
		play := &playbook.Play{Keywords: &playbook.Keywords{Vars: []*value.Map{on("play vars")}}}
		task := &playbook.Task{Role: role, Keywords: &playbook.Keywords{Vars: []*value.Map{on("block vars"), on("task vars")}, IncludeParams: []*value.Map{on("include params")}}}
		p := m.NewPlay(play)
		p.SetPrompted(on("vars_prompt"))
		files := []*value.Map{on("vars_files")}
		p.SetFiles(func(*vars.Scope) []*value.Map { return files })
		h := inv.LookupHost("h")
		m.AddFacts(h, on("facts"))
		m.Include(h, on("include_vars"))
		m.Set(h, on("set_fact"), nil)
		got, _ := p.Scope(h, task).With(on("loop variables")).Lookup("x")
		if got != layers[top] {
			t.Errorf("with everything up to %q, x is of %q", layers[top], got)
		}
	}
}

func flow(m *value.Map) string {
	if m.Len() == 0 {
		return "{}"
	}
	return string(value.ToJSON(m))
}

func TestFactsCannotRedirect(t *testing.T) {
	inv := inventory.New()
	inv.AddHost("h", nil, value.NewMap(0))
	m := vars.New(vars.Config{Inventory: inv, InjectFacts: true, PlaybookDir: t.TempDir()})
	h := inv.LookupHost("h")
	m.AddFacts(h, value.MapOf("ansible_host", "evil", "ansible_become_pass", "x", "ansible_ssh_common_args", "-o ProxyCommand=evil", "ansible_hostname", "fine", "ansible_python_interpreter", "/usr/bin/python3"))
	s := m.NewPlay(nil).Scope(h, nil)
	for _, name := range []string{"ansible_host", "ansible_become_pass", "ansible_ssh_common_args"} {
		if v, ok := s.Lookup(name); ok {
			t.Errorf("a fact set %s to %v", name, v)
		}
	}
	if v, _ := s.Lookup("ansible_hostname"); v != "fine" {
		t.Errorf("ansible_hostname is %v", v)
	}
	facts, _ := s.Lookup("ansible_facts")
	if facts.(*value.Map).At("host") != "evil" || facts.(*value.Map).At("hostname") != "fine" {
		t.Errorf("ansible_facts is %s", value.ToJSON(facts))
	}
}

func TestFactVars(t *testing.T) {
	inv := inventory.New()
	inv.AddHost("h", nil, value.NewMap(0))
	m := vars.New(vars.Config{Inventory: inv, InjectFacts: true, PlaybookDir: t.TempDir()})
	h := inv.LookupHost("h")
	m.AddFacts(h, value.MapOf("ansible_first", 1))
	first := m.FactVars(h, value.MapOf("ansible_second", 2, "ansible_host", "evil", "ansible_facts", "evil"), nil)
	if _, ok := first.Get("ansible_host"); ok || first.At("ansible_second") != 2 {
		t.Errorf("the variables are %s", value.ToJSON(first))
	}
	facts, ok := m.FactVars(h, value.MapOf("ansible_third", 3), first.At("ansible_facts").(*value.Map)).At("ansible_facts").(*value.Map)
	if !ok || facts.At("first") != 1 || facts.At("second") != 2 || facts.At("third") != 3 {
		t.Errorf("ansible_facts is %s", value.ToJSON(facts))
	}
	if m.Facts(h).Has("ansible_second") {
		t.Error("facts are kept before they are added")
	}
}

func TestMergeHashes(t *testing.T) {
	inv := inventory.New()
	inv.AddHost("h", nil, value.MapOf("d", value.MapOf("a", 1, "deep", value.MapOf("x", 1))))
	m := vars.New(vars.Config{Inventory: inv, MergeHashes: true, PlaybookDir: t.TempDir(), Extra: value.MapOf("d", value.MapOf("b", 2, "deep", value.MapOf("y", 2)))})
	v, _ := m.NewPlay(nil).Scope(inv.LookupHost("h"), nil).Lookup("d")
	if got := string(value.JSON{SortKeys: true}.Append(nil, v)); got != `{"a":1,"b":2,"deep":{"x":1,"y":2}}` {
		t.Errorf("got %s", got)
	}
}

func TestMagic(t *testing.T) {
	inv := inventory.New()
	inv.AddHost("web1.example.com", []string{"web"}, value.MapOf("port", 80))
	inv.AddHost("db1", []string{"db"}, value.NewMap(0))
	m := vars.New(vars.Config{Inventory: inv, PlaybookDir: t.TempDir()})
	p := m.NewPlay(nil)
	s := p.Scope(inv.LookupHost("web1.example.com"), nil)
	for name, want := range map[string]string{
		"inventory_hostname": `"web1.example.com"`, "inventory_hostname_short": `"web1"`, "group_names": `["web"]`,
		"groups": `{"all":["web1.example.com","db1"],"ungrouped":[],"web":["web1.example.com"],"db":["db1"]}`,
	} {
		v, ok := s.Lookup(name)
		if got := string(value.ToJSON(v)); !ok || got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	hv, _ := p.Scope(inv.LookupHost("db1"), nil).Lookup("hostvars")
	one, ok, err := hv.(interface{ Get(any) (any, bool, error) }).Get("web1.example.com")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if v, _, _ := one.(interface{ Get(any) (any, bool, error) }).Get("port"); v != 80 {
		t.Errorf("hostvars gives %v", v)
	}
	inv.AddHost("new", []string{"web"}, value.NewMap(0))
	m.InventoryChanged()
	if g, _ := s.Lookup("groups"); !strings.Contains(string(value.ToJSON(g)), "new") {
		t.Error("groups does not know the new host")
	}
}
