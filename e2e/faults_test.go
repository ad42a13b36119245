//go:build lab

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bench is a folder with an inventory of the lab's hosts, host1 and so on.
type bench struct {
	t   *testing.T
	dir string
}

func newBench(t *testing.T, hostVars map[int]string) *bench {
	t.Helper()
	l := labHosts(t)
	if len(l.Hosts()) != 4 {
		t.Fatal("the lab has no four hosts")
	}
	b := &bench{t: t, dir: place(t)}
	var text strings.Builder
	for i, h := range l.Hosts() {
		fmt.Fprintf(&text, "%s ansible_host=%s %s\n", h.Name, h.Address, hostVars[i+1])
	}
	fmt.Fprintf(&text, "[all:vars]\nansible_user=ops\nansible_ssh_private_key_file=%s\nknown=%s\nansible_ssh_common_args=\"-o UserKnownHostsFile={{ known }}\"\nansible_python_interpreter=/usr/bin/python3\n", l.KeyFile(), l.KnownHosts())
	write(t, filepath.Join(b.dir, "hosts.ini"), text.String())
	write(t, filepath.Join(b.dir, "ansible.cfg"), settings)
	return b
}

// play writes tasks into a play for hosts, and gives the command that runs it.
func (b *bench) play(hosts, tasks string, args ...string) []string {
	b.t.Helper()
	write(b.t, filepath.Join(b.dir, "play.yml"), "- hosts: "+hosts+"\n  gather_facts: false\n  tasks:\n"+tasks)
	return append([]string{program(b.t), "play", "-i", "hosts.ini", "play.yml"}, args...)
}

// started is a run that goes on.
type started struct {
	t   *testing.T
	cmd *exec.Cmd
	out *bytes.Buffer
}

func (b *bench) start(argv []string) *started {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	s := &started{t: b.t, cmd: command(ctx, b.dir, argv...), out: &bytes.Buffer{}}
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(cancel)
	return s
}

func (s *started) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// end waits for the run's end and says how long that took.
func (s *started) end() (ran, time.Duration) {
	begin := time.Now()
	_ = s.cmd.Wait() // the status follows
	return ran{s.out.String(), s.cmd.ProcessState.ExitCode()}, time.Since(begin)
}

// await waits until a shell command succeeds on a host.
func await(t *testing.T, i int, script string) {
	t.Helper()
	var out string
	var err error
	for range 200 {
		if out, err = labHosts(t).Sh(i, script); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("on host %d: %s %v", i, out, err)
}

// clean checks that no agent and nothing of a task is left on any host.
func clean(t *testing.T) {
	t.Helper()
	for i := 1; i <= 4; i++ {
		await(t, i, `! pgrep -fa '[.]cache/tutti/|tutti-[a]gent|sleep [3]0[0-9]'`)
	}
}

func freshLab(t *testing.T) {
	t.Helper()
	if err := labHosts(t).Up(4); err != nil {
		t.Fatal(err)
	}
}

// TestFaults breaks host1 in many ways. In each the message is about host1,
// host2 goes on, and recap and exit code are right.
func TestFaults(t *testing.T) {
	freshLab(t)
	l := labHosts(t)
	known, err := os.ReadFile(l.KnownHosts())
	if err != nil {
		t.Fatal(err)
	}
	entries := strings.Fields(string(known)) // address, kind, key; of each host
	wrong := filepath.Join(place(t), "known")
	write(t, wrong, strings.Replace(string(known), entries[2], entries[5], 1))

	const hello = "    - command: echo hello\n      changed_when: false\n    - command: echo bye\n      changed_when: false\n"
	const lost, failed, fine = "host1 : ok=0 changed=0 unreachable=1 failed=0", "host1 : ok=0 changed=0 unreachable=0 failed=1", "host1 : ok=2 changed=0 unreachable=0 failed=0"
	for name, c := range map[string]struct {
		vars          string // of host1
		before, after string // on host1
		tasks         string
		says          []string
		recap         string // of host1, as it begins
		code          int
	}{
		"host is down":    {vars: "ansible_host=10.213.255.250 ansible_ssh_timeout=1", tasks: hello, says: []string{"[host1]: UNREACHABLE!", "10.213.255.250"}, recap: lost, code: 4},
		"nothing listens": {vars: "ansible_port=2222", tasks: hello, says: []string{"[host1]: UNREACHABLE!", "refused", "2222"}, recap: lost, code: 4},
		"no such name":    {vars: "ansible_host=nowhere.invalid", tasks: hello, says: []string{"[host1]: UNREACHABLE!", "nowhere.invalid"}, recap: lost, code: 4},
		"wrong host key":  {vars: "known=" + wrong, tasks: hello, says: []string{"[host1]: UNREACHABLE!", "Host key verification failed", wrong}, recap: lost, code: 4},
		"wrong login":     {vars: "ansible_user=nemo", tasks: hello, says: []string{"[host1]: UNREACHABLE!", "nemo"}, recap: lost, code: 4},
		"wrong sudo password": {
			vars: "ansible_user=pat ansible_become_password=sesame ansible_become=true", tasks: hello,
			says: []string{"[host1]: FAILED!", "Incorrect sudo password"}, recap: failed, code: 2,
		},
		"no sudo password": {vars: "ansible_user=pat ansible_become=true", tasks: hello, says: []string{"[host1]: FAILED!", "Missing sudo password"}, recap: failed, code: 2},
		"full disk": {
			before: "mkdir -p /srv/small && mount -t tmpfs -o size=256k,mode=1777 tmpfs /srv/small && echo old >/srv/small/file && chown ops /srv/small/file",
			tasks:  "    - file: {path: /srv/small, state: directory}\n      become: true\n      when: inventory_hostname == 'host2'\n    - copy: {src: big, dest: /srv/small/file}\n      become: true\n    - command: echo bye\n      changed_when: false\n",
			says:   []string{"[host1]: FAILED!", "no space left on device"}, recap: "host1 : ok=0 changed=0 unreachable=0 failed=1 skipped=1", code: 2,
			after: "test \"$(cat /srv/small/file)\" = old && test \"$(ls -A /srv/small)\" = file && umount /srv/small",
		},
		"noexec /tmp": {before: "mount -o remount,noexec /tmp", after: "mount -o remount,exec /tmp", tasks: hello, recap: fine},
		"noexec everywhere": {
			before: "rm -rf /home/ops/.cache; mount -t tmpfs -o noexec,mode=755,uid=$(id -u ops) tmpfs /home/ops && cp -r /root/.ssh /home/ops/ && chown -R ops /home/ops/.ssh && mount -t tmpfs -o noexec,mode=1777 tmpfs /var/tmp",
			after:  "umount /home/ops /var/tmp", tasks: hello, says: []string{"[host1]: UNREACHABLE!", "noexec", "/home/ops/.cache/tutti"}, recap: lost, code: 4,
		},
		"no shell":  {vars: "ansible_user=nosh", tasks: hello, says: []string{"[host1]: UNREACHABLE!", "shell"}, recap: lost, code: 4},
		"full home": {before: "rm -rf /home/ops/.cache /var/tmp/tutti-*; for d in /home/ops/.cache /var/tmp; do mkdir -p $d; mount -t tmpfs -o size=64k,mode=1777 tmpfs $d; done", after: "umount /home/ops/.cache /var/tmp", tasks: hello, says: []string{"[host1]: UNREACHABLE!", "No space left"}, recap: lost, code: 4},
		"module prints garbage": {
			tasks: "    - garbage:\n      when: inventory_hostname == 'host1'\n    - command: echo bye\n      changed_when: false\n",
			says:  []string{"[host1]: FAILED!", "MODULE FAILURE", "this is not JSON"}, recap: failed, code: 2,
		},
		"shell prints garbage": {
			before: "echo 'echo welcome to this machine; echo and good luck >&2' >/tmp/rc; cp /home/ops/.bashrc /home/ops/.bashrc.old; cat /tmp/rc /home/ops/.bashrc.old >/home/ops/.bashrc",
			after:  "mv /home/ops/.bashrc.old /home/ops/.bashrc", tasks: hello, recap: fine,
		},
		"undefined variable": {
			tasks: "    - command: echo {{ nothing }}\n      when: inventory_hostname == 'host1'\n    - command: echo bye\n      changed_when: false\n",
			says:  []string{"[host1]: FAILED!", "'nothing' is undefined", "play.yml': line 4"}, recap: failed, code: 2,
		},
		"missing file": {
			tasks: "    - copy: {src: not/there, dest: /tmp/x}\n      when: inventory_hostname == 'host1'\n    - command: echo bye\n      changed_when: false\n",
			says:  []string{"[host1]: FAILED!", "not/there"}, recap: failed, code: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, map[int]string{1: c.vars})
			write(t, filepath.Join(b.dir, "big"), strings.Repeat("0123456789abcdef", 1<<16))
			if err := os.Mkdir(filepath.Join(b.dir, "library"), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(b.dir, "library/garbage"), "#!/bin/sh\necho this is not JSON\n")
			if c.before != "" {
				sh(t, 1, c.before)
			}
			begin := time.Now()
			r := run(t, b.dir, b.play("host1:host2", c.tasks)...)
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
			if c.after != "" {
				sh(t, 1, c.after)
			}
			for _, s := range c.says {
				if !strings.Contains(r.out, s) {
					t.Errorf("it does not say %q", s)
				}
			}
			recap := r.recap()
			if !strings.HasPrefix(recap, c.recap) || !strings.Contains(recap, "\nhost2 : ") || !strings.Contains(strings.SplitN(recap, "\n", 2)[1], "unreachable=0 failed=0") || strings.Contains(recap, "host2 : ok=0") || r.code != c.code {
				t.Errorf("exit code %d, recap\n%s", r.code, recap)
			}
			if strings.Contains(r.out, "sesame") {
				t.Error("it shows the password")
			}
			if t.Failed() {
				t.Log(r.out)
			}
		})
	}
	clean(t)
}

// TestCut takes the connection from host1 in the middle of a task.
func TestCut(t *testing.T) {
	freshLab(t)
	l := labHosts(t)
	for name, c := range map[string]struct{ cut, mend func(t *testing.T) }{
		"sshd killed": {cut: func(t *testing.T) { sh(t, 1, "pkill -f '^sshd: [o]ps'") }, mend: func(*testing.T) {}},
		"cable pulled": {
			cut: func(t *testing.T) {
				if err := l.Cut(1); err != nil {
					t.Fatal(err)
				}
			},
			mend: func(t *testing.T) {
				if err := l.Mend(1); err != nil {
					t.Fatal(err)
				}
			},
		},
		"agent killed": {cut: func(t *testing.T) { sh(t, 1, `pkill -9 -f '[.]cache/tutti/'`) }, mend: func(*testing.T) {}},
	} {
		t.Run(name, func(t *testing.T) {
			sh(t, 1, "rm -f /tmp/mark")
			b := newBench(t, nil)
			s := b.start(b.play("host1:host2", "    - shell: touch /tmp/mark; sleep 302\n      when: inventory_hostname == 'host1'\n    - command: echo bye\n      changed_when: false\n"))
			await(t, 1, "test -e /tmp/mark")
			c.cut(t)
			r, took := s.end()
			c.mend(t)
			if took > 40*time.Second {
				t.Errorf("noticed after %v", took)
			}
			recap := r.recap()
			if r.code != 4 || !strings.HasPrefix(recap, "host1 : ok=0 changed=0 unreachable=1 failed=0") || !strings.Contains(recap, "host2 : ok=1 changed=0 unreachable=0 failed=0") ||
				!strings.Contains(r.out, "[host1]: UNREACHABLE!") || !strings.Contains(r.out, "lost the connection to host1") {
				t.Errorf("exit code %d, after %v:\n%s", r.code, took, r.out)
			}
			if name == "agent killed" {
				sh(t, 1, "pkill -f 'sleep [3]02' || true") // nobody was left to end it
			}
			for range 10 { // a host that heard nothing gives up a little later
				if out, err := l.Sh(1, `! pgrep -fa '[.]cache/tutti/|sleep [3]02'`); err == nil || out == "" {
					break
				}
				time.Sleep(5 * time.Second)
			}
			clean(t)
		})
	}
}

const longTask = "    - shell: echo x >/tmp/mark; sleep 300 & sleep 301; wait\n    - command: echo never\n"

// TestInterrupt presses Ctrl-C once and twice, and kills the controller.
func TestInterrupt(t *testing.T) {
	freshLab(t)
	for name, c := range map[string]struct {
		signals []os.Signal
		code    int
		recap   bool
	}{
		"Ctrl-C":       {[]os.Signal{os.Interrupt}, 99, true},
		"Ctrl-C twice": {[]os.Signal{os.Interrupt, os.Interrupt}, 99, false},
		"terminated":   {[]os.Signal{syscall.SIGTERM}, 99, true},
		"killed":       {[]os.Signal{syscall.SIGKILL}, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			for i := 1; i <= 4; i++ {
				sh(t, i, "rm -f /tmp/mark")
			}
			s := b.start(b.play("all", "    - command: echo first\n      changed_when: false\n"+longTask, "--become"))
			for i := 1; i <= 4; i++ {
				await(t, i, "test -e /tmp/mark")
			}
			for _, sig := range c.signals {
				s.signal(sig)
				time.Sleep(10 * time.Millisecond)
			}
			r, took := s.end()
			if r.code != c.code || took > 5*time.Second {
				t.Errorf("exit code %d after %v:\n%s", r.code, took, r.out)
			}
			if recap := r.recap(); c.recap && strings.Count(recap, "ok=1 changed=0 unreachable=0 failed=0") != 4 {
				t.Errorf("recap %q in\n%s", recap, r.out)
			}
			if strings.Contains(r.out, "[command]\nok") && strings.Contains(r.out, "never") {
				t.Errorf("a task began after the interruption:\n%s", r.out)
			}
			clean(t)
		})
	}
}

// TestNothingHalf kills the controller while it sends files: each file is the
// old one or the new one, and nothing else is there.
func TestNothingHalf(t *testing.T) {
	freshLab(t)
	b := newBench(t, nil)
	const size = 96 << 20
	big := make([]byte, size)
	for i := range big {
		big[i] = byte(i * (i >> 7)) // not easy to compress
	}
	if err := os.WriteFile(filepath.Join(b.dir, "big"), big, 0o600); err != nil {
		t.Fatal(err)
	}
	caught := 0
	for round, delay := range []time.Duration{0, 20, 60, 150, 300} {
		sh(t, 1, "rm -rf /srv/big && mkdir -m 777 /srv/big && echo old >/srv/big/file && chmod 666 /srv/big/file")
		s := b.start(b.play("host1", "    - copy: {src: big, dest: /srv/big/file}\n"))
		await(t, 1, `pgrep -f '[.]cache/tutti/' >/dev/null`)
		time.Sleep(delay * time.Millisecond)
		s.signal(syscall.SIGKILL)
		_, _ = s.end()
		clean(t)
		switch out := sh(t, 1, "cd /srv/big; ls -A; stat -c %s file; cat /home/ops/.ansible/tmp/* 2>/dev/null | head -c 10"); out {
		case "file\n4\n":
			caught++
		case fmt.Sprintf("file\n%d\n", size):
		default:
			t.Errorf("round %d: %s", round, out)
		}
	}
	if caught == 0 {
		t.Error("the controller was never killed before the file was there: the test shows nothing")
	}
}

// TestUsersComeAndGo removes users as whom tasks ran: no process of ours is in
// the way, of the user module at once, of other programs a little later.
func TestUsersComeAndGo(t *testing.T) {
	freshLab(t)
	for _, login := range []string{"ops", "root"} { // with sudo, and without
		b := newBench(t, map[int]string{1: "ansible_user=" + login})
		r := run(t, b.dir, b.play("host1", `    - user: {name: guest}
    - command: id -un
      become_user: guest
    - user: {name: guest, state: absent, remove: true}
    - user: {name: guest}
    - command: id -un
      become_user: guest
    - command: sleep 4
    - command: userdel -r guest
`, "--become")...)
		if r.code != 0 || !strings.HasPrefix(r.recap(), "host1 : ok=7 changed=7 ") {
			t.Errorf("as %s: exit code %d\n%s", login, r.code, r.out)
		}
	}
	clean(t)
}
