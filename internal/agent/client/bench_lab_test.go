//go:build lab && embedagents

package client

import (
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/agent/embedded"
	"github.com/tutti-run/tutti/internal/lab"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/transport/all"
	"github.com/tutti-run/tutti/internal/value"
)

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestMeasure prints what connecting and calling cost on ten hosts, beside ssh.
// It fails only if something does not work: speed depends on the machine.
func TestMeasure(t *testing.T) {
	l, err := lab.Open("measure")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Up(10); err != nil {
		t.Fatal(err)
	}
	defer l.Down()
	configs := make([]transport.Config, 10)
	for i, h := range l.Hosts() {
		configs[i] = transport.Config{Kind: "ssh", Host: h.Name, Address: h.Address, User: "ops", KeyFile: l.KeyFile(), KnownHosts: l.KnownHosts(), SSHCommonArgs: "-F none"}
	}
	ping := &module.Call{Module: "ansible.builtin.ping", Args: value.NewMap(0)}
	side := func(what string, f func(i int) error) {
		t.Helper()
		begin, used := time.Now(), cpu()
		var work sync.WaitGroup
		for i := range configs {
			work.Go(func() {
				if err := f(i); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		t.Logf("%-45s %8.1f ms, controller CPU %6.1f ms", what, time.Since(begin).Seconds()*1000, (cpu()-used).Seconds()*1000)
	}
	var p *Pool
	fresh := func() {
		if p != nil {
			p.Close()
		}
		p = NewPool(Options{Dialers: all.Dialers(), Agents: embedded.Builtin()})
	}
	tasks := func(b *Become, n int) func(int) error {
		return func(i int) error {
			for range n {
				r, err := p.Target(configs[i], b).Do(t.Context(), ping)
				if err != nil {
					return err
				}
				if r.Failed {
					return fmt.Errorf("%s", r.Msg)
				}
			}
			return nil
		}
	}
	side("ssh host true (warm-up)", func(i int) error { return sshTrue(l, configs[i]) })
	side("ssh host true", func(i int) error { return sshTrue(l, configs[i]) })
	fresh()
	side("first deploy and a call", tasks(nil, 1))
	fresh()
	side("connect, cached agent, and a call", tasks(nil, 1))
	fresh()
	side("connect, cached agent, and 10 calls", tasks(nil, 10))
	side("100 more calls", tasks(nil, 100))
	side("become (sudo), first deploy, and a call", tasks(&Become{}, 1))
	fresh()
	side("connect, become (sudo), cached, and a call", tasks(&Become{}, 1))
	begin := time.Now()
	p.Close()
	t.Logf("%-45s %8.1f ms", "close", time.Since(begin).Seconds()*1000)
}

func sshTrue(l *lab.Lab, c transport.Config) error {
	out, err := exec.Command("ssh", "-F", "none", "-o", "BatchMode=yes", "-i", c.KeyFile, "-o", "UserKnownHostsFile="+c.KnownHosts, "ops@"+c.Address, "true").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
