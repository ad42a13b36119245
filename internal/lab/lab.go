// Package lab makes throwaway Debian hosts on one Linux machine, with real
// sshd, sudo, apt and users: for tests of what only real hosts show, and for
// trying playbooks out.
//
// A host is a process tree of its own (network, process, mount, host name and
// IPC namespaces) on an overlay over one Debian root that all hosts share. It
// needs root; what else it needs, it installs. Hosts share the machine's kernel
// and time, nothing else: not its devices, not its network.
//
// A program that uses the package calls Init first of all: hosts are started by
// running the same program again. Begin with Open and Lab.Up.
package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// DefaultDir is where labs are kept; $TUTTI_LAB_DIR overrides it.
const DefaultDir = "/var/lib/tutti-lab"

// Lab is a set of hosts. Its methods must not be called at the same time.
type Lab struct {
	Dir  string // of this lab: keys, inventory, hosts
	Name string

	root  string // what labs share: the bases
	state state
}

// state is what outlives the program, in lab.json.
type state struct {
	Recipe string // names the base that hosts stand on
	Subnet int    // the third number of the addresses, 10.213.x
	Hosts  []Host
	Proxy  process // of Delay
	Delay  int     // milliseconds
}

// Host is one host of a lab.
type Host struct {
	Index   int // from 1
	Name    string
	Address string
	Init    process
}

// process names a process for certain: numbers are used again.
type process struct {
	PID   int
	Start string // start time, from /proc
}

// Open opens a lab by its name, which need not exist yet; "" is the usual one.
func Open(name string) (*Lab, error) {
	root := os.Getenv("TUTTI_LAB_DIR")
	if root == "" {
		root = DefaultDir
	}
	if name == "" {
		name = "lab"
	}
	l := &Lab{root: root, Name: name, Dir: filepath.Join(root, "labs", name)}
	data, err := os.ReadFile(filepath.Join(l.Dir, "lab.json"))
	if errors.Is(err, os.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	return l, json.Unmarshal(data, &l.state)
}

func (l *Lab) save() error {
	data, err := json.MarshalIndent(l.state, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.Dir, "lab.json"), data, 0o600)
}

// Hosts lists the hosts that are up.
func (l *Lab) Hosts() []Host { return l.state.Hosts }

// Host returns host number i, counted from 1.
func (l *Lab) Host(i int) (Host, error) {
	if i < 1 || i > len(l.state.Hosts) {
		return Host{}, fmt.Errorf("there is no host %d: the lab has %d", i, len(l.state.Hosts))
	}
	return l.state.Hosts[i-1], nil
}

// KeyFile, KnownHosts and Inventory are files for those who use the lab.
func (l *Lab) KeyFile() string    { return filepath.Join(l.root, "id_ed25519") }
func (l *Lab) KnownHosts() string { return filepath.Join(l.Dir, "known_hosts") }
func (l *Lab) Inventory() string  { return filepath.Join(l.Dir, "hosts.ini") }

// Up takes down what there is and starts n hosts. The first lab of a machine
// builds the base, which takes a minute or two.
func (l *Lab) Up(n int) error {
	if os.Geteuid() != 0 {
		return errors.New("the lab needs root, to make namespaces and mounts")
	}
	if n < 1 || n > 200 {
		return fmt.Errorf("a lab has 1 to 200 hosts, not %d", n)
	}
	if err := l.Down(); err != nil {
		return err
	}
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return err
	}
	if err := l.makeKey(); err != nil {
		return err
	}
	if err := l.makeBase(); err != nil {
		return fmt.Errorf("cannot build the base of the lab: %w", err)
	}
	if err := l.makeBridge(); err != nil {
		return err
	}
	hosts := make([]Host, n)
	for i := range hosts {
		hosts[i] = Host{Index: i + 1, Name: fmt.Sprintf("host%d", i+1), Address: fmt.Sprintf("10.213.%d.%d", l.state.Subnet, i+11)}
	}
	l.state.Hosts = hosts
	failures := make([]error, n)
	limit := make(chan struct{}, 4)
	var starting sync.WaitGroup
	for i := range hosts {
		starting.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			failures[i] = l.start(&hosts[i])
		})
	}
	starting.Wait()
	err := errors.Join(append(failures, l.save(), l.writeFiles())...)
	if err != nil {
		return errors.Join(err, l.Down())
	}
	return nil
}

// Down ends the hosts and leaves nothing of the lab but the base.
func (l *Lab) Down() error {
	l.state.Proxy.kill()
	for _, h := range l.state.Hosts {
		h.Init.kill()
	}
	for _, h := range l.state.Hosts {
		h.Init.wait()
	}
	if l.state.Subnet != 0 {
		_ = exec.Command("ip", "link", "del", l.bridge()).Run()
	}
	l.state = state{}
	return os.RemoveAll(l.Dir)
}

// Restart boots a host anew, on the same disk.
func (l *Lab) Restart(i int) error {
	h, err := l.Host(i)
	if err != nil {
		return err
	}
	h.Init.kill()
	h.Init.wait()
	if err := l.start(&h); err != nil {
		return err
	}
	l.state.Hosts[i-1] = h
	return l.save()
}

// Cut takes the network from a host, as if its cable were pulled; Mend gives it
// back.
func (l *Lab) Cut(i int) error  { return l.link(i, "down") }
func (l *Lab) Mend(i int) error { return l.link(i, "up") }

// Command returns a command inside a host, as root.
func (l *Lab) Command(i int, argv ...string) (*exec.Cmd, error) {
	h, err := l.Host(i)
	if err != nil {
		return nil, err
	}
	if !h.Init.alive() {
		return nil, fmt.Errorf("%s is not running", h.Name)
	}
	args := append([]string{"-t", strconv.Itoa(h.Init.PID), "-m", "-u", "-i", "-n", "-p", "-r", "-w", "--"}, argv...)
	cmd := exec.Command("nsenter", args...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=" + os.Getenv("TERM")}
	return cmd, nil
}

// Sh runs a shell command inside a host, as root, and returns what it prints.
func (l *Lab) Sh(i int, script string) (string, error) {
	cmd, err := l.Command(i, "/bin/sh", "-c", script)
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w: %s", script, err, out)
	}
	return string(out), nil
}

func startOf(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name, in brackets, may hold anything; the start time is the 22nd field.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}

func (p process) alive() bool { return p.PID > 0 && startOf(p.PID) == p.Start && p.Start != "" }

func (p process) kill() {
	if p.alive() {
		_ = syscall.Kill(p.PID, syscall.SIGKILL)
	}
}

func (p process) wait() {
	for range 500 {
		if !p.alive() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// makeKey makes the key pair that opens every host.
func (l *Lab) makeKey() error {
	if _, err := os.Stat(l.KeyFile()); err == nil {
		return nil
	}
	private, public, err := newKey()
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.KeyFile(), private, 0o600); err != nil {
		return err
	}
	return os.WriteFile(l.KeyFile()+".pub", public, 0o644)
}

func newKey() (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "tutti lab")
	if err != nil {
		return nil, nil, err
	}
	line, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(block), ssh.MarshalAuthorizedKey(line), nil
}

// writeFiles writes the inventory and the hosts' keys.
func (l *Lab) writeFiles() error {
	var inventory, known strings.Builder
	inventory.WriteString("[lab]\n")
	for _, h := range l.state.Hosts {
		address, port := l.reach(h)
		fmt.Fprintf(&inventory, "%s ansible_host=%s ansible_port=%d\n", h.Name, address, port)
		public, err := os.ReadFile(filepath.Join(l.hostDir(h), "host_key.pub"))
		if err != nil {
			return err
		}
		fmt.Fprintf(&known, "%s %s", h.Address, public)
		if port != 22 {
			fmt.Fprintf(&known, "[%s]:%d %s", address, port, public)
		}
	}
	fmt.Fprintf(&inventory, "\n[lab:vars]\nansible_user=ops\nansible_ssh_private_key_file=%s\n"+
		"ansible_ssh_common_args='-o UserKnownHostsFile=%s'\nansible_python_interpreter=/usr/bin/python3\n", l.KeyFile(), l.KnownHosts())
	return errors.Join(
		os.WriteFile(l.Inventory(), []byte(inventory.String()), 0o644),
		os.WriteFile(l.KnownHosts(), []byte(known.String()), 0o644))
}
