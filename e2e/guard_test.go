package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// layers says what a package must not link, and why.
var layers = []struct {
	pkg       string
	forbidden []string
	allowed   string // everything outside the standard library but this is forbidden
	why       string
}{
	{pkg: "./cmd/tutti-agent", forbidden: []string{"go.yaml.in/yaml", "internal/template", "internal/playbook", "internal/yaml", "etcd", "nats", "aws-sdk", "smithy-go", "google.golang.org", "go.uber.org"},
		why: "the agent goes to every target: it stays small and knows nothing of playbooks"},
	{pkg: "./parallel", allowed: "golang.org/x/time", why: "parallel is for other people's programs"},
	{pkg: "./internal/module", forbidden: []string{"aws-sdk", "smithy-go", "etcd", "google.golang.org", "go.uber.org"},
		why: "a cloud's SDK belongs to the module that speaks to the cloud, and to nobody else"},
	{pkg: "./internal/executor", forbidden: []string{"aws-sdk", "smithy-go", "etcd", "google.golang.org", "go.uber.org", "internal/transport", "internal/output", "internal/agent"},
		why: "targets are reached through an interface, and what happens is told as events"},
	{pkg: "./internal/executor/strategy", forbidden: []string{"internal/vars", "internal/template", "tutti/parallel"},
		why: "who goes next is decided without variables, locks or clocks"},
	{pkg: "./internal/diag", forbidden: []string{"tutti/internal/value", "tutti/internal/yaml"}, why: "diag is a leaf"},
}

func TestLayers(t *testing.T) {
	for _, l := range layers {
		out, err := exec.Command("go", "list", "-C", "..", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", l.pkg).Output()
		if err != nil {
			t.Fatalf("%s: %v", l.pkg, err)
		}
		self := "github.com/tutti-run/tutti/" + strings.TrimPrefix(l.pkg, "./")
		for _, dep := range strings.Fields(string(out)) {
			if l.allowed != "" && dep != self && !strings.HasPrefix(dep, l.allowed) {
				t.Errorf("%s links %s: %s", l.pkg, dep, l.why)
			}
			for _, f := range l.forbidden {
				// hints are part of a module's Spec, so the package parallel itself may be linked by name only
				if strings.Contains(dep, f) && !(f == "tutti/parallel" && strings.HasSuffix(dep, "tutti/parallel")) {
					t.Errorf("%s links %s: %s", l.pkg, dep, l.why)
				}
			}
		}
	}
}
