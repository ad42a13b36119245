package executor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// networkFacts are the modules that tell about devices, by the system that
// ansible_network_os names.
var networkFacts = map[string]string{
	"asa": "ansible.legacy.asa_facts", "cisco.asa.asa": "cisco.asa.asa_facts",
	"eos": "ansible.legacy.eos_facts", "arista.eos.eos": "arista.eos.eos_facts",
	"exos": "ansible.legacy.exos_facts", "extreme.exos.exos": "extreme.exos.exos_facts",
	"frr": "ansible.legacy.frr_facts", "frr.frr.frr": "frr.frr.frr_facts",
	"ios": "ansible.legacy.ios_facts", "cisco.ios.ios": "cisco.ios.ios_facts",
	"iosxr": "ansible.legacy.iosxr_facts", "cisco.iosxr.iosxr": "cisco.iosxr.iosxr_facts",
	"ironware": "ansible.legacy.ironware_facts", "community.network.ironware": "community.network.ironware_facts",
	"junos": "ansible.legacy.junos_facts", "junipernetworks.junos.junos": "junipernetworks.junos.junos_facts",
	"nxos": "ansible.legacy.nxos_facts", "cisco.nxos.nxos": "cisco.nxos.nxos_facts",
	"slxos": "ansible.legacy.slxos_facts", "extreme.slxos.slxos": "extreme.slxos.slxos_facts",
	"voss": "ansible.legacy.voss_facts", "extreme.voss.voss": "extreme.voss.voss_facts",
	"vyos": "ansible.legacy.vyos_facts", "vyos.vyos.vyos": "vyos.vyos.vyos_facts",
}

// factModules are the modules that gather_facts stands for, as
// ansible_facts_modules or the configuration lists them; nil where it is setup
// alone.
func (it *item) factModules() []string {
	if it.part || module.Bare(it.task.Action) != "gather_facts" {
		return nil
	}
	v := it.connectionVar("ansible_facts_modules")
	if v == nil && it.Env.Config != nil {
		v, _ = it.Env.Config("FACTS_MODULES")
	}
	var names []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			names = append(names, template.Str(e))
		}
	case string:
		for _, e := range strings.Split(v, ",") {
			names = append(names, strings.TrimSpace(e))
		}
	}
	if i := slices.Index(names, "smart"); i >= 0 {
		names = append(slices.Delete(names, i, i+1), it.smartFacts())
	}
	if len(names) == 0 || len(names) == 1 && isSetup(names[0]) {
		return nil
	}
	return names
}

func isSetup(name string) bool {
	return module.Bare(name) == "setup"
}

// smartFacts is the module for the kind of machine that the host is.
func (it *item) smartFacts() string {
	os := it.connectionVar("ansible_network_os")
	if os == nil {
		if facts, ok := it.connectionVar("ansible_facts").(*value.Map); ok {
			os = facts.At("network_os")
		}
	}
	if name, ok := os.(string); ok && networkFacts[name] != "" {
		return networkFacts[name]
	}
	return "ansible.legacy.setup"
}

// gather runs several modules for one gather_facts. What they find is put
// together: later ones win, dicts are merged and lists joined.
func (it *item) gather(ctx context.Context, names []string) *outcome {
	result, facts := module.OK(), value.NewMap(64)
	whole := it.taskRun
	defer func() { it.taskRun = whole }()
	failed, skipped := value.NewMap(0), value.NewMap(0)
	for _, name := range names {
		task, err := whole.factTask(name)
		if err != nil {
			return it.broken(err)
		}
		t := *whole
		t.task, t.part = task, true
		it.taskRun, it.warnings = &t, nil
		out := it.once(ctx)
		if out.unreachable || out.unresolved || !out.finished {
			return out
		}
		done := module.FromMap(out.result)
		result.Warnings = append(result.Warnings, done.Warnings...)
		result.Deprecations = append(result.Deprecations, done.Deprecations...)
		switch {
		case out.failed:
			failed.Set(name, out.result)
		case out.skipped:
			skipped.Set(name, out.result)
		default:
			if facts, err = template.Combine(facts, done.Facts, "append_rp"); err != nil {
				return it.broken(err)
			}
		}
	}
	it.taskRun, it.warnings = whole, nil
	facts.Set("_ansible_facts_gathered", true) // as Ansible marks them
	result.Facts = facts
	result.Set("_ansible_verbose_override", true)
	if skipped.Len() > 0 {
		result.Msg = "The following modules were skipped: " + nameList(skipped)
		result.Set("skipped_modules", skipped)
		result.Skipped = skipped.Len() == len(names)
	}
	if failed.Len() > 0 {
		result.Failed, result.Msg = true, "The following modules failed to execute: "+nameList(failed)
		result.Set("failed_modules", failed)
	}
	return it.judge(result)
}

func nameList(m *value.Map) string {
	var names []string
	for name := range m.Strings() {
		names = append(names, name)
	}
	return strings.Join(names, ", ") + "\n"
}

// factTask is the task that runs one of them. Parameters of setup are for setup
// alone, and conditions for what the modules find together.
func (t *taskRun) factTask(name string) (*playbook.Task, error) {
	if t.Loader.Modules == nil {
		return nil, fmt.Errorf("couldn't resolve module/action '%s'", name)
	}
	found, ok := t.Loader.Modules.Find(name, t.task.Collections, nil)
	if !ok {
		return nil, fmt.Errorf("couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", name)
	}
	if found.Err != nil {
		return nil, found.Err
	}
	one, keywords := *t.task, *t.task.Keywords
	keywords.When = nil
	one.Keywords, one.ChangedWhen, one.FailedWhen = &keywords, nil, nil
	one.Module, one.Python = found.Name, found.Python
	if !isSetup(string(found.Name)) {
		one.Action, one.Args = strings.TrimPrefix(name, "ansible.legacy."), one.Args.Clone()
		for _, p := range []string{"gather_subset", "gather_timeout", "filter", "fact_path", "parallel"} {
			one.Args.Delete(p)
		}
	}
	return &one, nil
}

func (p *playRun) gathers(c *template.Context) (bool, error) {
	if p.play.GatherFacts == nil {
		return p.Gathering != "explicit", nil
	}
	return p.flag(c, p.play.GatherFacts, true)
}

func (p *playRun) gatherTask() *playbook.Task {
	args := value.NewMap(4)
	set := func(name string, play, option any) {
		if play != nil {
			option = play
		}
		if option != nil {
			args.Set(name, option)
		}
	}
	var subset any
	if len(p.GatherSubset) > 0 {
		subset = value.FromGo(p.GatherSubset)
	}
	set("gather_subset", p.play.GatherSubset, subset)
	var timeout any
	if p.GatherTimeout > 0 {
		timeout = p.GatherTimeout
	}
	set("gather_timeout", p.play.GatherTimeout, timeout)
	var path any
	if p.FactPath != "" {
		path = p.FactPath
	}
	set("fact_path", p.play.FactPath, path)
	k := p.play.Keywords.With(playbook.RunOnce, false) // each host has facts of its own
	k.Vars = nil
	k.Tags = []any{"always"}
	k.When = nil
	return &playbook.Task{ID: p.Loader.NextID(), Pos: p.play.Pos, Name: "Gathering Facts", Action: "gather_facts", Module: "ansible.builtin.setup",
		Keywords: k, Own: &playbook.Keywords{}, Parent: k, Args: args, Implicit: true}
}
