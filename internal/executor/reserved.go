package executor

import (
	"sort"

	"github.com/tutti-run/tutti/internal/playbook"
)

// engineNames are what templates can call without anybody defining it.
var engineNames = []string{"range", "dict", "lipsum", "cycler", "joiner", "namespace", "lookup", "query", "q", "now", "undef", "omit"}

// warnReserved warns of a play's variables whose names mean something else.
func (r *Run) warnReserved(p *playbook.Play) {
	reserved := map[string]bool{}
	for _, n := range append(playbook.Reserved(), engineNames...) {
		reserved[n] = true
	}
	var found []string
	for _, vars := range p.Keywords.Vars {
		for name := range vars.Strings() {
			if reserved[name] && name != "vars" {
				found = append(found, name)
			}
		}
	}
	sort.Strings(found)
	for _, name := range found {
		r.warn("Found variable using reserved name: " + name)
	}
}
