package hostname

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
)

// keeper is how a machine holds its name: the one that it has now, and the one
// that it will have after its next start.
type keeper struct {
	now, kept func() (string, error)
	set, keep func(name string) error
	keepFirst bool
}

// keeper is the one that use names, or else the one that fits the machine.
func (t *task) keeper() (keeper, error) {
	use := t.use
	if use == "" {
		use = t.detect()
	}
	switch use {
	case "systemd", "debian":
		return t.hostnamectl(), nil
	case "file":
		return t.file("etc/hostname"), nil
	case "sles":
		return t.file("etc/HOSTNAME"), nil
	case "openbsd":
		return t.file("etc/myname"), nil
	case "alpine":
		k := t.file("etc/hostname")
		k.set = t.hostname
		return k, nil
	case "generic":
		k := t.file("etc/hostname")
		k.now, k.set = os.Hostname, t.hostname
		return k, nil
	case "redhat":
		return t.lines("etc/sysconfig/network", "HOSTNAME", ""), nil
	case "openrc":
		return t.lines("etc/conf.d/hostname", "hostname", `"`), nil
	case "freebsd":
		k := t.lines("etc/rc.conf.d/hostname", "hostname", `"`)
		k.now, k.set = os.Hostname, t.hostname
		return k, nil
	}
	return keeper{}, fmt.Errorf("hostname module cannot be used on platform Linux with use: %s", use)
}

// detect finds out what keeps this machine's name.
func (t *task) detect() string {
	if files.Exists(t.path("run/systemd/system")) {
		return "systemd"
	}
	release, err := os.ReadFile(t.path("etc/os-release"))
	if err != nil {
		return "file"
	}
	var ids []string
	for line := range strings.Lines(string(release)) {
		if key, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && (key == "ID" || key == "ID_LIKE") {
			ids = append(ids, strings.Fields(strings.Trim(v, `"'`))...)
		}
	}
	for _, family := range []struct{ id, use string }{
		{"alpine", "alpine"}, {"gentoo", "openrc"}, {"sles", "sles"}, {"rhel", "redhat"}, {"fedora", "redhat"}, {"altlinux", "redhat"},
	} {
		if slices.Contains(ids, family.id) {
			return family.use
		}
	}
	return "file"
}

func (t *task) path(name string) string { return filepath.Join(t.root, name) }

// command runs a program and returns what it says.
func (t *task) command(argv ...string) (string, error) {
	if _, err := tool.Require(t.env, argv[0]); err != nil {
		return "", err
	}
	out, err := tool.Run(t.ctx, t.env, argv...)
	if err == nil && out.RC != 0 {
		err = fmt.Errorf("Command failed rc=%d, out=%s, err=%s", out.RC, out.Stdout, out.Stderr)
	}
	return strings.TrimSpace(out.Stdout), err
}

func (t *task) hostname(name string) error {
	_, err := t.command("hostname", name)
	return err
}

func (t *task) hostnamectl() keeper {
	get := func(kind string) func() (string, error) {
		return func() (string, error) { return t.command("hostnamectl", kind, "status") }
	}
	return keeper{
		keepFirst: true, // else NetworkManager complains
		now:       get("--transient"), kept: get("--static"),
		set: func(name string) error {
			_, err := t.command("hostnamectl", "--transient", "set-hostname", name)
			return err
		},
		keep: func(name string) error {
			_, err := t.command("hostnamectl", "--pretty", "--static", "set-hostname", name)
			return err
		},
	}
}

// file is a keeper in whose file there is nothing but the name. What the machine
// is called until its next start is left alone.
func (t *task) file(name string) keeper {
	get := func() (string, error) {
		text, err := t.read(name)
		return strings.TrimSpace(text), err
	}
	return keeper{now: get, kept: get, set: func(string) error { return nil },
		keep: func(host string) error { return t.write(name, host+"\n") }}
}

// lines is a keeper in whose file one line holds the name.
func (t *task) lines(name, key, quote string) keeper {
	get := func() (string, error) {
		text, err := t.read(name)
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(text) {
			if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.TrimSpace(k) == key {
				return strings.Trim(strings.TrimSpace(v), `"`), nil
			}
		}
		if quote == "" {
			return "", fmt.Errorf("Unable to locate %s entry in /%s", key, name)
		}
		return "", nil
	}
	keep := func(host string) error {
		text, err := t.read(name)
		if err != nil {
			return err
		}
		var out strings.Builder
		fresh, found := key+"="+quote+host+quote+"\n", false
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), key) {
				line, found = fresh, true
			}
			out.WriteString(line)
		}
		if !found {
			out.WriteString(fresh)
		}
		return t.write(name, out.String())
	}
	return keeper{now: get, kept: get, set: func(string) error { return nil }, keep: keep}
}

func (t *task) read(name string) (string, error) {
	data, err := os.ReadFile(t.path(name))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("failed to read hostname: %w", err)
	}
	return string(data), nil
}

func (t *task) write(name, text string) error {
	if _, err := (files.Replacement{Path: t.path(name), Unsafe: true}).Write(t.ctx, strings.NewReader(text)); err != nil {
		return fmt.Errorf("failed to update hostname: %w", err)
	}
	return nil
}
