// Package ufw is the module for the firewall of that name.
package ufw

import (
	"context"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module sets rules, policies and the state of the firewall.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.ufw",
		Summary: "Sets the firewall ufw.",
		Params: []module.Param{
			{Name: "state", Choices: []any{"enabled", "disabled", "reloaded", "reset"}, Doc: "What shall be with the firewall, or be done to it."},
			{Name: "default", Aliases: []string{"policy"}, Choices: []any{"allow", "deny", "reject"}, Doc: "What becomes of packets that no rule takes."},
			{Name: "logging", Choices: []any{"full", "high", "low", "medium", "off", "on"}, Doc: "How much is logged."},
			{Name: "rule", Choices: []any{"allow", "deny", "limit", "reject"}, Doc: "A rule for packets that fit the rest."},
			{Name: "direction", Choices: []any{"in", "incoming", "out", "outgoing", "routed"}, Doc: "Which way packets go."},
			{Name: "delete", Type: module.Bool, Default: false, Doc: "Remove the rule."},
			{Name: "route", Type: module.Bool, Default: false, Doc: "Packets that go through the machine."},
			{Name: "insert", Type: module.Int, Doc: "Number of the rule before which to insert."},
			{Name: "insert_relative_to", Default: "zero", Choices: []any{"zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"}, Doc: "What that number counts from."},
			{Name: "interface", Aliases: []string{"if"}, Doc: "Interface, with direction."},
			{Name: "interface_in", Aliases: []string{"if_in"}, Doc: "Interface that packets come in by."},
			{Name: "interface_out", Aliases: []string{"if_out"}, Doc: "Interface that packets go out by."},
			{Name: "log", Type: module.Bool, Default: false, Doc: "Log new connections."},
			{Name: "from_ip", Default: "any", Aliases: []string{"from", "src"}, Doc: "Where packets come from."},
			{Name: "from_port", Doc: "Port that they come from."},
			{Name: "to_ip", Default: "any", Aliases: []string{"dest", "to"}, Doc: "Where packets go to."},
			{Name: "to_port", Aliases: []string{"port"}, Doc: "Port that they go to."},
			{Name: "proto", Aliases: []string{"protocol"}, Choices: []any{"ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp"}, Doc: "Their protocol."},
			{Name: "name", Aliases: []string{"app"}, Doc: "Profile of an application."},
			{Name: "comment", Doc: "Words to keep with the rule."},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"name", "proto", "logging"}, {"direction", "interface_in"}, {"direction", "interface_out"}},
			RequiredOneOf:     [][]string{{"state", "default", "rule", "logging"}},
			RequiredBy:        map[string][]string{"interface": {"direction"}},
		},
		Hints: []parallel.Hint{parallel.Host("ufw")},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "commands", Type: module.List, When: "always", Doc: "The commands that were run."}},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx      context.Context
	env      *module.Env
	args     module.Args
	ufw      string
	commands []string
	changed  bool
	failed   *module.Result // of the first command that failed
	before   string         // ufw's status
	rules    string         // all rules, before
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args}
	var err error
	if t.ufw, err = tool.Require(env, "ufw"); err != nil {
		return module.Fail("%s", err)
	}
	t.before = t.call("status", "verbose")
	t.rules = t.read()
	for _, c := range []struct {
		param string
		do    func(string)
	}{{"state", t.state}, {"default", t.policy}, {"rule", t.rule}, {"logging", t.logging}} {
		if v := args.String(c.param); v != "" && t.failed == nil {
			c.do(v)
		}
	}
	r := module.OK()
	if !env.Check {
		after := t.call("status", "verbose")
		if !t.changed {
			now := t.read()
			t.changed = after != t.before || now != t.rules
		}
		r.Set("msg", strings.TrimRight(after, " \n"))
	}
	if t.failed != nil {
		return t.failed
	}
	r.Changed = t.changed
	return r.Set("commands", value.FromGo(t.commands))
}

func (t *task) fail(format string, args ...any) {
	if t.failed == nil {
		t.failed = module.Fail(format, args...)
	}
}

// call runs ufw and notes the command. After a failure it does nothing.
func (t *task) call(words ...string) string {
	if t.failed != nil {
		return ""
	}
	quoted := []string{t.ufw}
	for i, w := range words {
		if w = files.Quote(w); i > 0 && (words[i-1] == "app" || words[i-1] == "comment") && !strings.HasPrefix(w, "'") {
			w = "'" + w + "'" // always, in Ansible's results
		}
		quoted = append(quoted, w)
	}
	t.commands = append(t.commands, strings.Join(quoted, " "))
	out, err := tool.Run(t.ctx, t.env, append([]string{t.ufw}, words...)...)
	switch {
	case err != nil:
		t.fail("%s", err)
	case out.RC != 0 && out.Stderr != "":
		t.fail("%s", out.Stderr)
	case out.RC != 0:
		t.fail("%s", out.Stdout)
	}
	if t.failed != nil {
		t.failed.Set("commands", value.FromGo(t.commands))
	}
	return out.Stdout
}

// change runs ufw, in check mode only on trial.
func (t *task) change(words ...string) string {
	if t.env.Check {
		words = append([]string{"--dry-run"}, words...)
	}
	return t.call(words...)
}

// read collects the rules from where ufw keeps them.
func (t *task) read() string {
	paths := []string{"/lib/ufw/user.rules", "/lib/ufw/user6.rules", "/etc/ufw/user.rules", "/etc/ufw/user6.rules", "/var/lib/ufw/user.rules", "/var/lib/ufw/user6.rules"}
	t.commands = append(t.commands, grep+strings.Join(paths, " "))
	var b strings.Builder
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // versions differ in which they have
		}
		b.WriteString(tuples(string(data)))
	}
	return b.String()
}

// grep is how Ansible's module collects them, which its result shows.
const grep = "/usr/bin/grep -h '^### tuple' "

// tuples are the lines that hold a rule.
func tuples(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "### tuple") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func (t *task) state(v string) {
	t.changed = t.changed || v == "reloaded" || v == "reset"
	if !t.env.Check {
		t.change("-f", map[string]string{"enabled": "enable", "disabled": "disable", "reloaded": "reload", "reset": "reset"}[v])
		return
	}
	on := strings.Contains(t.before, " active") // not "inactive"
	t.changed = t.changed || v == "disabled" && on || v == "enabled" && !on
}

var loggingLine = lazyregexp.New(`Logging: (on|off)(?: \(([a-z]+)\))?`)

func (t *task) logging(v string) {
	switch m := loggingLine.FindStringSubmatch(t.before); {
	case m == nil, (v == "off") != (m[1] == "off"), v != "off" && v != "on" && v != m[2]:
		t.changed = true
	}
	if !t.env.Check {
		t.change("logging", v)
	}
}

var policyLine = lazyregexp.New(`Default: (deny|allow|reject) \(incoming\), (deny|allow|reject) \(outgoing\), (deny|allow|reject|disabled) \(routed\)`)

func (t *task) policy(v string) {
	direction := t.args.String("direction")
	if !slices.Contains([]string{"outgoing", "incoming", "routed", ""}, direction) {
		t.fail("For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", or direction must not be specified.")
		return
	}
	if !t.env.Check {
		words := []string{"default", v}
		if direction != "" {
			words = append(words, direction)
		}
		t.change(words...)
		return
	}
	m := policyLine.FindStringSubmatch(t.before)
	i := map[string]int{"": 1, "incoming": 1, "outgoing": 2, "routed": 3}[direction]
	if m == nil || m[i] != v && m[i] != "disabled" {
		t.changed = true
	}
}

func (t *task) rule(v string) {
	a := t.args
	switch direction := a.String("direction"); {
	case !slices.Contains([]string{"in", "out", ""}, direction):
		t.fail("For rules, direction must be one of \"in\" and \"out\", or direction must not be specified.")
		return
	case !a.Bool("route") && a.Has("interface_in") && a.Has("interface_out"):
		t.fail("Only route rules can combine interface_in and interface_out")
		return
	}
	var words []string
	if a.Bool("route") {
		words = append(words, "route")
	}
	if a.Bool("delete") {
		words = append(words, "delete")
	} else if n, ok := t.number(); ok {
		words = append(words, "insert", strconv.Itoa(n))
	}
	words = append(words, v)
	option := func(param string, before ...string) {
		if v := a.String(param); v != "" {
			words = append(append(words, before...), v)
		}
	}
	option("direction")
	option("interface", "on")
	option("interface_in", "in", "on")
	option("interface_out", "out", "on")
	if a.Bool("log") {
		words = append(words, "log")
	}
	option("from_ip", "from")
	option("from_port", "port")
	option("to_ip", "to")
	option("to_port", "port")
	option("proto", "proto")
	option("name", "app")
	version := regexp.MustCompile(`(?m)^ufw.*?(\d+\.\d+(?:\.\d+)?)`).FindStringSubmatch(t.call("--version"))
	if version == nil {
		t.fail("Failed to get ufw version.")
		return
	}
	if dpkg.Compare(version[1], "0.35") >= 0 { // numbers and dots
		option("comment", "comment")
	}
	said := t.change(words...)
	if t.env.Check && t.failed == nil {
		t.predict(said)
	}
}

// predict compares the rules with those of a trial. A trial shows only the rules
// of the family that an address belongs to.
func (t *task) predict(said string) {
	lines := slices.Collect(strings.Lines(said))
	if len(lines) > 0 && !slices.ContainsFunc(lines, func(l string) bool { return !strings.Contains(l, "Skipping") }) {
		return
	}
	then, now := tuples(said), t.rules
	for _, param := range []string{"from_ip", "to_ip"} {
		text, _, _ := strings.Cut(t.args.String(param), "/")
		if addr, err := netip.ParseAddr(text); err == nil {
			then, now = family(then, addr.Is4()), family(now, addr.Is4())
		}
	}
	t.changed = t.changed || then != now
}

// family leaves the rules of one family: a rule names addresses of it, 0.0.0.0/0
// and ::/0 among them.
func family(rules string, v4 bool) string {
	var b strings.Builder
	for line := range strings.Lines(rules) {
		for _, word := range strings.Fields(line) {
			text, _, _ := strings.Cut(word, "/")
			if addr, err := netip.ParseAddr(text); err == nil && addr.Is4() == v4 {
				b.WriteString(line)
				break
			}
		}
	}
	return b.String()
}

var numbered = lazyregexp.New(`(?m)^\[ *(\d+)\] .*$`)

// number is where the rule goes, if it is not to the end.
func (t *task) number() (int, bool) {
	if !t.args.Has("insert") {
		return 0, false
	}
	n, to := t.args.Int("insert"), t.args.String("insert_relative_to")
	if to == "zero" {
		return n, true
	}
	out, err := tool.Run(t.ctx, t.env, t.ufw, "status", "numbered")
	if err != nil {
		t.fail("%s", err)
		return 0, false
	}
	last, last4, any6 := 0, 0, false
	for _, m := range numbered.FindAllStringSubmatch(out.Stdout, -1) {
		i, _ := strconv.Atoi(m[1]) // the pattern has digits only
		last = max(last, i)
		if strings.Contains(m[0], "(v6)") {
			any6 = true
		} else {
			last4 = max(last4, i)
		}
	}
	base := map[string]int{"first-ipv4": 1, "last-ipv4": max(last4, 1), "first-ipv6": last4 + 1, "last-ipv6": last + 1}[to]
	if to == "last-ipv6" && any6 {
		base = last
	}
	// ufw refuses numbers beyond the last rule.
	return n + base, n+base <= last
}
