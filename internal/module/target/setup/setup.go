// Package setup gathers facts about the machine, under Ansible's names. It
// reads /proc, /sys and /etc itself; the only programs it starts are the local
// facts of the user's own and, to ask its version, python3.
//
// Each collector is a function that adds its facts; collectors lists them with
// the subset that each belongs to.
package setup

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module gathers facts.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.setup",
		Aliases: []module.Name{"ansible.builtin.gather_facts"},
		Summary: "Gathers facts about the target.",
		Params: []module.Param{
			{Name: "filter", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "Only facts whose name matches one of these shell patterns."},
			{Name: "gather_subset", Type: module.List, Elements: module.Str, Default: []any{"all"}, Doc: "Which facts: all, min, hardware, network, virtual, or the name of one collector; a leading ! leaves it out."},
			{Name: "gather_timeout", Type: module.Int, Default: 10, Doc: "Seconds after which a slow source is given up."},
			{Name: "fact_path", Type: module.Path, Default: "/etc/ansible/facts.d", Doc: "The folder of local facts (*.fact)."},
			{Name: "parallel", Type: module.Bool, Doc: "Accepted for gather_facts and not used: facts are always gathered together."},
			{Name: "_python", Internal: true, Doc: "The Python to tell about."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "ansible_facts", Type: module.Dict, When: "always", Doc: "The facts."}},
	},
	Run: run,
}

// gathering is one run of the module.
type gathering struct {
	ctx     context.Context
	env     *module.Env
	timeout time.Duration
	path    string // of local facts
	chosen  string // the Python that the user has set

	python      sync.Once // guards the following; see interpreter
	pythonExe   string
	pythonWords []string

	mu       sync.Mutex
	facts    *value.Map
	warnings []string
}

func (g *gathering) set(name string, v any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.facts.Set("ansible_"+name, v)
}

func (g *gathering) warn(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.warnings = append(g.warnings, text)
}

// collector is one source of facts. Group is the subset above it.
type collector struct {
	name    string
	group   string
	collect func(*gathering)
}

// collectors are all sources of facts.
var collectors = []collector{
	{"platform", "min", platform},
	{"distribution", "min", distribution},
	{"lsb", "min", lsb},
	{"cmdline", "min", cmdline},
	{"date_time", "min", dateTime},
	{"dns", "min", dns},
	{"env", "min", environment},
	{"fips", "min", fips},
	{"apparmor", "min", apparmor},
	{"selinux", "min", selinux},
	{"caps", "min", capabilities},
	{"local", "min", local},
	{"pkg_mgr", "min", packageManager},
	{"service_mgr", "min", serviceManager},
	{"python", "min", python},
	{"python_version", "min", pythonVersion},
	{"ssh_pub_keys", "min", hostKeys},
	{"user", "min", user},
	{"loadavg", "loadavg", loadAverage},
	{"memory", "hardware", memory},
	{"processor", "hardware", processor},
	{"dmi", "hardware", dmi},
	{"mounts", "hardware", mounts},
	{"devices", "hardware", devices},
	{"uptime", "hardware", uptime},
	{"interfaces", "network", network},
	{"fibre_channel_wwn", "fibre_channel_wwn", fibreChannel},
	{"iscsi", "iscsi", iscsi},
	{"nvme", "nvme", nvme},
	{"virtual", "virtual", virtualization},
	{"chroot", "chroot", chroot},
}

// needs are the sources that others bring along, whatever is excluded.
var needs = map[string][]string{
	"interfaces": {"platform", "distribution"}, "service_mgr": {"platform", "distribution"}, "pkg_mgr": {"distribution"},
	"memory": {"platform"}, "processor": {"platform"}, "dmi": {"platform"}, "mounts": {"platform"}, "devices": {"platform"}, "uptime": {"platform"},
	"platform": {"python_version"},
}

// hardwareWords are the facts whose names stand for all of hardware; its sources
// have no names of their own.
var hardwareWords = []string{"devices", "mounts", "processor", "processor_cores", "processor_count"}

// subsetAliases are other names of sources: those of some of their facts.
var subsetAliases = map[string][]string{
	"system": {"platform"}, "kernel": {"platform"}, "kernel_version": {"platform"}, "machine": {"platform"}, "architecture": {"platform"}, "machine_id": {"platform"},
	"distribution_version": {"distribution"}, "distribution_release": {"distribution"}, "distribution_major_version": {"distribution"}, "os_family": {"distribution"},
	"system_capabilities": {"caps"}, "system_capabilities_enforced": {"caps"}, "is_chroot": {"chroot"},
	"all_ipv4_addresses": {"interfaces"}, "all_ipv6_addresses": {"interfaces"}, "default_ipv4": {"interfaces"}, "default_ipv6": {"interfaces"},
	"ssh_host_pub_keys": {"ssh_pub_keys"}, "ssh_host_key_dsa_public": {"ssh_pub_keys"}, "ssh_host_key_rsa_public": {"ssh_pub_keys"},
	"ssh_host_key_ecdsa_public": {"ssh_pub_keys"}, "ssh_host_key_ed25519_public": {"ssh_pub_keys"},
	"user_id": {"user"}, "user_uid": {"user"}, "user_gid": {"user"}, "user_gecos": {"user"}, "user_dir": {"user"}, "user_shell": {"user"},
	"real_user_id": {"user"}, "effective_user_id": {"user"}, "effective_group_ids": {"user"},
	"virtualization_type": {"virtual"}, "virtualization_role": {"virtual"}, "virtualization_tech_guest": {"virtual"}, "virtualization_tech_host": {"virtual"},
	"ohai": nil, "facter": nil,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	chosen, err := choose(args.Strings("gather_subset"))
	if err != "" {
		return module.Fail("%s", err)
	}
	timeout := time.Duration(args.Int("gather_timeout")) * time.Second
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	g := &gathering{ctx: ctx, env: env, timeout: timeout, path: args.String("fact_path"), chosen: args.String("_python"), facts: value.NewMap(128)}
	var wg sync.WaitGroup
	for _, c := range collectors {
		if chosen[c.name] {
			wg.Go(func() { c.collect(g) })
		}
	}
	wg.Wait()
	g.facts.Set("gather_subset", args.List("gather_subset"))
	g.facts.Set("module_setup", true)
	facts := g.filtered(args.Strings("filter"))
	return &module.Result{Facts: facts, Warnings: g.warnings, Fields: value.MapOf("_ansible_verbose_override", true)}
}

// choose works out which collectors the subset names.
func choose(subset []string) (map[string]bool, string) {
	names := func(word string) ([]string, bool) {
		var out []string
		for _, c := range collectors {
			hardware := c.group == "hardware"
			if word == "all" || word == c.group || !hardware && word == c.name || hardware && slices.Contains(hardwareWords, word) {
				out = append(out, c.name)
			}
		}
		more, known := subsetAliases[word]
		return append(out, more...), known || len(out) > 0
	}
	chosen, asked := map[string]bool{}, map[string]bool{} // asked by name: no exclusion takes it away
	exclude := map[string]bool{}
	excludeMin := false
	for _, word := range subset {
		for _, w := range strings.Split(word, ",") {
			w = strings.TrimSpace(w)
			bare, not := strings.CutPrefix(w, "!")
			list, known := names(bare)
			if !known && !not { // what nobody gathers may be left out
				return nil, "Bad subset '" + bare + "' given to Ansible. gather_subset options allowed: all, " + allowed()
			}
			switch {
			case not && bare == "min":
				excludeMin = true
			case not:
				for _, n := range list {
					exclude[n] = true
				}
			default:
				for _, n := range list {
					chosen[n] = true
					asked[n] = bare != "all"
				}
			}
		}
	}
	if len(subset) == 0 {
		list, _ := names("all")
		for _, n := range list {
			chosen[n] = true
		}
	}
	for n := range exclude {
		if !asked[n] {
			delete(chosen, n)
		}
	}
	min, _ := names("min")
	for _, n := range min {
		if !excludeMin {
			chosen[n] = true
		} else if !asked[n] {
			delete(chosen, n)
		}
	}
	var bring func(n string)
	bring = func(n string) {
		for _, other := range needs[n] {
			chosen[other] = true
			bring(other)
		}
	}
	for n := range maps.Clone(chosen) {
		bring(n)
	}
	return chosen, ""
}

func allowed() string {
	seen := map[string]bool{}
	for _, c := range collectors {
		if seen[c.group] = true; c.group != "hardware" {
			seen[c.name] = true
		}
	}
	for _, n := range hardwareWords {
		seen[n] = true
	}
	for n := range subsetAliases {
		seen[n] = true
	}
	delete(seen, "min")
	return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
}

// filtered leaves only the facts whose name matches a pattern, with or without
// the prefix.
func (g *gathering) filtered(patterns []string) *value.Map {
	if len(patterns) == 0 || slices.Contains(patterns, "*") || slices.Contains(patterns, "") {
		return g.facts
	}
	out := value.NewMap(8)
	for k, v := range g.facts.Strings() {
		for _, p := range patterns {
			ok, _ := path.Match(p, k)
			if !ok && !strings.HasPrefix(p, "ansible_") {
				ok, _ = path.Match("ansible_"+p, k)
			}
			if ok {
				out.Set(k, v)
				break
			}
		}
	}
	return out
}
