//go:build lab

package lab

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Init()
	os.Exit(m.Run())
}

// links are the numbers of a lab's links. Others may come and go meanwhile, even
// under the same names.
func links(t *testing.T, bridge string) map[string]bool {
	t.Helper()
	out, err := exec.Command("ip", "-o", "link").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		number, name, _ := strings.Cut(line, ": ")
		if name, _, _ = strings.Cut(name, ":"); bridge == "" || name == bridge || strings.HasPrefix(name, bridge+"-") {
			found[number] = true
		}
	}
	return found
}

// traces is what a lab has left on the machine.
func traces(t *testing.T, dir string, ours map[string]bool) []string {
	t.Helper()
	var left []string
	for number := range links(t, "") {
		if ours[number] {
			left = append(left, "link "+number)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir+"/") {
			left = append(left, line)
		}
	}
	return left
}

func TestLab(t *testing.T) {
	l, err := Open("self-test")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Up(1); err != nil { // the base may have to be built
		t.Fatal(err)
	}
	if err := l.Down(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := l.Up(20); err != nil {
		t.Fatal(err)
	}
	t.Logf("20 hosts after %v", time.Since(begin))
	hosts := append([]Host{}, l.Hosts()...)
	ours := links(t, l.bridge())
	if len(ours) <= len(hosts) {
		t.Errorf("%d links for %d hosts", len(ours), len(hosts))
	}
	t.Cleanup(func() {
		if err := l.Down(); err != nil {
			t.Error(err)
		}
		for _, h := range hosts {
			if h.Init.alive() {
				t.Errorf("%s still runs", h.Name)
			}
		}
		// The kernel takes a network down a moment after its last process.
		left := traces(t, l.Dir, ours)
		for range 50 {
			if left == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
			left = traces(t, l.Dir, ours)
		}
		if left != nil {
			t.Errorf("the lab has left %s", left)
		}
		if _, err := os.Stat(l.Dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there", l.Dir)
		}
	})

	t.Run("hosts differ", func(t *testing.T) {
		seen := map[string]bool{}
		for i := 1; i <= 3; i++ {
			out := must(t, l, i, "hostname; cat /etc/machine-id; ls /dev | wc -l; test -e /dev/vda && echo disk; ls /proc | grep -c '^[0-9]'")
			lines := strings.Split(out, "\n")
			if lines[0] != fmt.Sprintf("host%d", i) || seen[lines[1]] || len(lines[1]) != 32 || strings.Contains(out, "disk") {
				t.Errorf("%q", out)
			}
			seen[lines[1]] = true
		}
	})
	t.Run("apt", func(t *testing.T) {
		must(t, l, 1, "apt-get -qy install tutti-greet=1.0 tutti-hello=1.0 && test \"$(tutti-hello)\" = 'hello 1.0' && apt-get -qy install tutti-hello && test \"$(tutti-hello)\" = 'hello 2.0'")
		if out := must(t, l, 2, "dpkg -l | grep -c tutti || true"); out != "0\n" {
			t.Errorf("host2 has host1's packages: %s", out)
		}
	})
	t.Run("cut, mend and restart", func(t *testing.T) {
		address := hosts[1].Address + ":22"
		if err := l.Cut(2); err != nil {
			t.Fatal(err)
		}
		if conn, err := net.DialTimeout("tcp", address, 300*time.Millisecond); err == nil {
			_ = conn.Close()
			t.Error("a host without a network answers")
		}
		if err := l.Mend(2); err != nil {
			t.Fatal(err)
		}
		must(t, l, 2, "touch /kept")
		if err := l.Restart(2); err != nil {
			t.Fatal(err)
		}
		must(t, l, 2, "test -e /kept")
		if err := greeted(address); err != nil {
			t.Error(err)
		}
	})
	t.Run("delay", func(t *testing.T) {
		if err := l.Delay(60); err != nil {
			t.Fatal(err)
		}
		address, port := l.Reach(l.Hosts()[0])
		begin := time.Now()
		if err := greeted(fmt.Sprintf("%s:%d", address, port)); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took < 60*time.Millisecond {
			t.Errorf("a far host answers after %v", took)
		}
		if err := l.Delay(0); err != nil {
			t.Fatal(err)
		}
	})
}

func must(t *testing.T, l *Lab, i int, script string) string {
	t.Helper()
	out, err := l.Sh(i, script)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRefusals(t *testing.T) {
	l, err := Open("self-test-2")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, -1, 201} {
		if err := l.Up(n); err == nil {
			t.Errorf("a lab of %d hosts", n)
		}
	}
	if _, err := l.Command(1, "true"); err == nil {
		t.Error("a command on a host that is not there")
	}
}
