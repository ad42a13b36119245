package main

import (
	"bytes"
	"fmt"
	"strings"
)

// page is all that was measured.
type page struct {
	targets   []*targetSet
	batteries []*battery
	listings  []*listing
}

var setNames = map[string]string{
	"fair":   "Targets that need no plugin written in Python",
	"partly": "Targets of which some steps load plugins written in Python, which Tutti does not run",
}

func (p *page) markdown() []byte {
	var b bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# Compatibility\n")
	say("What Tutti does like ansible-core 2.14, as measured. `go run ./e2e/compat -conformance DIR PROJECT...`")
	say("writes this page; it downloads nothing and takes the paths of the sources. Nothing here is written by hand")
	say("but the reasons (`e2e/compat/reasons.tsv`).\n")
	say("| | passed | of |\n|---|---:|---:|")
	for _, t := range p.targets {
		say("| %s | %d | %d |", setNames[t.set], t.passed, t.of)
	}
	for _, n := range p.batteries {
		say("| Recorded templates, jinja2_native %s | %d | %d |", map[bool]string{true: "on", false: "off"}[n.native], n.passed, n.of)
	}
	for _, l := range p.listings {
		say("| Listings of %s | %d | %d |", l.Name, l.Equal, l.Of)
	}
	say("\n## Ansible's integration targets\n")
	say("A target passes if it ends well under `--strict` (the real commands are not there) and each play's recap has")
	say("the numbers that ansible-core's has.")
	for _, t := range p.targets {
		say("\n### %s\n\n| area | passed | of |\n|---|---:|---:|", setNames[t.set])
		for _, a := range t.areas {
			say("| %s | %d | %d |", a.name, a.passed, a.of)
		}
		if len(t.failed) > 0 {
			say("\n| not passed | area | | why |\n|---|---|---|---|")
			for _, f := range t.failed {
				say("| %s | %s | %s | %s |", f.name, f.area, strings.ToLower(f.status), f.why)
			}
		}
	}
	say("\n## Templates\n")
	say("Expressions, conditions and template files with the value and type that Ansible's templating gives.")
	for _, n := range p.batteries {
		if len(n.failed) > 0 {
			say("\njinja2_native %s differs in: %s.", map[bool]string{true: "on", false: "off"}[n.native], strings.Join(n.failed, ", "))
		}
	}
	if len(p.listings) > 0 {
		why := why()
		say("\n## Other people's playbooks\n")
		say("Each playbook with `--syntax-check`, `--list-hosts`, `--list-tags` and `--list-tasks`; exit status and output must")
		say("agree. Both refuse a playbook whose roles or collections are not installed beside it.\n")
		say("| project | commit | playbooks | listings | equal | refused by both | ansible-playbook | tutti |\n|---|---|---:|---:|---:|---:|---:|---:|")
		for _, l := range p.listings {
			say("| %s | %s | %d | %d | %d | %d | %s s | %s s |", l.Name, l.Commit, l.Books, l.Of, l.Equal, l.Refused, l.Seconds, l.Ours)
		}
		for _, l := range p.listings {
			if len(l.Differs) == 0 {
				continue
			}
			say("\n%s: %d listings differ. %s\n", l.Name, len(l.Differs), why[l.Name])
			for _, d := range l.Differs {
				say("- `%s`", strings.ReplaceAll(d, "`", "'"))
			}
		}
	}
	return b.Bytes()
}
