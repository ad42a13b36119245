package service

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module/tool"
)

// enable makes the service start with the machine, or not, and reports whether
// anything had to change.
func (t *task) enable(want bool) (changed bool, err error) {
	switch {
	case t.openrc:
		return t.enableOpenRC(want)
	case tool.Find(t.env, "update-rc.d") != "":
		return t.enableLinks(want)
	case tool.Find(t.env, "chkconfig") != "":
		return t.enableChkconfig(want)
	}
	return false, fmt.Errorf("cannot detect command to enable service %s, typo or init system potentially unknown", t.name)
}

func (t *task) tool(argv ...string) error {
	if t.env.Check {
		return nil
	}
	out, err := tool.Run(t.ctx, t.env, argv...)
	if err == nil && out.RC != 0 {
		msg := out.Stderr
		if msg == "" {
			msg = out.Stdout
		}
		switch argv[0] {
		case "rc-update":
			msg = fmt.Sprintf("Error when trying to %s %s: rc=%d %s", argv[1], t.name, out.RC, msg)
		case "chkconfig":
			msg = fmt.Sprintf("Error when trying to %s %s: rc=%d %s", argv[len(argv)-1], t.name, out.RC, msg)
		}
		err = errors.New(msg)
	}
	return err
}

func (t *task) links(kind string) []string {
	found, _ := filepath.Glob("/etc/rc?.d/" + kind + "??" + t.name) // a name holds no slash; an odd one matches nothing
	return found
}

// enableLinks is for the links below /etc/rc?.d, as Debian keeps them.
func (t *task) enableLinks(want bool) (bool, error) {
	if want == (len(t.links("S")) > 0) {
		return false, nil
	}
	if !want {
		return true, t.tool("update-rc.d", t.name, "disable")
	}
	if len(t.links("K")) == 0 { // never installed
		if err := t.tool("update-rc.d", t.name, "defaults"); err != nil {
			return true, err
		}
	}
	return true, t.tool("update-rc.d", t.name, "enable")
}

func (t *task) enableChkconfig(want bool) (bool, error) {
	action := map[bool]string{true: "on", false: "off"}[want]
	out, err := tool.Run(t.ctx, t.env, "chkconfig", "--list", t.name)
	if err != nil {
		return false, err
	}
	if strings.Contains(out.Stdout, "3:"+action) && strings.Contains(out.Stdout, "5:"+action) {
		return false, nil
	}
	if !strings.Contains(out.Stdout, t.name) {
		if err := t.tool("chkconfig", "--add", t.name); err != nil {
			return false, err
		}
	}
	return true, t.tool("chkconfig", t.name, action)
}

func (t *task) enableOpenRC(want bool) (bool, error) {
	level := t.args.String("runlevel")
	out, err := tool.Run(t.ctx, t.env, "rc-update", "show")
	if err != nil {
		return false, err
	}
	enabled := false
	for line := range strings.Lines(out.Stdout) {
		name, levels, ok := strings.Cut(line, "|")
		if ok && strings.TrimSpace(name) == t.name {
			enabled = slices.Contains(strings.Fields(levels), level)
		}
	}
	if enabled == want {
		return false, nil
	}
	return true, t.tool("rc-update", map[bool]string{true: "add", false: "delete"}[want], t.name, level)
}
