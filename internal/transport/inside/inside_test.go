package inside

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/transport/local"
	"github.com/tutti-run/tutti/internal/transport/transporttest"
)

// program is a stand-in for docker: what it is called with goes to a file, and the
// command runs here.
func program(t *testing.T) (name, called string) {
	t.Helper()
	dir := t.TempDir()
	called = filepath.Join(dir, "called")
	script := `#!/bin/sh
echo "$*" >` + called + `
while [ "$1" != -i ]; do shift; done
[ "$2" = there ] || { echo "no such container: $2" >&2; exit 1; }
shift 2
exec "$@"
`
	name = filepath.Join(dir, "docker")
	if err := os.WriteFile(name, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return name, called
}

func dial(t *testing.T, d local.Dialer, c transport.Config) transport.Conn {
	t.Helper()
	conn, err := d.Dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestContainerContract(t *testing.T) {
	name, _ := program(t)
	transporttest.Run(t, func(t *testing.T) transport.Conn { return dial(t, Container(name), transport.Config{Host: "there"}) })
}

func TestChrootContract(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	transporttest.Run(t, func(t *testing.T) transport.Conn {
		return dial(t, Chroot(), transport.Config{Host: "x", Address: "/"})
	})
}

func TestContainerArguments(t *testing.T) {
	name, called := program(t)
	conn := dial(t, Container(name), transport.Config{Host: "x", Address: "there", User: "pat", SSHExtraArgs: "--host 'a b'"})
	defer conn.Close()
	data, err := os.ReadFile(called)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.TrimSpace(string(data)), "--host a b exec -u pat -i there /bin/sh -c exit 0"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestUnreachable(t *testing.T) {
	name, _ := program(t)
	for _, c := range []struct {
		d    local.Dialer
		addr string
		want string
	}{
		{Container(name), "gone", "cannot run commands in gone: no such container: gone"},
		{Container("/no/such/program"), "there", "no such file or directory"},
		{Chroot(), "/no/such/folder", "cannot run commands in /no/such/folder: chroot: "},
	} {
		_, err := c.d.Dial(t.Context(), transport.Config{Host: "h", Address: c.addr})
		if !transport.IsUnreachable(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, not %q", err, c.want)
		}
	}
}
