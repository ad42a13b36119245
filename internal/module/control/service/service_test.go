package service

import (
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestSpec(t *testing.T) { mt.Spec(t, &Module.Spec) }

// TestManager lets the module work that use or the machine's facts name.
func TestManager(t *testing.T) {
	for _, c := range []struct {
		use, fact string
		want      module.Name
	}{
		{"", "systemd", "ansible.builtin.systemd"}, {"auto", "sysvinit", "ansible.builtin.sysvinit"}, {"", "service", "ansible.builtin.service"},
		{"sysvinit", "systemd", "ansible.builtin.sysvinit"}, {"ansible.builtin.systemd", "", "ansible.builtin.systemd"}, {"nonsense", "systemd", "ansible.builtin.service"},
	} {
		ctl := &mt.Controller{Vars: value.MapOf("ansible_facts", value.MapOf("service_mgr", c.fact))}
		raw := value.MapOf("name", "x", "state", "started")
		if c.use != "" {
			raw.Set("use", c.use)
		}
		args, err := Module.Spec.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := Module.Plan(t.Context(), ctl, args)
		if err != nil || plan.Call.Module != c.want || plan.Call.Args.Has("use") {
			t.Errorf("use %q on %q: %+v, %v", c.use, c.fact, plan, err)
		}
	}
}
