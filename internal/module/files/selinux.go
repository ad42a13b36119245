package files

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module/process"
)

// Context is an SELinux context: user, role, type, level. Empty parts ask for
// nothing; "_default" asks for the policy's.
type Context [4]string

func (c Context) String() string { return strings.TrimSuffix(strings.Join(c[:], ":"), ":") }

func parseContext(s string) Context {
	var c Context
	copy(c[:], strings.SplitN(s, ":", 4))
	return c
}

var seLinuxEnabled = sync.OnceValue(func() bool {
	_, err := os.Stat("/sys/fs/selinux/enforce")
	return err == nil
})

const seAttr = "security.selinux"

func seContext(path string) (Context, error) {
	buf := make([]byte, 512)
	n, err := unix.Lgetxattr(path, seAttr, buf)
	if err != nil {
		return Context{}, fmt.Errorf("failed to retrieve selinux context of %s: %w", path, err)
	}
	return parseContext(strings.TrimRight(string(buf[:n]), "\x00")), nil
}

// seDefault asks the policy for the context of path.
func seDefault(path string) (Context, error) {
	out, err := process.Run(context.Background(), process.Cmd{Argv: []string{"matchpathcon", "-n", path}, Env: os.Environ()})
	if err == nil && out.RC != 0 {
		err = fmt.Errorf("matchpathcon: %s", strings.TrimSpace(string(out.Stderr)))
	}
	if err != nil {
		return Context{}, fmt.Errorf("cannot look up the default selinux context of %s: %w", path, err)
	}
	return parseContext(strings.TrimSpace(string(out.Stdout))), nil
}

func (a Attrs) applyContext(path string, check bool, d *Diff) (bool, error) {
	if a.SE == (Context{}) || !seLinuxEnabled() {
		return false, nil
	}
	have, err := seContext(path)
	if err != nil {
		return false, err
	}
	want := have
	var byPolicy Context
	for i, part := range a.SE {
		switch {
		case part == "":
		case part == "_default":
			if byPolicy == (Context{}) {
				if byPolicy, err = seDefault(path); err != nil {
					return false, err
				}
			}
			want[i] = byPolicy[i]
		default:
			want[i] = part
		}
	}
	if want == have {
		return false, nil
	}
	d.Note("secontext", have.String(), want.String())
	if !check {
		if err := unix.Lsetxattr(path, seAttr, append([]byte(want.String()), 0), 0); err != nil {
			return false, fmt.Errorf("set selinux context failed: %w", err)
		}
	}
	return true, nil
}
