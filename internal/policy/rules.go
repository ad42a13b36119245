package policy

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
	"github.com/tutti-run/tutti/parallel"
)

// Rule gives hints to the modules, or the commands, that match it.
type Rule struct {
	Pos diag.Pos
	// Module is a pattern of full names, amazon.aws.*; a collection is all of its
	// modules. "" where the rule is about commands.
	Module string
	// Command is a pattern of what command, shell, raw and script run:
	// "apt-get *".
	Command string
	// Hints are as Parse reads them. {name} in a hint's name stands for the
	// task's argument of that name.
	Hints []string
}

// Policy is a file of rules.
type Policy struct {
	Rules []Rule
	// Loosen replaces what a module says about itself. Only the operator's file
	// may have it: everything else can only tighten.
	Loosen []Rule
}

// DefaultFile is the operator's policy where neither --policy nor TUTTI_POLICY
// names another.
const DefaultFile = "/etc/tutti/policy.yml"

// LoadFile reads an operator's policy. The error lists all problems.
func LoadFile(file string) (*Policy, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Load(data, file)
}

// Load reads a policy: a dictionary with the lists hints and loosen.
func Load(data []byte, file string) (*Policy, error) {
	var ps diag.Problems
	top, err := yaml.Parse(data, file, yaml.Options{})
	if err != nil {
		return nil, err
	}
	p := &Policy{}
	if top.IsNull() {
		return p, nil
	}
	if top.Kind != yaml.Map {
		ps.Add(top.Pos, "it begins with hints: or loosen:", "a policy is a dictionary, not %s", top.Describe())
		return nil, ps
	}
	for _, pair := range top.Pairs {
		name, _ := pair.Key.Text()
		switch name {
		case "hints":
			p.Rules = rules(pair.Value, &ps)
		case "loosen":
			p.Loosen = rules(pair.Value, &ps)
		default:
			ps.Add(pair.Key.Pos, "a policy has the lists hints and loosen", "'%s' is nothing that a policy has", name)
		}
	}
	return p, ps.Err()
}

func rules(n *yaml.Node, ps *diag.Problems) (out []Rule) {
	if n.IsNull() {
		return nil
	}
	if n.Kind != yaml.List {
		ps.Add(n.Pos, "each rule begins with '- '", "rules are a list, not %s", n.Describe())
		return nil
	}
	for _, item := range n.Items {
		if r, ok := rule(item, ps); ok {
			out = append(out, r)
		}
	}
	return out
}

func rule(n *yaml.Node, ps *diag.Problems) (Rule, bool) {
	r := Rule{Pos: n.Pos}
	before := len(*ps)
	if n.Kind != yaml.Map {
		ps.Add(n.Pos, "such as: - {module: amazon.aws.*, hint: \"RateLimited(ec2, 5/s)\"}", "a rule is a dictionary, not %s", n.Describe())
		return r, false
	}
	about := 0
	for _, pair := range n.Pairs {
		name, _ := pair.Key.Text()
		text, isText := pair.Value.Text()
		switch name {
		case "module", "collection", "command":
			about++
			if !isText || text == "" {
				ps.Add(pair.Value.Pos, "", "%s must be a pattern, not %s", name, pair.Value.Describe())
				continue
			}
			if _, err := path.Match(text, ""); err != nil {
				ps.Add(pair.Value.Pos, "", "the pattern '%s' is malformed: %v", text, err)
			}
			switch name {
			case "module":
				r.Module = text
				if !strings.Contains(text, ".") && !strings.ContainsAny(text, "*?[") {
					r.Module = "ansible.builtin." + text
				}
			case "collection":
				r.Module = text + ".*"
				if strings.Count(text, ".") != 1 {
					ps.Add(pair.Value.Pos, "", "a collection is named by its namespace and name, such as amazon.aws, not '%s'", text)
				}
			default:
				r.Command = normal(text)
			}
		case "hint":
			r.Hints = hintTexts(pair.Value, ps)
		default:
			ps.Add(pair.Key.Pos, "a rule has module, collection or command, and hint", "'%s' is nothing that a rule has", name)
		}
	}
	switch {
	case len(*ps) > before:
	case about != 1:
		ps.Add(n.Pos, "", "a rule is about one of module, collection and command")
	case len(r.Hints) == 0:
		ps.Add(n.Pos, "", "the rule gives no hint")
	}
	return r, len(*ps) == before
}

// hintTexts reads hint:, one or a list. What is malformed is a problem at once.
func hintTexts(n *yaml.Node, ps *diag.Problems) (out []string) {
	list := []*yaml.Node{n}
	if n.Kind == yaml.List {
		list = n.Items
	}
	for _, e := range list {
		text, ok := e.Text()
		if !ok {
			ps.Add(e.Pos, "", "a hint is text such as HostExclusive(dpkg), not %s", e.Describe())
			continue
		}
		if _, err := Parse(text); err != nil {
			ps.Add(e.Pos, "", "%v", err)
			continue
		}
		out = append(out, text)
	}
	return out
}

// Task is what hints depend on.
type Task struct {
	Module  string // full name
	Command string // what it runs, of modules that run commands
	// Own are the hints that the module's Spec states; nil for a module that says
	// nothing about itself.
	Own []parallel.Hint
	// Args are the task's arguments.
	Args *value.Map
	// Asked are what the task itself asks for.
	Asked []parallel.Hint
}

// Decision is what may run at the same time, and who said so.
type Decision struct {
	Hints []parallel.Hint
	// Sources say where each part comes from: "the module", "file:line".
	Sources []string
}

// Decide works out a task's hints: what the module says of itself, or the
// shipped table for modules that say nothing, or else alone on its machine;
// the operator may loosen that, and then add to it, as may the task. p may be
// nil.
func (p *Policy) Decide(t Task) (Decision, error) {
	var d Decision
	loosened, err := d.first(p.loosen(), t)
	if err != nil {
		return d, err
	}
	switch {
	case loosened:
	case t.Own != nil:
		d.add(t.Own, "the module")
	default:
		known, err := d.first(shipped().Rules, t)
		if err != nil {
			return d, err
		}
		if !known {
			d.add([]parallel.Hint{parallel.Host("")}, "a module that says nothing is alone on its machine")
		}
	}
	if p != nil {
		for i := range p.Rules {
			if !p.Rules[i].matches(t) {
				continue
			}
			hints, err := p.Rules[i].hints(t.Args)
			if err != nil {
				return d, err
			}
			d.add(hints, p.Rules[i].Pos.String())
		}
	}
	if len(t.Asked) > 0 {
		d.add(t.Asked, "the task")
	}
	d.Hints = Tighten(d.Hints, nil)
	return d, nil
}

func (p *Policy) loosen() []Rule {
	if p == nil {
		return nil
	}
	return p.Loosen
}

// first adds the hints of the first rule that matches.
func (d *Decision) first(rules []Rule, t Task) (bool, error) {
	for i := range rules {
		if rules[i].matches(t) {
			hints, err := rules[i].hints(t.Args)
			d.add(hints, rules[i].Pos.String())
			return true, err
		}
	}
	return false, nil
}

func (d *Decision) add(hints []parallel.Hint, source string) {
	d.Hints = append(d.Hints, hints...)
	d.Sources = append(d.Sources, source)
}

func (r *Rule) matches(t Task) bool {
	if r.Command != "" {
		return t.Command != "" && slices.ContainsFunc(Commands(t.Command), func(c string) bool { return matchCommand(r.Command, c) })
	}
	ok, _ := path.Match(r.Module, t.Module) // the pattern was checked
	return ok
}

// hints are the rule's, with the task's arguments filled in.
func (r *Rule) hints(args *value.Map) ([]parallel.Hint, error) {
	out := make([]parallel.Hint, 0, len(r.Hints))
	for _, text := range r.Hints {
		h, err := Parse(text)
		if err != nil {
			return nil, err
		}
		h.Name = fill(h.Name, args)
		out = append(out, h)
	}
	return out, nil
}

// fill replaces {name} by the argument of that name, "default" without one.
func fill(name string, args *value.Map) string {
	for {
		begin := strings.IndexByte(name, '{')
		end := strings.IndexByte(name, '}')
		if begin < 0 || end < begin {
			return name
		}
		v := "default"
		if args != nil {
			if a, ok := args.Get(name[begin+1 : end]); ok && a != nil {
				// Braces in an argument are no placeholders.
				v = strings.NewReplacer("{", "(", "}", ")").Replace(fmt.Sprint(value.Plain(a)))
			}
		}
		name = name[:begin] + v + name[end+1:]
	}
}
