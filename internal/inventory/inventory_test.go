package inventory

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

func loadText(t *testing.T, name, text string) (*Inventory, []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	inv, err := Load(context.Background(), []string{path}, Options{Warn: func(m string) { warnings = append(warnings, m) }})
	if err != nil {
		t.Fatal(err)
	}
	return inv, warnings
}

func names(hosts []*Host) string {
	var out []string
	for _, h := range hosts {
		out = append(out, h.Name)
	}
	return strings.Join(out, " ")
}

const ini = `
lone ansible_port=2222
[web]
web[01:03].example.com
[db]
db-[a:c] color="dark red" size=3 tags='["x", 1]'
[prod:children]
web
db
[prod:vars]
env=prod
debug=False
list=[1, 2]
`

func TestINI(t *testing.T) {
	inv, warnings := loadText(t, "hosts", ini)
	if warnings != nil {
		t.Fatal(warnings)
	}
	if got := names(inv.Hosts()); got != "lone web01.example.com web02.example.com web03.example.com db-a db-b db-c" {
		t.Errorf("hosts %s", got)
	}
	h := inv.LookupHost("db-b")
	if got := string(value.ToJSON(h.Vars)); got != `{"color":"dark red","size":3,"tags":["x",1]}` {
		t.Errorf("variables of db-b: %s", got)
	}
	if got := string(value.ToJSON(inv.LookupGroup("prod").Vars)); got != `{"env":"prod","debug":false,"list":[1,2]}` {
		t.Errorf("variables of prod: %s", got)
	}
	if got := strings.Join(h.GroupNames(), " "); got != "db prod" {
		t.Errorf("groups of db-b: %s", got)
	}
}

// TestINILines has lines that people write, and what Ansible makes of them.
func TestINILines(t *testing.T) {
	for text, want := range map[string]string{
		"h ports=80,443 a=1 # c":                  `h{"ports":[80,443],"a":1}`,
		"[g:vars]\na=1 # one\nb=x # y\n[g]\nh":    `h{} g{"a":1,"b":"x # y"}`,
		"h[3:1]\nx":                               `x{}`,
		"h[x:B:2]":                                `hx{} hz{} hB{}`,
		"h[-1:1]":                                 `h-1{} h0{} h1{}`,
		"[1.2.3.4]:22":                            `1.2.3.4{"ansible_port":22}`,
		"[fe80::1]:22\nfe80::[1:2]":               `fe80::1{"ansible_port":22} fe80::2{}`,
		"h@x:22\nh-:22\nx.y_z:22":                 `h@x:22{} h-:22{} x.y_z{"ansible_port":22}`,
		"h ansible_port=5\nh:6\nk:7":              `h{"ansible_port":5} k{"ansible_port":7}`,
		"{{x}}":                                   `{{x}}{}`,
		"[p:children]\nb # c\na\n[a]\nh\n[b]\nh2": `h{} h2{} p{} a{} b{}`, // in the order of their sections
		"h1\n[g]\nh2\n[a section]\nh3":            "refused",
		"h1\n[g]x":                                "refused",
		"[g ]\nh":                                 "refused",
		"h[1:3\nx":                                "refused",
		"h[1]":                                    "refused",
		"---\nh":                                  "refused",
		"all:\nh":                                 "refused",
		"[g:children]\nnope":                      "refused",
		"[g:vars]\na=1":                           "refused",
		"[a:children]\nb\n[b:children]\na":        "refused",
	} {
		inv := New()
		got := "refused"
		if err := readINI(inv, []byte(text+"\n"), "hosts"); err == nil {
			inv.reconcile()
			var parts []string
			for _, h := range inv.Hosts() {
				parts = append(parts, h.Name+string(value.ToJSON(h.Vars)))
			}
			for _, g := range inv.Groups()[2:] {
				parts = append(parts, g.Name+string(value.ToJSON(g.Vars)))
			}
			got = strings.Join(parts, " ")
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestNothingParsed: what was read before a mistake is no part of all, unless
// another source can be read.
func TestNothingParsed(t *testing.T) {
	for text, want := range map[string]string{"[g]\nh\n[g:children]\nnope\n": "", "g: {}\n": "", "{}\n": "{}", "g: {hosts: {h: }, children: {k: x}}\n": ""} {
		inv, warnings := loadText(t, "hosts.yml", text)
		if got := names(inv.Hosts()); got != want || want == "" && warnings == nil && !strings.Contains(text, "g: {}") {
			t.Errorf("%q: hosts %q, warnings %q", text, got, warnings)
		}
	}
}

func TestPatterns(t *testing.T) {
	inv, _ := loadText(t, "hosts", ini)
	for pattern, want := range map[string]string{
		"web":                    "web01.example.com web02.example.com web03.example.com",
		"web[0]":                 "web01.example.com",
		"web[-1]":                "web03.example.com",
		"web[1:]":                "web02.example.com web03.example.com",
		"web[0:1]":               "web01.example.com web02.example.com",
		"prod:!web":              "db-a db-b db-c",
		"prod:&db:!db-b":         "db-a db-c",
		"web,db-a":               "web01.example.com web02.example.com web03.example.com db-a",
		"db-*":                   "db-a db-b db-c",
		"~db-[ac]":               "db-a db-c",
		"all:!prod":              "lone",
		"*":                      "lone web01.example.com web02.example.com web03.example.com db-a db-b db-c",
		"localhost":              "localhost",
		"nobody":                 "",
		"!web":                   "lone db-a db-b db-c",
		"web02.example.com:lone": "web02.example.com lone",
		"web02.example.com lone": "web02.example.com lone",
		"lone:22":                "", // a host with a port, which nobody is called
		"web[":                   "web01.example.com web02.example.com web03.example.com",
		"web[:1]":                "",
		"web[-2:]":               "",
		"web[7]":                 "",
		"web[-7]":                "",
		"web[1:0]":               "web02.example.com",
		"web[0-1]":               "web01.example.com web02.example.com",
		"db-[!b]":                "db-a db-c",
		"db-[c-a]":               "",
		"web,!web01*,&~.*2":      "web02.example.com",
	} {
		hosts, _, err := inv.Match(pattern)
		if got := names(hosts); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", pattern, got, err, want)
		}
	}
	for name, want := range map[string]string{"127.0.0.1": "127.0.0.1", "::1": "::1"} { // this machine has the name that it is asked for by
		inv, _ := loadText(t, "hosts", ini)
		if hosts, _, err := inv.Match(name); err != nil || names(hosts) != want || inv.LookupHost("localhost").Name != want {
			t.Errorf("%s is %q, %v", name, names(hosts), err)
		}
	}
	if hosts, _, err := inv.MatchParts([]string{"lone,web", "!lone", ""}); err != nil || names(hosts) != "" {
		t.Errorf("parts were split again: %q, %v", names(hosts), err)
	}
	for _, bad := range []string{"~("} {
		if hosts, _, err := inv.Match(bad); err == nil {
			t.Errorf("%s matched %v", bad, names(hosts))
		}
	}
}

func TestYAML(t *testing.T) {
	inv, warnings := loadText(t, "hosts.yml", "all:\n  vars: {a: 1}\n  children:\n    web:\n      hosts:\n        w[1:2]: {x: yes}\n      vars: {b: '{{ a }}'}\n    prod: {children: {web: }}\n")
	if warnings != nil {
		t.Fatal(warnings)
	}
	if got := names(inv.HostsOf(inv.LookupGroup("prod"))); got != "w1 w2" {
		t.Errorf("hosts of prod: %s", got)
	}
	if inv.LookupHost("w1").Vars.At("x") != true {
		t.Error("w1 has not got its variable")
	}
	if _, ok := inv.LookupGroup("web").Vars.At("b").(*value.Template); !ok {
		t.Error("a template in a variable is not one")
	}
}

func TestScriptAndList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inv.sh")
	script := "#!/bin/sh\ncat <<'END'\n{\"web\": {\"hosts\": [\"a\", \"b\"], \"vars\": {\"v\": 1}}, \"old\": [\"c\"], \"_meta\": {\"hostvars\": {\"a\": {\"x\": \"{{ v }}\"}}}}\nEND\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	inv, err := Load(context.Background(), []string{path, "d,e[1:2],"}, Options{Enabled: []string{"advanced_host_list", "script"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(inv.Hosts()); got != "a b c d e1 e2" && got != "d e1 e2 a b c" {
		t.Errorf("hosts %s", got)
	}
}

func TestMistakesAreWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"[web:nonsense]\na\n":                "unknown type",
		"[web]\na b\n":                       "key=value",
		"[a:children]\nb\n":                  "undefined group",
		"[a:vars]\nx\n":                      "key=value",
		"[a]\nh[1:]\n":                       "end value",
		"[a:children]\nb\n[b:children]\na\n": "recursive",
		"h 'x\n":                             "quotation",
	} {
		_, warnings := loadText(t, "hosts", text)
		if !strings.Contains(strings.Join(warnings, "\n"), want) {
			t.Errorf("%q: %q, want something about %q", text, warnings, want)
		}
	}
}

func TestTOML(t *testing.T) {
	const text = `
# a comment
[web.hosts]
"w[1:2]" = { port = 8_080, on = true, names = ["a", 'b\c', """
x\
   y"""] }
[web.vars]
a.b = 0x1F
big = 99999999999999999999
half = 5e-1
when = 2024-01-02T03:04:05Z
[all]
children = ["web"]
`
	path := filepath.Join(t.TempDir(), "hosts.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	inv, err := Load(context.Background(), []string{path}, Options{Enabled: []string{"toml"}, UnparsedFailed: true, Warn: func(w string) { t.Error(w) }})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(inv.Hosts()); got != "w1 w2" {
		t.Errorf("hosts %s", got)
	}
	if got, want := string(value.ToJSON(inv.LookupHost("w2").Vars)), `{"port":8080,"on":true,"names":["a","b\\c","xy"]}`; got != want {
		t.Errorf("variables of w2: %s, want %s", got, want)
	}
	if got, want := string(value.ToJSON(inv.LookupGroup("web").Vars)), `{"a":{"b":31},"big":99999999999999999999,"half":0.5,"when":"2024-01-02T03:04:05Z"}`; got != want {
		t.Errorf("variables of web: %s, want %s", got, want)
	}
}

func TestUnknownPlugins(t *testing.T) {
	var said []string
	o := Options{Enabled: []string{"cloud", "ansible.builtin.host_list"}, Warn: func(w string) { said = append(said, w) }}
	inv, err := Load(t.Context(), []string{"a,b"}, o)
	if err != nil || names(inv.Hosts()) != "a b" || len(said) != 1 || said[0] != "Failed to load inventory plugin, skipping cloud" {
		t.Errorf("%v, %q", err, said)
	}
	o.Enabled = []string{"cloud"}
	if _, err := Load(t.Context(), []string{"a,b"}, o); err == nil || !strings.Contains(err.Error(), "No inventory plugins available") {
		t.Errorf("got %v", err)
	}
}

func TestTOMLMistakes(t *testing.T) {
	for _, text := range []string{"a = ", "a = 01", "a = yes", "a = 'x", "[a", "[a]\n[a]", "a = 1\na = 2", "a = {b = 1}\n[a.c]", "a = [1 2]", "a = \"\\q\"", "a = 1 b = 2", "= 1"} {
		if m, err := parseTOML([]byte(text), "f.toml"); err == nil || !strings.Contains(err.Error(), "f.toml:") {
			t.Errorf("%q gave %v, %v", text, m, err)
		}
	}
}

func FuzzTOML(f *testing.F) {
	f.Add("[a.b]\nc = [1, {d = 'e'}]\n[[f]]\n")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = parseTOML([]byte(text), "f.toml") })
}

func TestGroupNames(t *testing.T) {
	for mode, want := range map[string]struct {
		group string
		said  bool
	}{"never": {"a-b", true}, "ignore": {"a-b", false}, "always": {"a_b", true}, "silently": {"a_b", false}} {
		path := filepath.Join(t.TempDir(), "hosts")
		if err := os.WriteFile(path, []byte("[a-b]\nh\n[c:children]\n"+want.group+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		said := false
		inv, err := Load(context.Background(), []string{path}, Options{GroupNames: mode, Enabled: []string{"ini"}, Warn: func(string) { said = true }})
		if err != nil {
			t.Fatal(err)
		}
		if got := names(inv.HostsOf(inv.LookupGroup("c"))); inv.LookupGroup(want.group) == nil || said != want.said || got != "h" {
			t.Errorf("%s: group %s is %v, warned %t, hosts of c: %s", mode, want.group, inv.LookupGroup(want.group), said, got)
		}
	}
}

func TestDynamicHosts(t *testing.T) {
	inv, _ := loadText(t, "hosts", "a\n")
	if !inv.AddHost("new", []string{"g"}, value.MapOf("x", 1)) || inv.AddHost("new", []string{"g"}, value.MapOf("x", 1)) {
		t.Error("add_host does not tell what changed")
	}
	if !inv.AddToGroup(inv.LookupHost("a"), "os_debian", []string{"os"}) || inv.AddToGroup(inv.LookupHost("a"), "os_debian", []string{"os"}) {
		t.Error("group_by does not tell what changed")
	}
	if got := strings.Join(inv.LookupHost("a").GroupNames(), " "); got != "os os_debian" {
		t.Errorf("groups of a: %s", got)
	}
}

// TestHostRangeIsBounded has patterns that would take all memory, or never end.
func TestHostRangeIsBounded(t *testing.T) {
	for _, name := range []string{"h[0:99999999999]", "h[0:9999][0:9999]", "h[0:99][0:99][0:99][0:99]"} {
		if got, err := expandRange(name); err == nil {
			t.Errorf("%s made %d hosts", name, len(got))
		}
	}
	for name, want := range map[string]string{"h[0:9223372036854775807:9000000000000000000]": "h0 h9000000000000000000", "h[a:c:9223372036854775807]": "ha", "h[1:5:2]": "h1 h3 h5", "h[a:e:2]": "ha hc he"} {
		if got, err := expandRange(name); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s made %v, %v", name, got, err)
		}
	}
}

// FuzzYAML: whatever a YAML inventory says, it is read or refused.
func FuzzYAML(f *testing.F) {
	f.Add([]byte("all:\n  hosts:\n    a[1:3]: {x: 1}\n  children:\n    g:\n      vars: {y: [1]}\n      hosts: {b: }\n      children: {h: }\n"))
	f.Add([]byte("all: {children: {a: {children: {b: {children: {a: }}}}}}"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		inv := New()
		_ = readYAML(inv, data, "f.yml", Options{Warn: func(string) {}})
	})
}

func FuzzINI(f *testing.F) {
	f.Add([]byte(ini))
	f.Fuzz(func(t *testing.T, data []byte) {
		inv := New()
		_ = readINI(inv, data, "f")
	})
}
