package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/policy"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

const operators = `
hints:
  - {collection: acme.cloud, hint: "RateLimited(acme/{region}, 2/s)"}
  - {module: copy, hint: HostExclusive(disk)}
  - {command: "apt-get *", hint: HostExclusive(dpkg)}
  - {command: "*/bin/deploy", hint: [GlobalExclusive(deploy), "RateLimited(deploy, 1/min)"]}
loosen:
  - {module: ansible.builtin.service, hint: FullyParallel}
  - {module: acme.files.*, hint: HostExclusive(acme)}
`

func TestDecide(t *testing.T) {
	p, err := policy.Load([]byte(operators), "policy.yml")
	if err != nil {
		t.Fatal(err)
	}
	free := []parallel.Hint{parallel.Free()}
	for _, c := range []struct {
		name string
		task policy.Task
		want string
		from string
	}{
		{"what the module says", policy.Task{Module: "ansible.builtin.stat", Own: free}, "FullyParallel", "the module"},
		{"one that says nothing", policy.Task{Module: "acme.other.thing"}, "HostExclusive", "alone on its machine"},
		{"the shipped table", policy.Task{Module: "amazon.aws.ec2_ami", Args: value.MapOf("region", "eu-west-1")}, "RateLimited(ec2/eu-west-1, 5/s)", "shipped.yml:"},
		{"its first match", policy.Task{Module: "community.docker.docker_swarm"}, "GlobalExclusive(swarm)", "shipped.yml:"},
		{"a module that only looks", policy.Task{Module: "acme.other.thing_info"}, "FullyParallel", "shipped.yml:"},
		{"what a native module says comes before the table", policy.Task{Module: "ansible.builtin.apt", Own: free}, "FullyParallel", "the module"},
		{"a collection", policy.Task{Module: "acme.cloud.vm", Own: free}, "RateLimited(acme/default, 2/s)", "policy.yml:3"},
		{"the operator adds", policy.Task{Module: "ansible.builtin.copy", Own: []parallel.Hint{parallel.Host("x")}}, "HostExclusive(x) HostExclusive(disk)", "policy.yml:4"},
		{"the operator loosens", policy.Task{Module: "ansible.builtin.service", Own: []parallel.Hint{parallel.Host("systemd")}}, "FullyParallel", "policy.yml:8"},
		{"and the task still tightens", policy.Task{Module: "ansible.builtin.service", Asked: []parallel.Hint{parallel.Global("g")}}, "GlobalExclusive(g)", "the task"},
		{"loosening a module that says nothing", policy.Task{Module: "acme.files.sync"}, "HostExclusive(acme)", "policy.yml:9"},
		{"the task cannot loosen", policy.Task{Module: "acme.other.thing", Asked: free}, "HostExclusive", "the task"},
		{"a command", policy.Task{Module: "ansible.builtin.shell", Own: free, Command: "cd /x && sudo -n /usr/bin/apt-get install -y nginx"}, "HostExclusive(dpkg)", "policy.yml:5"},
		{"another command", policy.Task{Module: "ansible.builtin.shell", Own: free, Command: "echo apt-get install"}, "FullyParallel", "the module"},
		{"several hints", policy.Task{Module: "ansible.builtin.command", Own: free, Command: "opt/bin/deploy"}, "FullyParallel", "the module"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := p.Decide(c.task)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Trim(fmt.Sprint(d.Hints), "[]"); got != c.want {
				t.Errorf("got %s, not %s", got, c.want)
			}
			if !slices.ContainsFunc(d.Sources, func(s string) bool { return strings.Contains(s, c.from) }) {
				t.Errorf("the sources are %q, without %s", d.Sources, c.from)
			}
		})
	}
	var none *policy.Policy
	if d, err := none.Decide(policy.Task{Module: "acme.other.thing"}); err != nil || len(d.Hints) != 1 || d.Hints[0] != parallel.Host("") {
		t.Errorf("without a policy: %v, %v", d, err)
	}
}

func TestCommands(t *testing.T) {
	for text, want := range map[string]string{
		"apt-get install x":                             "apt-get install x",
		"FOO=1 sudo -n env A=b /usr/bin/apt-get update": "apt-get update",
		"a; b && c || d | e &":                          "a,b,c,d,e",
		"if ! dpkg -i x; then\n  echo no\nfi":           "dpkg -i x,echo no,fi",
		"x=$(rpm -qa)":                                  "rpm -qa",
		"one \\\n two":                                  "one two",
		"":                                              "",
	} {
		if got := strings.Join(policy.Commands(text), ","); got != want {
			t.Errorf("%q gave %q, not %q", text, got, want)
		}
	}
}

func TestPackageManager(t *testing.T) {
	for command, want := range map[string]string{
		"apt-get -y install nginx": "dpkg", "apt list --installed": "", "apt": "dpkg", "dpkg -l": "", "dpkg -i x.deb": "dpkg", "dpkg --configure -a": "dpkg",
		"yum -y install x": "rpm", "dnf list": "", "rpm -qa": "", "rpm -Uvh x.rpm": "rpm", "rpm --import key": "rpm", "zypper in x": "rpm", "snap list": "", "snap install x": "snap",
		"echo apt-get": "", "": "", "make install": "",
	} {
		if got := policy.PackageManager(command); got != want {
			t.Errorf("%q changes %q, not %q", command, got, want)
		}
	}
}

// TestMistakes: all mistakes of a policy are told at once, each with its place.
func TestMistakes(t *testing.T) {
	_, err := policy.Load([]byte(`
hint: x
hints:
  - {module: a.b.*, hint: Sometimes}
  - {module: a.b.c, command: x, hint: FullyParallel}
  - {hint: FullyParallel}
  - {collection: amazon, hint: FullyParallel}
  - {module: "a.b.[", hint: FullyParallel}
  - {module: a.b.c}
  - {module: a.b.c, hint: "RateLimited(x, 0/s)"}
  - a
loosen: x
`), "policy.yml")
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, want := range []string{"policy.yml:2:1", "policy.yml:4:27", "unknown hint", "policy.yml:5:5", "one of module, collection and command", "policy.yml:6:5", "policy.yml:7:18", "'amazon'", "policy.yml:8:14", "malformed",
		"policy.yml:9:5", "no hint", "policy.yml:10:27", "policy.yml:11:5", "policy.yml:12:9"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
}

func TestShipped(t *testing.T) {
	rules := policy.Shipped() // panics if it cannot be read
	if len(rules) < 50 {
		t.Errorf("%d rules", len(rules))
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(operators))
	f.Add([]byte("hints: [{command: '*', hint: [HostExclusive({x})]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.Load(data, "fuzz.yml")
		if err != nil {
			return
		}
		d, err := p.Decide(policy.Task{Module: "a.b.c", Command: "apt-get x; {y}", Args: value.MapOf("x", "{x}")})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range d.Hints {
			if err := h.Validate(); err != nil {
				t.Errorf("%v: %v", h, err)
			}
		}
	})
}
