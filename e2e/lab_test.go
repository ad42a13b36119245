//go:build lab

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/lab"
)

func firstly() { lab.Init() }

// theLab is one lab for all tests. Hosts 1 and 2 belong to Ansible where it is
// compared with, 3 and 4 to Tutti.
var theLab = sync.OnceValues(func() (*lab.Lab, error) {
	l, err := lab.Open("e2e")
	if err == nil {
		err = l.Up(4)
	}
	return l, err
})

// built is the program under test: $TUTTI, or one that is built now.
var built = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("TUTTI"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "tutti-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tutti")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../cmd/tutti")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

func lastly() {
	if l, err := lab.Open("e2e"); err == nil && len(l.Hosts()) > 0 {
		if err := l.Down(); err != nil {
			fmt.Fprintln(os.Stderr, "lab:", err)
		}
	}
	if path, err := built(); err == nil && os.Getenv("TUTTI") == "" {
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

func labHosts(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := theLab()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func program(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func sh(t *testing.T, i int, script string) string {
	t.Helper()
	return shOn(t, labHosts(t), i, script)
}

func shOn(t *testing.T, l *lab.Lab, i int, script string) string {
	t.Helper()
	out, err := l.Sh(i, script)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// place is a folder to run a program in, with a home of its own. Its path is
// short: ssh keeps sockets in it.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "e2e")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// settings is the ansible.cfg of both programs.
const settings = `[defaults]
forks = 10
retry_files_enabled = false
nocows = true
timeout = 5
[ssh_connection]
pipelining = true
`

// inventory names hosts a and b of the lab alpha and beta, and one that is not
// there.
func inventory(t *testing.T, l *lab.Lab, dir string, a, b int) {
	t.Helper()
	var text strings.Builder
	hosts := l.Hosts()
	text.WriteString("[web]\nalpha ansible_host=" + hosts[a-1].Address + "\n[db]\nbeta ansible_host=" + hosts[b-1].Address + "\n[site:children]\nweb\ndb\n")
	address := hosts[0].Address
	text.WriteString("[lost]\ngone ansible_host=" + address[:strings.LastIndex(address, ".")] + ".250\n")
	fmt.Fprintf(&text, "[all:vars]\nansible_user=ops\nansible_ssh_private_key_file=%s\nansible_ssh_common_args='-o UserKnownHostsFile=%s'\nansible_python_interpreter=/usr/bin/python3\n", l.KeyFile(), l.KnownHosts())
	write(t, filepath.Join(dir, "hosts.ini"), text.String())
	write(t, filepath.Join(dir, "ansible.cfg"), settings)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ran is what came of one run of a program.
type ran struct {
	out  string
	code int
}

// command prepares a run in dir.
func command(ctx context.Context, dir string, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, ".home"), "USER=root", "LANG=C.UTF-8", "ANSIBLE_LOCALHOST_WARNING=0", "ANSIBLE_DEPRECATION_WARNINGS=0"}
	return cmd
}

func run(t *testing.T, dir string, argv ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := command(ctx, dir, argv...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		t.Errorf("%s: %v", argv, err)
	}
	return ran{out.String(), cmd.ProcessState.ExitCode()}
}

var spaces = regexp.MustCompile(` +`)

// recap gives the lines of PLAY RECAP.
func (r ran) recap() string {
	_, after, _ := strings.Cut(r.out, "\nPLAY RECAP ")
	var lines []string
	for _, line := range strings.Split(after, "\n") {
		if strings.Contains(line, "unreachable=") {
			lines = append(lines, strings.TrimSpace(spaces.ReplaceAllString(line, " ")))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
