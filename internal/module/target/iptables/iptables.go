// Package iptables is the module for rules of the kernel's packet filter, as
// iptables and ip6tables set them.
package iptables

import (
	"context"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module sets a rule, a policy or a chain.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.iptables",
		Summary: "Sets rules of the packet filter as they are in memory.",
		Params: []module.Param{
			{Name: "table", Default: "filter", Choices: []any{"filter", "nat", "mangle", "raw", "security"}, Doc: "The table."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether the rule shall be there."},
			{Name: "action", Default: "append", Choices: []any{"append", "insert"}, Doc: "Where a new rule goes: to the end, or to the top or rule_num."},
			{Name: "rule_num", Doc: "Number of the rule before which to insert."},
			{Name: "ip_version", Default: "ipv4", Choices: []any{"ipv4", "ipv6"}, Doc: "Which of the two filters."},
			{Name: "chain", Doc: "The chain."},
			{Name: "protocol", Doc: "Protocol of the packets."},
			{Name: "source", Doc: "Where packets come from."},
			{Name: "destination", Doc: "Where packets go to."},
			{Name: "tcp_flags", Type: module.Dict, Doc: "Flags of TCP to look at.", Rules: module.Rules{RequiredTogether: [][]string{{"flags", "flags_set"}}}, Options: []module.Param{
				{Name: "flags", Type: module.List, Elements: module.Str, Doc: "Those that are looked at."},
				{Name: "flags_set", Type: module.List, Elements: module.Str, Doc: "Those of them that are set."},
			}},
			{Name: "match", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "Matches to load."},
			{Name: "jump", Doc: "What becomes of the packet."},
			{Name: "gateway", Doc: "Where a copy goes to, with jump=TEE."},
			{Name: "log_prefix", Doc: "What begins the lines of a log."},
			{Name: "log_level", Choices: []any{"0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"}, Doc: "Level of the log."},
			{Name: "goto", Doc: "Chain to go on in."},
			{Name: "in_interface", Doc: "Interface that packets come in by."},
			{Name: "out_interface", Doc: "Interface that packets go out by."},
			{Name: "fragment", Doc: "Fragments but the first."},
			{Name: "set_counters", Doc: "Packets and bytes to begin counting with."},
			{Name: "source_port", Doc: "Port, or first:last."},
			{Name: "destination_port", Doc: "Port, or first:last."},
			{Name: "destination_ports", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "Ports, by the match multiport."},
			{Name: "to_ports", Doc: "Port to send packets to instead."},
			{Name: "to_destination", Doc: "Address to send packets to instead."},
			{Name: "to_source", Doc: "Address to send packets from instead."},
			{Name: "syn", Default: "ignore", Choices: []any{"ignore", "match", "negate"}, Doc: "Packets that open a connection of TCP."},
			{Name: "set_dscp_mark", Doc: "Mark to set."},
			{Name: "set_dscp_mark_class", Doc: "Class whose mark to set."},
			{Name: "comment", Doc: "Words to keep with the rule."},
			{Name: "ctstate", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "States of the connection."},
			{Name: "src_range", Doc: "Range of addresses that packets come from."},
			{Name: "dst_range", Doc: "Range of addresses that packets go to."},
			{Name: "match_set", Doc: "Set of ipset to look in."},
			{Name: "match_set_flags", Choices: []any{"src", "dst", "src,dst", "dst,src"}, Doc: "What of the packet to look for in it."},
			{Name: "limit", Doc: "Most matches on average, such as 5/second."},
			{Name: "limit_burst", Doc: "Matches before the limit counts."},
			{Name: "uid_owner", Doc: "User whose packets match."},
			{Name: "gid_owner", Doc: "Group whose packets match."},
			{Name: "reject_with", Doc: "Error to answer with."},
			{Name: "icmp_type", Doc: "Type of ICMP."},
			{Name: "flush", Type: module.Bool, Default: false, Doc: "Remove all rules of the chain, or of the table."},
			{Name: "policy", Choices: []any{"ACCEPT", "DROP", "QUEUE", "RETURN"}, Doc: "What becomes of packets that no rule of the chain takes."},
			{Name: "wait", Doc: "Seconds to wait for others that change the filter."},
			{Name: "chain_management", Type: module.Bool, Default: false, Doc: "Make and remove the chain as well."},
		},
		Rules: module.Rules{
			RequiredBy:        map[string][]string{"match_set": {"match_set_flags"}},
			MutuallyExclusive: [][]string{{"set_dscp_mark", "set_dscp_mark_class"}, {"flush", "policy"}},
			RequiredIf:        []module.RequiredIf{{Param: "jump", Value: "TEE", Needs: []string{"gateway"}}, {Param: "jump", Value: "tee", Needs: []string{"gateway"}}},
		},
		HintDoc: "HostExclusive(iptables); FullyParallel in check mode",
		HintsFor: func(_ module.Args, check bool) []parallel.Hint {
			if check {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("iptables")} // between the look at a rule and the change of it
		},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "rule", When: "always", Doc: "The rule as iptables takes it."},
			{Name: "chain", When: "always", Doc: "The chain."},
			{Name: "table", When: "always", Doc: "The table."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx     context.Context
	env     *module.Env
	args    module.Args
	program string
	rule    []string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, program: map[string]string{"ipv4": "iptables", "ipv6": "ip6tables"}[args.String("ip_version")]}
	r := module.OK()
	for _, name := range []string{"ip_version", "table", "chain", "flush", "state", "chain_management"} {
		r.Set(name, args.Any(name))
	}
	jump := args.String("jump")
	r.Set("rule", strings.Join(buildRule(args, jump, true), " "))
	if _, err := tool.Require(env, t.program); err != nil {
		return module.Fail("%s", err)
	}
	if !args.Bool("flush") && !args.Has("chain") {
		return module.Fail("Either chain or flush parameter must be specified.")
	}
	if args.String("log_prefix") != "" || args.String("log_level") != "" {
		if jump != "" && jump != "LOG" {
			return module.Fail("Logging options can only be used with the LOG jump target.")
		}
		jump = "LOG"
	}
	wait, failed := t.canWait()
	if failed != nil {
		return failed
	}
	t.rule = buildRule(args, jump, wait)
	if failed := t.do(r); failed != nil {
		return failed
	}
	return r
}

// argv is a command about the table and chain.
func (t *task) argv(action string, more ...string) []string {
	argv := []string{t.program, "-t", t.args.String("table"), action}
	if t.args.Has("chain") {
		argv = append(argv, t.args.String("chain"))
	}
	return append(argv, more...)
}

// call runs iptables, which may fail.
func (t *task) call(action string, more ...string) (tool.Output, error) {
	return tool.Run(t.ctx, t.env, t.argv(action, more...)...)
}

// change runs iptables unless in check mode.
func (t *task) change(action string, more ...string) *module.Result {
	if t.env.Check {
		return nil
	}
	_, failed := tool.Checked(t.ctx, t.env, t.argv(action, more...)...)
	return failed
}

// canWait tells whether this iptables can wait for others for so many seconds.
func (t *task) canWait() (bool, *module.Result) {
	if !t.args.Has("wait") {
		return false, nil
	}
	out, failed := tool.Checked(t.ctx, t.env, t.program, "--version")
	if failed != nil {
		return false, failed
	}
	_, version, _ := strings.Cut(out.Stdout, "v")
	version, _, _ = strings.Cut(strings.TrimSpace(version), " ")
	return dpkg.Compare(version, "1.6.0") >= 0, nil // versions of numbers and dots
}

var policy = lazyregexp.New(`\(policy ([A-Z]+)\)`)

func (t *task) do(r *module.Result) *module.Result {
	present := t.args.String("state") == "present"
	switch {
	case t.args.Bool("flush"):
		r.Changed = true
		return t.change("-F")
	case t.args.Has("policy"):
		out, failed := tool.Checked(t.ctx, t.env, t.argv("-L")...)
		if failed != nil {
			return failed
		}
		first, _, _ := strings.Cut(out.Stdout, "\n")
		m := policy.FindStringSubmatch(first)
		if m == nil {
			return module.Fail("Can't detect current policy")
		}
		if r.Changed = m[1] != t.args.String("policy"); r.Changed {
			return t.change("-P", t.args.String("policy"))
		}
		return nil
	case !present && len(t.rule) == 0:
		out, err := t.call("-L", "-n") // without asking for the names of addresses
		if err != nil {
			return module.Fail("%s", err)
		}
		if r.Changed = out.RC == 0; r.Changed && t.args.Bool("chain_management") {
			return t.change("-X")
		}
		return nil
	}
	out, err := t.call("-C", t.rule...)
	if err != nil {
		return module.Fail("%s", err)
	}
	if r.Changed = (out.RC == 0) != present; !r.Changed {
		return nil
	}
	if !present {
		return t.change("-D", t.rule...)
	}
	if t.args.Bool("chain_management") {
		out, err := t.call("-L", "-n") // without asking for the names of addresses
		if err != nil {
			return module.Fail("%s", err)
		}
		if out.RC != 0 {
			if failed := t.change("-N"); failed != nil {
				return failed
			}
		}
	}
	if t.args.String("action") == "append" {
		return t.change("-A", t.rule...)
	}
	if number := t.args.String("rule_num"); number != "" {
		return t.change("-I", append([]string{number}, t.rule...)...)
	}
	return t.change("-I", t.rule...)
}
