//go:build lab

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestPackages has two runs install overlapping sets of packages on one host, in
// loops whose items run together and in blocks whose tasks do, while somebody
// else installs and removes a package with apt-get in a loop: 50 tasks of ours,
// none of which fails; each package is installed once; waits name the holder;
// and apt-get gets its turns.
func TestPackages(t *testing.T) {
	freshLab(t)
	sh(t, 1, "apt-get -qq update && dpkg --purge $(dpkg-query -W -f '${Package}\n' 'tutti-*' 2>/dev/null) >/dev/null 2>&1; : >/var/log/dpkg.log")
	tasks := func(from, to int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "    - apt: {name: 'tutti-many-{{ \"%%02d\" | format(item) }}'}\n      become: true\n      loop: '{{ range(%d, %d) | list }}'\n      vars: {tutti_loop_parallel: 20}\n", from, to)
		b.WriteString("    - vars: {tutti_block_parallel: true}\n      become: true\n      block:\n")
		for i := range 5 {
			module := "apt"
			if i == 0 {
				module = "package"
			}
			fmt.Fprintf(&b, "        - {%s: {name: tutti-many-%02d}}\n", module, 36+i)
		}
		return b.String()
	}
	// The foreign one counts its turns until told to stop.
	foreign := make(chan ran, 1)
	go func() {
		l := labHosts(t)
		out, err := l.Sh(1, `touch /tmp/go; n=0
			while test -e /tmp/go && test $n -lt 4; do
				DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=60 install tutti-slow >/dev/null 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=60 purge tutti-slow >/dev/null 2>&1 || exit 1; sleep 0.2
				n=$((n+1))
			done
			echo $n`)
		r := ran{out: out}
		if err != nil {
			r = ran{out: out + err.Error(), code: 1}
		}
		foreign <- r
	}()
	await(t, 1, "test -e /tmp/go")
	var runs [2]*started
	var benches [2]*bench
	for n := range runs {
		benches[n] = newBench(t, nil)
		runs[n] = benches[n].start(benches[n].play("host1", tasks(1+10*n, 21+10*n), "-v", "-f", "50", "--events", "run.jsonl"))
	}
	var out [2]string
	for n, s := range runs {
		r, _ := s.end()
		out[n] = r.out
		if r.code != 0 {
			t.Errorf("run %d: exit code %d\n%s", n+1, r.code, r.out)
		}
		if r := run(t, benches[n].dir, program(t), "verify", "run.jsonl"); r.code != 0 || !strings.Contains(r.out, "25 acquired") {
			t.Errorf("run %d: %s", n+1, r.out)
		}
	}
	sh(t, 1, "rm /tmp/go")
	if r := <-foreign; r.code != 0 {
		t.Errorf("the foreign apt-get failed: %s", r.out)
	} else if n := strings.TrimSpace(r.out); n == "0" || n == "1" {
		t.Errorf("the foreign apt-get got only %s turns", n)
	} else {
		t.Logf("the foreign apt-get got %s turns", n)
	}
	// Each package was installed once, whoever did it.
	log := sh(t, 1, "cat /var/log/dpkg.log")
	for i := 1; i <= 40; i++ {
		name := fmt.Sprintf("tutti-many-%02d", i)
		if n := strings.Count(log, " install "+name+":all "); n != 1 && (i <= 30 || i > 35) { // nobody asks for those between
			t.Errorf("%s was installed %d times", name, n)
		}
	}
	changed := len(regexp.MustCompile(`(?m)^changed: \[host1\] =>`).FindAllString(out[0]+out[1], -1))
	if changed != 35 { // 30 items and 5 tasks; the loops' own results are not shown
		t.Errorf("%d tasks changed something, not 35", changed)
	}
	both := out[0] + out[1]
	for _, want := range []string{`waiting for dpkg on host1, held by host1: (apt|package)`, `waiting for dpkg on host1, held by \S+ run `, `waiting for dpkg on host1, held by process \d+ \(apt-get`} {
		if !regexp.MustCompile(want).MatchString(both) {
			t.Errorf("no wait like %q was shown:\n%s", want, both)
		}
	}
	clean(t)
}
