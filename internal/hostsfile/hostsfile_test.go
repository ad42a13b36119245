package hostsfile

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestChanges(t *testing.T) {
	path = filepath.Join(t.TempDir(), "hosts")
	t.Cleanup(func() { path = "/etc/hosts" })
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Addr().String())
	ctx := context.Background()
	dial := func(host string) error {
		conn, err := (&Dialer{net.Dialer{Timeout: time.Second}}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err == nil {
			conn.Close()
		}
		return err
	}

	if err := dial("app.invalid"); err == nil {
		t.Error("a name that nobody knows was found")
	}
	write("::1 localhost\n127.0.0.9 db.invalid # app.invalid\n127.0.0.1\tweb.invalid APP.invalid\n", 0)
	if err := dial("app.invalid"); err != nil {
		t.Errorf("a new name: %v", err)
	}
	if ips, err := LookupIP(ctx, "db.invalid"); err != nil || len(ips) != 1 || ips[0].String() != "127.0.0.9" {
		t.Errorf("%v, %v", ips, err)
	}
	if ips, err := LookupIP(ctx, "192.0.2.1"); err != nil || len(ips) != 1 || ips[0].String() != "192.0.2.1" {
		t.Errorf("an address: %v, %v", ips, err)
	}
	write("::1 app.invalid\n127.0.0.1 app.invalid\n", 0) // nobody listens at the first
	if err := dial("app.invalid"); err != nil {
		t.Errorf("a name of two addresses: %v", err)
	}
	write("127.0.0.1 app.invalid\n", time.Minute) // Go's resolver knows it by now, if it is /etc/hosts
	if ips := changed("app.invalid"); ips != nil {
		t.Errorf("an old file was read: %v", ips)
	}
	if err := dial("127.0.0.1"); err != nil {
		t.Error(err)
	}
}
