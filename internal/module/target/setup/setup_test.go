package setup

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

func gather(t *testing.T, args *value.Map) *value.Map {
	t.Helper()
	parsed, err := Module.Spec.Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	res := Module.Run(context.Background(), &module.Env{Environ: os.Environ()}, parsed)
	if res.Failed {
		t.Fatal(res.Msg)
	}
	return res.Facts
}

func TestNamesOfFacts(t *testing.T) {
	facts := gather(t, value.NewMap(0))
	for _, name := range strings.Fields(`architecture cmdline date_time default_ipv4 distribution distribution_major_version distribution_release
		distribution_version dns domain effective_user_id env fqdn hostname interfaces kernel lo local lsb machine memfree_mb memory_mb memtotal_mb mounts
		nodename os_family pkg_mgr processor processor_cores processor_count processor_vcpus real_user_id selinux service_mgr swaptotal_mb system
		uptime_seconds user_dir user_id user_uid userspace_bits virtualization_role virtualization_type is_chroot loadavg all_ipv4_addresses`) {
		if !facts.Has("ansible_" + name) {
			t.Errorf("no ansible_%s", name)
		}
	}
	if facts.At("ansible_system") != "Linux" || facts.At("module_setup") != true {
		t.Errorf("system %v, module_setup %v", facts.At("ansible_system"), facts.At("module_setup"))
	}
}

func TestSubsets(t *testing.T) {
	for _, c := range []struct {
		subset     []any
		has, hasNo string
	}{
		{[]any{"!all"}, "distribution", "memtotal_mb"},
		{[]any{"!all", "!min", "hardware"}, "memtotal_mb", "distribution"},
		{[]any{"network"}, "interfaces", "memtotal_mb"},
		{[]any{"!hardware"}, "hostname", "interfaces"},
		{[]any{"min"}, "hostname", "interfaces"},
		{[]any{"!all", "!min", "distribution"}, "os_family", "hostname"},
		{[]any{"!all", "!nonsense", "hardware"}, "memtotal_mb", "interfaces"},
	} {
		facts := gather(t, value.MapOf("gather_subset", c.subset))
		if !facts.Has("ansible_"+c.has) || facts.Has("ansible_"+c.hasNo) {
			t.Errorf("%v: wants %s and not %s", c.subset, c.has, c.hasNo)
		}
	}
	parsed, _ := Module.Spec.Parse(value.MapOf("gather_subset", []any{"nonsense"}))
	if res := Module.Run(context.Background(), &module.Env{}, parsed); !res.Failed || !strings.Contains(res.Msg, "Bad subset 'nonsense'") {
		t.Errorf("got %+v", res)
	}
}

func TestFilter(t *testing.T) {
	facts := gather(t, value.MapOf("filter", []any{"ansible_user_*", "hostname"}))
	if !facts.Has("ansible_user_id") || !facts.Has("ansible_hostname") || facts.Has("ansible_kernel") {
		t.Errorf("got %v", facts.Keys())
	}
}

func TestLocalFacts(t *testing.T) {
	dir := t.TempDir()
	for name, f := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"json.fact":    {`{"a": [1, 2]}`, 0o644},
		"ini.fact":     {"[general]\nasdf=1\nbar: 2\n", 0o644},
		"program.fact": {"#!/bin/sh\necho '{\"from\": \"program\"}'\n", 0o755},
		"fails.fact":   {"#!/bin/sh\necho bad >&2\nexit 3\n", 0o755},
		"broken.fact":  {"neither\n", 0o644},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
	}
	local := gather(t, value.MapOf("fact_path", dir, "gather_subset", []any{"!all", "!min", "local"})).At("ansible_local").(*value.Map)
	for name, want := range map[string]string{"json": `{"a":[1,2]}`, "ini": `{"general":{"asdf":"1","bar":"2"}}`, "program": `{"from":"program"}`} {
		if got := string(value.ToJSON(local.At(name))); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if s, _ := local.At("fails").(string); !strings.Contains(s, "rc: 3, err: bad") {
		t.Errorf("fails is %q", s)
	}
	if s, _ := local.At("broken").(string); !strings.Contains(s, "error loading facts") {
		t.Errorf("broken is %q", s)
	}
}

// TestSubsetNames asks by names of facts: those of the hardware stand for all of
// it, and not every fact may be asked for.
func TestSubsetNames(t *testing.T) {
	for _, c := range []struct{ word, has, hasNot string }{
		{"mounts", "memory", "interfaces"}, {"processor_count", "dmi", "interfaces"}, {"iscsi", "iscsi", "nvme"}, {"is_chroot", "chroot", "iscsi"},
		{"effective_group_ids", "user", "local"}, {"default_ipv4", "interfaces", "mounts"},
	} {
		chosen, msg := choose([]string{"!all", "!min", c.word})
		if msg != "" || !chosen[c.has] || chosen[c.hasNot] {
			t.Errorf("%s: %v, %s", c.word, chosen, msg)
		}
	}
	for _, word := range []string{"dmi", "memory", "memtotal_mb", "uptime_seconds", "hostname"} {
		if _, msg := choose([]string{word}); !strings.HasPrefix(msg, "Bad subset '"+word+"' given to Ansible. gather_subset options allowed: all, ") {
			t.Errorf("%s: %s", word, msg)
		}
	}
}
