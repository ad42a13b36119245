package iptables

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
)

// rule builds the words of a rule, in the order in which the module reports
// them.
type rule struct {
	args  module.Args
	words []string
}

func (r *rule) add(words ...string) { r.words = append(r.words, words...) }

// opt adds an option for a parameter that has a value, or for each of a list;
// a leading exclamation mark inverts it.
func (r *rule) opt(param, flag string) {
	values := r.args.Strings(param)
	if values == nil && r.args.Has(param) {
		values = []string{r.args.String(param)}
	}
	for _, v := range values {
		if rest, inverted := strings.CutPrefix(v, "!"); inverted {
			r.add("!", flag, rest)
		} else {
			r.add(flag, v)
		}
	}
}

// csv adds a list as one word.
func (r *rule) csv(param, flag string) {
	if list := r.args.Strings(param); len(list) > 0 {
		r.add(flag, strings.Join(list, ","))
	}
}

func (r *rule) loads(match string) bool { return slices.Contains(r.args.Strings("match"), match) }

// load loads a match for parameters that need it, unless the user has.
func (r *rule) load(match string, params ...string) bool {
	if r.loads(match) {
		return true
	}
	for _, p := range params {
		if r.args.String(p) != "" || len(r.args.List(p)) > 0 {
			r.add("-m", match)
			return true
		}
	}
	return false
}

// buildRule turns the arguments into a rule. jump is the target: the module sets
// one for logging.
func buildRule(args module.Args, jump string, wait bool) []string {
	r := &rule{args: args}
	if w := args.String("wait"); wait && w != "" {
		r.add("-w", w)
	}
	r.opt("protocol", "-p")
	r.opt("source", "-s")
	r.opt("destination", "-d")
	r.opt("match", "-m")
	if f := args.Dict("tcp_flags"); f.Has("flags") && f.Has("flags_set") {
		r.add("--tcp-flags", joined(f.At("flags")), joined(f.At("flags_set")))
	}
	if rest, inverted := strings.CutPrefix(jump, "!"); inverted {
		r.add("!", "-j", rest)
	} else if jump != "" {
		r.add("-j", jump)
	}
	if strings.EqualFold(jump, "tee") {
		r.opt("gateway", "--gateway")
	}
	r.opt("log_prefix", "--log-prefix")
	r.opt("log_level", "--log-level")
	r.opt("to_destination", "--to-destination")
	if len(args.List("destination_ports")) > 0 {
		r.add("-m", "multiport")
	}
	r.csv("destination_ports", "--dports")
	r.opt("to_source", "--to-source")
	r.opt("goto", "-g")
	r.opt("in_interface", "-i")
	r.opt("out_interface", "-o")
	r.opt("fragment", "-f")
	r.opt("set_counters", "-c")
	r.opt("source_port", "--source-port")
	r.opt("destination_port", "--destination-port")
	r.opt("to_ports", "--to-ports")
	r.opt("set_dscp_mark", "--set-dscp")
	r.opt("set_dscp_mark_class", "--set-dscp-class")
	switch args.String("syn") {
	case "match":
		r.add("--syn")
	case "negate":
		r.add("!", "--syn")
	}
	r.matches(jump)
	return r.words
}

// matches adds the options of matches that have to be loaded.
func (r *rule) matches(jump string) {
	if r.loads("state") && !r.loads("conntrack") {
		r.csv("ctstate", "--state")
	} else if r.load("conntrack", "ctstate") {
		r.csv("ctstate", "--ctstate")
	}
	if r.load("iprange", "src_range", "dst_range") {
		r.opt("src_range", "--src-range")
		r.opt("dst_range", "--dst-range")
	}
	if r.load("set", "match_set") {
		r.opt("match_set", "--match-set")
		if flags := r.args.String("match_set_flags"); flags != "" {
			r.add(flags)
		}
	}
	for _, m := range []struct {
		match  string
		params []string
	}{
		{"limit", []string{"limit", "limit_burst"}}, {"owner", []string{"uid_owner"}}, {"owner", []string{"gid_owner"}},
	} {
		for _, p := range m.params {
			if r.args.String(p) != "" {
				r.add("-m", m.match)
				break
			}
		}
		for _, p := range m.params {
			r.opt(p, "--"+strings.ReplaceAll(p, "_", "-"))
		}
	}
	if jump == "" && r.args.String("reject_with") != "" {
		r.add("-j", "REJECT")
	}
	r.opt("reject_with", "--reject-with")
	r.opt("icmp_type", map[string]string{"ipv4": "--icmp-type", "ipv6": "--icmpv6-type"}[r.args.String("ip_version")])
	if r.args.String("comment") != "" {
		r.add("-m", "comment")
	}
	r.opt("comment", "--comment")
}

func joined(v any) string {
	var words []string
	list, _ := v.([]any)
	for _, e := range list {
		if s, ok := e.(string); ok {
			words = append(words, s)
		}
	}
	return strings.Join(words, ",")
}
