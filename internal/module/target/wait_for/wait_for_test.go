package waitfor

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// greeter listens, says hello and waits for the other side to end.
func greeter(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("SSH-2.0-hello\r\n")) // the other side may have gone
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).Port
}

func TestContract(t *testing.T) {
	open := greeter(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr).Port
	l.Close()
	port := func(n int, kv ...any) func(string) *value.Map {
		return func(string) *value.Map { return value.MapOf(append(kv, "port", n)...) }
	}
	file := func(t *testing.T, dir string) { mt.Write(t, dir, "f", "state: ready\n") }
	mt.Run(t, &Module, []mt.Case{
		{Name: "open", ArgsMap: port(open), Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Get("elapsed") != 0 || r.Get("state") != "started" || r.Get("port") != open || r.Get("path") != nil {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}},
		{Name: "greeting", ArgsMap: port(open, "search_regex", "^SSH")},
		{Name: "closed", ArgsMap: port(closed, "state", "stopped")},
		{Name: "not open in time", ArgsMap: port(closed, "timeout", 1, "sleep", 0), Fails: "Timeout when waiting for 127.0.0.1:"},
		{Name: "own message", ArgsMap: port(closed, "timeout", 0, "msg", "not yet"), Fails: "not yet"},
		{Name: "own message, empty", ArgsMap: port(closed, "timeout", 0, "msg", ""), Fails: "Timeout when waiting for "},
		{Name: "drained", ArgsMap: port(closed, "state", "drained")},
		{Name: "file", Setup: file, Args: `{"path": "$DIR/f"}`},
		{Name: "content", Setup: file, Args: `{"path": "$DIR/f", "search_regex": "state: (?P<s>\\w+)"}`, Verify: func(t *testing.T, _ string, r *module.Result) {
			if got := value.Repr(r.Get("match_groups")) + value.Repr(r.Get("match_groupdict")); got != "['ready']{'s': 'ready'}" {
				t.Errorf("groups %s", got)
			}
		}},
		{Name: "gone", Args: `{"path": "$DIR/f", "state": "absent"}`},
		{Name: "not gone in time", Setup: file, Args: `{"path": "$DIR/f", "state": "absent", "timeout": 0}`, Fails: "Timeout when waiting for "},
		{Name: "both", Args: `{"path": "$DIR/f", "port": 1}`, Fails: "port and path parameter can not both be passed to wait_for"},
		{Name: "file and stopped", Args: `{"path": "$DIR/f", "state": "stopped"}`, Fails: "state=stopped should only be used for checking a port"},
		{Name: "below a file", Setup: file, Args: `{"path": "$DIR/f/x"}`, Fails: "/f/x, Not a directory"},
		{Name: "unknown state", Args: `{"port": 1, "active_connection_states": ["OPEN"]}`, Fails: "unknown active_connection_state (OPEN) defined"},
		{Name: "bad pattern", Args: `{"port": 1, "search_regex": "("}`, Fails: "Invalid regular expression: "},
	})
}

func TestFileThatComes(t *testing.T) {
	dir := t.TempDir()
	timer := time.AfterFunc(20*time.Millisecond, func() { _ = os.WriteFile(dir+"/f", nil, 0o600) })
	defer timer.Stop()
	if r := mt.Call(t, &Module, value.MapOf("path", dir+"/f", "sleep", 0), mt.Options{}); r.Failed {
		t.Error(r.Msg)
	}
}

func TestCancel(t *testing.T) {
	mt.Cancel(t, &Module, value.MapOf("timeout", 60), func() bool { return true })
}

func TestEndpoint(t *testing.T) {
	ip, port, ok := endpoint("0100007F:1F90")
	if !ok || ip.String() != "127.0.0.1" || port != 8080 {
		t.Errorf("%v %d %v", ip, port, ok)
	}
	if ip, _, _ = endpoint("00000000000000000000000001000000:0016"); ip.String() != "::1" {
		t.Errorf("%v", ip)
	}
	if _, _, ok = endpoint(strings.Repeat("0", 7)); ok {
		t.Error("no port")
	}
}

func TestTimeAlone(t *testing.T) {
	r := mt.Call(t, &Module, value.MapOf("timeout", 1, "delay", 1), mt.Options{})
	if r.Failed || r.Get("elapsed") != 2 {
		t.Errorf("result %s", value.Repr(r.ToMap()))
	}
}
