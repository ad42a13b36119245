//go:build lab

package e2e

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// marking is a task that leaves its beginning and its end in a file on the
// host, and takes a moment; hint is what it asks for, if anything.
func marking(hint string) string {
	task := "    - shell: echo $(date +%s%N) begin >>/tmp/marks; sleep 0.3; echo $(date +%s%N) end >>/tmp/marks\n"
	if hint != "" {
		task += "      vars: {tutti_parallel: " + hint + "}\n"
	}
	return task
}

// overlaps counts how often a task began before the one before it had ended.
func overlaps(t *testing.T, i, want int) int {
	t.Helper()
	inside, found, total := 0, 0, 0
	var last int64
	for _, line := range strings.Split(strings.TrimSpace(sh(t, i, "sort -n /tmp/marks; rm /tmp/marks")), "\n") {
		stamp, what, _ := strings.Cut(line, " ")
		at, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil || at < last {
			t.Fatalf("%q", line)
		}
		last = at
		if what == "begin" {
			if inside++; inside > 1 {
				found++
			}
			total++
		} else {
			inside--
		}
	}
	if total != want {
		t.Errorf("%d tasks ran, not %d", total, want)
	}
	return found
}

// TestTwoControllers runs the program twice at the same time against one host:
// what is exclusive there never overlaps, and other things do.
func TestTwoControllers(t *testing.T) {
	freshLab(t)
	for _, c := range []struct {
		hints    [2]string
		overlaps bool
	}{
		{[2]string{"HostExclusive(x)", "HostExclusive(x)"}, false},
		{[2]string{"HostExclusive(x)", "HostExclusive"}, false},
		{[2]string{"HostExclusive(x)", "HostExclusive(y)"}, true},
	} {
		t.Run(strings.Join(c.hints[:], " and "), func(t *testing.T) {
			var runs [2]*started
			for n := range runs {
				b := newBench(t, nil)
				runs[n] = b.start(b.play("host1", strings.Repeat(marking(c.hints[n]), 5)))
			}
			for _, s := range runs {
				if r, _ := s.end(); r.code != 0 {
					t.Errorf("exit code %d\n%s", r.code, r.out)
				}
			}
			if n := overlaps(t, 1, 10); n > 0 != c.overlaps {
				t.Errorf("%d overlaps", n)
			}
		})
	}
	clean(t)
}

// TestTwoNames runs one play on two inventory names of one machine.
func TestTwoNames(t *testing.T) {
	freshLab(t)
	l := labHosts(t)
	b := newBench(t, nil)
	text := fmt.Sprintf("one ansible_host=%[1]s\ntwo ansible_host=%[1]s\n[all:vars]\nansible_user=ops\nansible_ssh_private_key_file=%[2]s\nansible_ssh_common_args='-o UserKnownHostsFile=%[3]s'\n",
		l.Hosts()[0].Address, l.KeyFile(), l.KnownHosts())
	write(t, filepath.Join(b.dir, "hosts.ini"), text)
	for hint, overlap := range map[string]bool{"HostExclusive(x)": false, "": true} {
		tasks := strings.Repeat(marking(hint), 3)
		if r := run(t, b.dir, b.play("all", tasks)...); r.code != 0 {
			t.Fatalf("exit code %d\n%s", r.code, r.out)
		}
		n := overlaps(t, 1, 6)
		if n > 0 != overlap {
			t.Errorf("hint %q: %d overlaps", hint, n)
		}
	}
}
