package control_test

import (
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// package and service pick a module by fact, by asking the host, or as told.
func TestBackends(t *testing.T) {
	facts := func(name, v string) *value.Map { return value.MapOf("ansible_facts", value.MapOf(name, v)) }
	for _, c := range []struct {
		module, args string
		vars         *value.Map
		answer       string // of the host
		want, passed string
	}{
		{"package", `{"name": "a"}`, facts("pkg_mgr", "apt"), "", "ansible.builtin.apt", `{'name': 'a'}`},
		{"package", `{"name": "a", "state": "latest"}`, value.NewMap(0), "dnf", "ansible.builtin.dnf", `{'name': 'a', 'state': 'latest'}`},
		{"package", `{"name": "a", "use": "community.general.apk"}`, facts("pkg_mgr", "apt"), "", "community.general.apk", `{'name': 'a'}`},
		{"yum", `{"name": "a"}`, facts("pkg_mgr", "yum"), "", "ansible.builtin.yum", `{'name': ['a']}`},
		{"yum", `{"name": "a", "nobest": true}`, facts("pkg_mgr", "apt"), "dnf", "ansible.builtin.dnf", `{'name': ['a'], 'nobest': True}`},
		{"yum", `{"name": "a", "use_backend": "yum4"}`, facts("pkg_mgr", "yum"), "", "ansible.builtin.dnf", `{'name': ['a']}`},
		{"yum", `{"name": "a", "use": "yum"}`, value.NewMap(0), "dnf", "ansible.builtin.yum", `{'name': ['a']}`},
		{"service", `{"name": "a", "enabled": true, "pattern": "x"}`, facts("service_mgr", "systemd"), "", "ansible.builtin.systemd", `{'name': 'a', 'enabled': True}`},
		{"service", `{"name": "a", "enabled": true, "pattern": "x"}`, value.NewMap(0), "sysvinit", "ansible.builtin.sysvinit", `{'name': 'a', 'enabled': True, 'pattern': 'x'}`},
	} {
		ctl := &mt.Controller{Vars: c.vars, Answers: func(*module.Call) (*module.Result, error) {
			return &module.Result{Facts: value.MapOf("ansible_pkg_mgr", c.answer, "ansible_service_mgr", c.answer)}, nil
		}}
		m := control(t, module.Name(c.module))
		args, err := m.Spec.Parse(mt.Args(t, "", c.args))
		if err != nil {
			t.Errorf("%s %s: %v", c.module, c.args, err)
			continue
		}
		plan, err := m.Plan(t.Context(), ctl, args)
		if err != nil || plan.Call == nil || string(plan.Call.Module) != c.want || value.Repr(plan.Call.Args) != c.passed {
			t.Errorf("%s %s: %+v, %v", c.module, c.args, plan, err)
		}
	}
	r := mt.Task(t, &mt.Controller{Vars: value.NewMap(0), Answers: func(*module.Call) (*module.Result, error) { return module.OK(), nil }},
		control(t, "package"), nil, value.MapOf("name", "a"))
	if !r.Failed {
		t.Errorf("no package manager: %s", value.Repr(r.ToMap()))
	}
	apt := func(*module.Call) (*module.Result, error) {
		return &module.Result{Facts: value.MapOf("ansible_pkg_mgr", "apt")}, nil
	}
	r = mt.Task(t, &mt.Controller{Vars: value.NewMap(0), Answers: apt}, control(t, "yum"), nil, value.MapOf("name", "a"))
	if !r.Failed || r.Facts.At("pkg_mgr") != "apt" {
		t.Errorf("yum on Debian: %s", value.Repr(r.ToMap()))
	}
	r = mt.Task(t, &mt.Controller{Vars: value.NewMap(0)}, control(t, "yum"), nil, value.MapOf("name", "a", "use", "dnf", "use_backend", "dnf"))
	if !r.Failed || r.Msg != "parameters are mutually exclusive: ('use', 'use_backend')" {
		t.Errorf("yum with both: %s", value.Repr(r.ToMap()))
	}
}
