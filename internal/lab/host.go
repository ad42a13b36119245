package lab

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The words by which the program is run again.
const (
	initName  = "tutti-lab-init"
	proxyName = "tutti-lab-proxy"
)

// Init becomes a host or a proxy if the program was started as one. Otherwise
// it returns.
func Init() {
	var err error
	switch os.Args[0] {
	case initName:
		err = hostMain()
	case proxyName:
		err = proxyMain()
	default:
		return
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(1)
}

// boot is what a host's first process is told.
type boot struct {
	Base, Dir string // lower and upper directories
	Name      string
	Address   string
	Gateway   string
}

func (l *Lab) hostDir(h Host) string { return filepath.Join(l.Dir, "hosts", fmt.Sprint(h.Index)) }

// start boots a host and waits until its sshd answers.
func (l *Lab) start(h *Host) error {
	dir := l.hostDir(*h)
	if err := l.prepare(h, dir); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "console"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{initName}, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, Dir: "/", Stdout: log, Stderr: log}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET,
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start %s: %w", h.Name, err)
	}
	// The host is to outlive us; while we are here, we collect it.
	go func() { _ = cmd.Wait() }()
	h.Init = process{PID: cmd.Process.Pid, Start: startOf(cmd.Process.Pid)}
	if err := l.plug(h, cmd.Process.Pid); err != nil {
		h.Init.kill()
		return err
	}
	message, err := json.Marshal(boot{Base: l.base(), Dir: dir, Name: h.Name, Address: h.Address, Gateway: fmt.Sprintf("10.213.%d.1", l.state.Subnet)})
	if err != nil {
		return err
	}
	if _, err := in.Write(append(message, '\n')); err != nil {
		return err
	}
	if err := in.Close(); err != nil {
		return err
	}
	return waitSSH(h, log.Name())
}

func waitSSH(h *Host, console string) error {
	var last error
	for range 200 {
		if last = greeted(h.Address + ":22"); last == nil {
			return nil
		}
		if !h.Init.alive() {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	said, _ := os.ReadFile(console)
	return fmt.Errorf("%s does not come up: %w\n%s", h.Name, last, said)
}

// prepare writes what is a host's own.
func (l *Lab) prepare(h *Host, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "host_key.pub")); err == nil {
		return nil // a restart
	}
	etc := filepath.Join(dir, "upper", "etc")
	for _, d := range []string{filepath.Join(etc, "ssh"), filepath.Join(dir, "work"), filepath.Join(dir, "root")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	private, public, err := newKey()
	if err != nil {
		return err
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	hosts := "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
	for i := range l.state.Hosts {
		other := &l.state.Hosts[i] // not a copy: others are being started
		hosts += other.Address + " " + other.Name + "\n"
	}
	write := func(path, text string, mode os.FileMode) error { return os.WriteFile(path, []byte(text), mode) }
	return errors.Join(
		write(filepath.Join(etc, "hostname"), h.Name+"\n", 0o644),
		write(filepath.Join(etc, "hosts"), hosts, 0o644),
		write(filepath.Join(etc, "machine-id"), hex.EncodeToString(id)+"\n", 0o444),
		write(filepath.Join(etc, "ssh/ssh_host_ed25519_key"), string(private), 0o600),
		write(filepath.Join(etc, "ssh/ssh_host_ed25519_key.pub"), string(public), 0o644),
		write(filepath.Join(dir, "host_key.pub"), string(public), 0o644))
}

// hostMain is the first process of a host.
func hostMain() error {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	var b boot
	if err := json.Unmarshal([]byte(line), &b); err != nil {
		return err
	}
	if err := b.enter(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(b.Name)); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"addr", "add", b.Address + "/24", "dev", "eth0"},
		{"link", "set", "eth0", "up"},
		{"route", "add", "default", "via", b.Gateway},
	} {
		if err := run("/usr/sbin/ip", args...); err != nil {
			return err
		}
	}
	sshd := exec.Command("/usr/sbin/sshd", "-D", "-E", "/var/log/sshd.log")
	sshd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	sshd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := sshd.Start(); err != nil {
		return err
	}
	return reap()
}

// reap collects what ends, for ever: a host's first process is the parent of
// every process that lost its own.
func reap() error {
	for {
		_, err := unix.Wait4(-1, nil, 0, nil)
		if errors.Is(err, unix.ECHILD) {
			time.Sleep(50 * time.Millisecond)
		} else if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// enter makes the host's root and moves into it. All mounts are in the host's
// own namespace and go with it.
func (b *boot) enter() error {
	root := filepath.Join(b.Dir, "root")
	mounts := []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE, ""},
		{"overlay", root, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", b.Base, b.Dir, b.Dir)},
		{"proc", root + "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"sysfs", root + "/sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY, ""},
		// Not the machine's devtmpfs: whatever is changed there is changed for all.
		{"tmpfs", root + "/dev", "tmpfs", unix.MS_NOSUID, "mode=755,size=64k"},
		{"tmpfs", root + "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=755"},
		{"tmpfs", root + "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	}
	for _, m := range mounts {
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("cannot mount %s: %w", m.target, err)
		}
	}
	if err := devices(root + "/dev"); err != nil {
		return err
	}
	for _, d := range []struct {
		path string
		mode os.FileMode
	}{{"/run/sshd", 0o755}, {"/run/lock", 0o777 | os.ModeSticky}, {"/old", 0o700}} {
		if err := os.MkdirAll(root+d.path, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(root+d.path, d.mode); err != nil {
			return err
		}
	}
	if err := unix.PivotRoot(root, root+"/old"); err != nil {
		return fmt.Errorf("cannot enter the host's root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/old", unix.MNT_DETACH); err != nil {
		return err
	}
	return os.Remove("/old")
}

// devices fills a host's own /dev.
func devices(dev string) error {
	unix.Umask(0)
	defer unix.Umask(0o022)
	for _, d := range []struct {
		name         string
		major, minor uint32
	}{{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}} {
		if err := unix.Mknod(filepath.Join(dev, d.name), unix.S_IFCHR|0o666, int(unix.Mkdev(d.major, d.minor))); err != nil {
			return fmt.Errorf("cannot make /dev/%s: %w", d.name, err)
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	for _, m := range []struct{ name, kind, data string }{
		{"pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5"}, {"shm", "tmpfs", "mode=1777"},
	} {
		path := filepath.Join(dev, m.name)
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, path, m.kind, unix.MS_NOSUID|unix.MS_NOEXEC, m.data); err != nil {
			return fmt.Errorf("cannot mount %s: %w", path, err)
		}
	}
	return nil
}

// copyFile copies one file of the machine into the base.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
