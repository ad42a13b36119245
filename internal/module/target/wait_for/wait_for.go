// Package waitfor is the module that waits for a port or a file.
package waitfor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/internal/hostsfile"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/pyre"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module waits for a port or a file.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.wait_for",
		Summary: "Waits until a port is open or closed, or a file is there or gone.",
		Params: []module.Param{
			{Name: "host", Default: "127.0.0.1", Doc: "Host of the port."},
			{Name: "timeout", Type: module.Int, Default: 300, Doc: "Seconds after which to give up."},
			{Name: "connect_timeout", Type: module.Int, Default: 5, Doc: "Seconds that one attempt may take."},
			{Name: "delay", Type: module.Int, Default: 0, Doc: "Seconds before the first attempt."},
			{Name: "port", Type: module.Int, Doc: "The port."},
			{Name: "active_connection_states", Type: module.List, Elements: module.Str,
				Default: []any{"ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"}, Doc: "Which connections count for drained."},
			{Name: "path", Type: module.Path, Doc: "The file."},
			{Name: "search_regex", Doc: "What must be in the file, or be sent by the port."},
			{Name: "state", Default: "started", Choices: []any{"absent", "drained", "present", "started", "stopped"}, Doc: "What to wait for."},
			{Name: "exclude_hosts", Type: module.List, Elements: module.Str, Doc: "Hosts whose connections do not count for drained."},
			{Name: "sleep", Type: module.Int, Default: 1, Doc: "Seconds between attempts."},
			{Name: "msg", Doc: "Message when time is up."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.None, Diff: module.None,
		Returns: []module.Return{
			{Name: "elapsed", Type: module.Int, When: "always", Doc: "Seconds that it took."},
			{Name: "match_groups", Type: module.List, When: "always", Doc: "Groups of search_regex."},
			{Name: "match_groupdict", Type: module.Dict, When: "always", Doc: "Named groups of search_regex."},
		},
	},
	Run: run,
}

type wait struct {
	args   module.Args
	port   int
	path   string
	host   string
	search *pyre.Regexp
	match  *pyre.Match
	end    time.Time
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	if env.Check {
		return module.NoCheckMode("ansible.builtin.wait_for")
	}
	w := &wait{args: args, port: args.Int("port"), path: args.String("path"), host: args.String("host")}
	if args.Given("search_regex") {
		var err error
		if w.search, err = pyre.Compile(args.String("search_regex"), pyre.Multiline); err != nil {
			return module.Fail("Invalid regular expression: %s", err)
		}
	}
	state := args.String("state")
	if msg := w.wrong(state); msg != "" {
		return module.Fail("%s", msg).Set("elapsed", 0)
	}
	start := time.Now()
	elapsed := func(r *module.Result) *module.Result {
		return r.Set("elapsed", int(time.Since(start).Seconds()))
	}
	if err := pause(ctx, time.Duration(args.Int("delay"))*time.Second); err != nil {
		return module.Fail("%s", err)
	}
	w.end = start.Add(time.Duration(args.Int("timeout")) * time.Second)
	if w.port == 0 && w.path == "" && state != "drained" {
		w.end = w.end.Add(time.Duration(args.Int("delay")) * time.Second) // nothing but time passes
	}
	done, reached := w.condition(state), false
	for time.Now().Before(w.end) {
		var err error
		if reached, err = done(ctx); err != nil {
			return elapsed(w.failure("%s", err))
		}
		if reached {
			break
		}
		if err := pause(ctx, min(max(time.Duration(args.Int("sleep"))*time.Second, 5*time.Millisecond), time.Until(w.end)+time.Millisecond)); err != nil {
			return module.Fail("%s", err)
		}
	}
	if !reached && (w.port != 0 || w.path != "" || state == "drained") {
		return elapsed(w.timeout(state))
	}
	r := module.OK().Set("state", state).Set("port", args.Any("port")).Set("search_regex", args.Any("search_regex"))
	r.Set("path", args.Any("path"))
	w.groups(r)
	if w.path != "" {
		files.AddInfo(r, w.path) // its state takes the place of ours, as in Ansible
	}
	return elapsed(r)
}

// wrong tells which parameters do not go together.
func (w *wait) wrong(state string) string {
	switch {
	case w.port != 0 && w.path != "":
		return "port and path parameter can not both be passed to wait_for"
	case w.path != "" && state == "stopped":
		return "state=stopped should only be used for checking a port in the wait_for module"
	case w.path != "" && state == "drained":
		return "state=drained should only be used for checking a port in the wait_for module"
	case w.args.Given("exclude_hosts") && state != "drained":
		return "exclude_hosts should only be with state=drained"
	}
	for _, s := range w.args.Strings("active_connection_states") {
		if slices.Index(tcpStates, s) < 1 {
			return fmt.Sprintf("unknown active_connection_state (%s) defined", s)
		}
	}
	return ""
}

// condition is what to wait for.
func (w *wait) condition(state string) func(context.Context) (bool, error) {
	gone := state == "absent" || state == "stopped"
	switch {
	case state == "drained":
		return w.drained
	case w.path != "" && gone:
		return func(context.Context) (bool, error) {
			_, err := os.Stat(w.path)
			return err != nil, nil
		}
	case w.path != "":
		return w.there
	case w.port != 0 && gone:
		return func(ctx context.Context) (bool, error) {
			c, err := w.dial(ctx)
			if err == nil {
				c.Close()
			}
			return err != nil, ctx.Err()
		}
	case w.port != 0:
		return w.open
	}
	return func(context.Context) (bool, error) { return false, nil } // just the time
}

func (w *wait) there(context.Context) (bool, error) {
	_, err := os.Stat(w.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		text := err.Error()
		if errno := syscall.Errno(0); errors.As(err, &errno) {
			text = errno.Error()
			text = strings.ToUpper(text[:1]) + text[1:]
		}
		return false, fmt.Errorf("Failed to stat %s, %s", w.path, text)
	case w.search == nil:
		return true, nil
	}
	data, err := os.ReadFile(w.path)
	if err != nil {
		return false, nil
	}
	w.match, err = w.search.Search(string(data), 0)
	return w.match != nil, err
}

func (w *wait) dial(ctx context.Context) (net.Conn, error) {
	limit := min(time.Duration(w.args.Int("connect_timeout"))*time.Second, time.Until(w.end)+time.Second)
	d := hostsfile.Dialer{Dialer: net.Dialer{Timeout: limit}}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(w.host, strconv.Itoa(w.port)))
}

func (w *wait) open(ctx context.Context) (bool, error) {
	c, err := w.dial(ctx)
	if err != nil {
		return false, ctx.Err()
	}
	defer c.Close()
	if w.search == nil {
		return true, nil
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := c.SetReadDeadline(w.end); err != nil {
		return false, err
	}
	var data []byte
	buf := make([]byte, 1024)
	for {
		n, err := c.Read(buf)
		data = append(data, buf[:n]...)
		if n > 0 {
			m, err := w.search.Search(string(data), 0)
			if m != nil || err != nil {
				return m != nil, err
			}
		}
		if err != nil || len(data) > 16<<20 {
			return false, ctx.Err()
		}
	}
}

func (w *wait) failure(format string, args ...any) *module.Result {
	if w.args.String("msg") != "" {
		return module.Fail("%s", w.args.String("msg"))
	}
	return module.Fail(format, args...)
}

func (w *wait) timeout(state string) *module.Result {
	search := w.args.String("search_regex")
	switch {
	case state == "drained":
		return w.failure("Timeout when waiting for %s:%d to drain", w.host, w.port)
	case state == "absent" || state == "stopped":
		if w.port != 0 {
			return w.failure("Timeout when waiting for %s:%d to stop.", w.host, w.port)
		}
		return w.failure("Timeout when waiting for %s to be absent.", w.path)
	case w.port != 0 && search != "":
		return w.failure("Timeout when waiting for search string %s in %s:%d", search, w.host, w.port)
	case w.port != 0:
		return w.failure("Timeout when waiting for %s:%d", w.host, w.port)
	case search != "":
		return w.failure("Timeout when waiting for search string %s in %s", search, w.path)
	}
	return w.failure("Timeout when waiting for file %s", w.path)
}

// groups adds what search_regex found in the file.
func (w *wait) groups(r *module.Result) {
	list, named := []any{}, value.NewMap(0)
	if w.match != nil {
		group := func(i int) any {
			if text, ok := w.match.Group(i); ok {
				return text
			}
			return nil
		}
		for i := 1; i <= w.search.NumGroups(); i++ {
			list = append(list, group(i))
		}
		for name, i := range w.search.GroupIndex() {
			named.Set(name, group(i))
		}
	}
	r.Set("match_groups", list).Set("match_groupdict", named)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
