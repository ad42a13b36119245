package iptables

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// iptables keeps each chain as a file of rules in the case's directory.
const iptables = `#!/bin/sh
test "$1" != --version || { echo iptables v1.8.9; exit; }
shift 2
action=$1 chain=$FILTER/$2
shift; shift 2>/dev/null
case $action in
-C) grep -qxF -- "$*" $chain 2>/dev/null;;
-A) echo "$*" >>$chain;;
-I) echo "$*" >>$chain;;
-D) grep -vxF -- "$*" $chain >$chain.new; mv $chain.new $chain;;
-L) test -e $chain || exit 1; p=$(cat $chain.policy 2>/dev/null); echo "Chain x (policy ${p:-ACCEPT})";;
-P) echo $1 >$chain.policy;;
-F) : >$chain;;
-N) : >$chain;;
-X) rm $chain;;
*) echo "bad action $action" >&2; exit 2;;
esac
`

func TestContract(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "iptables"), []byte(iptables), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	with := func(t *testing.T, dir string) {
		t.Setenv("FILTER", dir)
		mt.Write(t, dir, "INPUT", "-p tcp --destination-port 22 -j ACCEPT\n-s 10.0.0.1 -j DROP\n")
	}
	holds := func(name, want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			t.Helper()
			mt.Has(t, filepath.Join(dir, name), want)
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "there", Setup: with, Args: `{"chain": "INPUT", "source": "10.0.0.1", "jump": "DROP"}`},
		{Name: "new", Setup: with, Args: `{"chain": "FORWARD", "source": "!10.0.0.1", "jump": "DROP", "chain_management": true, "wait": "5"}`, Changed: true,
			Verify: holds("FORWARD", "-w 5 ! -s 10.0.0.1 -j DROP\n")},
		{Name: "insert", Setup: with, Args: `{"chain": "FORWARD", "jump": "DROP", "action": "insert"}`, Changed: true},
		{Name: "absent", Setup: with, Args: `{"chain": "INPUT", "source": "10.0.0.1", "jump": "DROP", "state": "absent"}`, Changed: true,
			Verify: holds("INPUT", "-p tcp --destination-port 22 -j ACCEPT\n")},
		{Name: "policy", Setup: with, Args: `{"chain": "INPUT", "policy": "DROP"}`, Changed: true, Verify: holds("INPUT.policy", "DROP\n")},
		{Name: "same policy", Setup: with, Args: `{"chain": "INPUT", "policy": "ACCEPT"}`},
		{Name: "flush", Setup: with, Args: `{"chain": "INPUT", "flush": true}`, Changed: true, Again: true, Verify: holds("INPUT", "")},
		{Name: "chain", Setup: with, Args: `{"chain": "INPUT", "state": "absent", "chain_management": true}`, Changed: true},
		{Name: "no chain", Args: `{"jump": "DROP"}`, Fails: "Either chain or flush parameter must be specified."},
		{Name: "log elsewhere", Args: `{"chain": "INPUT", "jump": "DROP", "log_prefix": "x"}`, Fails: "Logging options can only be used with the LOG jump target."},
		{Name: "no gateway", Args: `{"chain": "INPUT", "jump": "TEE"}`, Fails: "jump is TEE but all of the following are missing: gateway"},
	})
}

func TestRule(t *testing.T) {
	for args, want := range map[string]string{
		`{"protocol": "tcp", "destination_ports": ["80", "443"], "ctstate": ["NEW"], "syn": "match"}`:               "-p tcp -m multiport --dports 80,443 --syn -m conntrack --ctstate NEW",
		`{"match": ["state"], "ctstate": ["NEW", "RELATED"]}`:                                                       "-m state --state NEW,RELATED",
		`{"tcp_flags": {"flags": ["SYN", "ACK"], "flags_set": ["SYN"]}, "src_range": "10.0.0.1-10.0.0.9"}`:          "--tcp-flags SYN,ACK SYN -m iprange --src-range 10.0.0.1-10.0.0.9",
		`{"limit": "2/s", "limit_burst": "20", "uid_owner": "!0", "reject_with": "tcp-reset", "comment": "a b"}`:    "-m limit --limit 2/s --limit-burst 20 -m owner ! --uid-owner 0 -j REJECT --reject-with tcp-reset -m comment --comment a b",
		`{"ip_version": "ipv6", "icmp_type": "1", "match_set": "s", "match_set_flags": "src,dst", "syn": "negate"}`: "! --syn -m set --match-set s src,dst --icmpv6-type 1",
	} {
		a, err := Module.Spec.ParseTarget(mt.Args(t, "", args), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(buildRule(a, "", true), " "); got != want {
			t.Errorf("%s:\n%s, want\n%s", args, got, want)
		}
	}
}
