// Package reboot is the module that restarts a machine and waits for it.
package reboot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/backend"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module restarts the machine.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.reboot", Action: true,
		Summary: "Restarts the machine and waits until it is there again.",
		Params: []module.Param{
			{Name: "pre_reboot_delay", Type: module.Int, Default: 0, Aliases: []string{"pre_reboot_delay_sec"}, Doc: "Seconds before the restart; on Linux whole minutes count."},
			{Name: "post_reboot_delay", Type: module.Int, Default: 0, Aliases: []string{"post_reboot_delay_sec"}, Doc: "Seconds after it before the machine is asked again."},
			{Name: "reboot_timeout", Type: module.Int, Default: 600, Aliases: []string{"reboot_timeout_sec"}, Doc: "Seconds to wait for the machine, and once more for the test command."},
			{Name: "connect_timeout", Type: module.Int, Aliases: []string{"connect_timeout_sec"}, Doc: "Seconds that one attempt to connect may take."},
			{Name: "test_command", Default: "whoami", Doc: "Command that has to succeed in the end."},
			{Name: "msg", Default: "Reboot initiated by Ansible", Doc: "What users of the machine are told."},
			{Name: "search_paths", Type: module.List, Elements: module.Str, Default: []any{"/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"}, Doc: "Where to look for the shutdown program."},
			{Name: "boot_time_command", Default: "cat /proc/sys/kernel/random/boot_id", Doc: "Command whose output is another after each start."},
			{Name: "reboot_command", Doc: "Command that restarts the machine."},
		},
		Hints: []parallel.Hint{parallel.Host("")}, // nothing else can go on there
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "rebooted", Type: module.Bool, When: "always", Doc: "Whether the machine was restarted."},
			{Name: "elapsed", Type: module.Int, When: "always", Doc: "Seconds that it took."},
		},
	},
	Plan: plan,
}

// task is one run of the module.
type task struct {
	ctx   context.Context
	c     module.Controller
	args  module.Args
	start time.Time
}

func plan(ctx context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	r := &module.Result{Fields: value.MapOf("elapsed", 0, "rebooted", true)}
	if c.Var("ansible_connection") == "local" {
		r.Failed, r.Msg = true, "Running reboot with local connection would reboot the control node."
		r.Set("rebooted", false)
		return &module.Plan{Done: r}, nil
	}
	if r.Changed = true; c.Check() {
		return &module.Plan{Done: r}, nil
	}
	t := &task{ctx: ctx, c: c, args: args, start: time.Now()}
	if err := t.run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.Failed, r.Changed, r.Msg = true, false, err.Error()
		r.Set("rebooted", errors.Is(err, errTimeout))
	}
	return &module.Plan{Done: r.Set("elapsed", int(time.Since(t.start).Seconds()))}, nil
}

var errTimeout = errors.New("Timed out waiting")

func (t *task) run() error {
	command, err := t.command()
	if err != nil {
		return err
	}
	before, err := t.booted()
	if err != nil {
		return err
	}
	stdout, stderr, rc, err := t.c.Raw(t.ctx, command)
	t.start = time.Now()
	// A machine may go down so fast that the command has no end; whether it was
	// right shows below.
	if err == nil && rc != 0 {
		return fmt.Errorf("Reboot command failed. Error was: '%s, %s'", strings.TrimSpace(string(stdout)), strings.TrimSpace(string(stderr)))
	}
	if err := t.sleep(time.Duration(max(0, t.args.Int("post_reboot_delay"))) * time.Second); err != nil {
		return err
	}
	err = t.until("last boot time check", func() error {
		if err := t.connect(); err != nil {
			return err
		}
		now, err := t.booted()
		if err == nil && (now == "" || now == before) {
			err = errors.New("boot time has not changed")
		}
		return err
	})
	if err != nil {
		return err
	}
	return t.until("post-reboot test command", func() error {
		stdout, stderr, rc, err := t.c.Raw(t.ctx, t.args.String("test_command"))
		if err == nil && rc != 0 {
			err = fmt.Errorf("Test command failed: %s %s", stderr, stdout)
		}
		return err
	})
}

// connect makes a new connection: the old one may look as if it were alive for
// a long time after its other end has gone.
func (t *task) connect() error {
	if err := t.c.Reset(t.ctx); err != nil {
		return err
	}
	ctx := t.ctx
	if s := t.args.Int("connect_timeout"); s > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(s)*time.Second)
		defer cancel()
	}
	return t.c.Ping(ctx)
}

// booted is what tells one start of the machine from another.
func (t *task) booted() (string, error) {
	stdout, stderr, rc, err := t.c.Raw(t.ctx, t.args.String("boot_time_command"))
	if err == nil && rc != 0 {
		err = fmt.Errorf("reboot: failed to get host boot time info, rc: %d, stdout: %s, stderr: %s", rc, stdout, stderr)
	}
	return strings.TrimSpace(string(stdout)), err
}

// longest is the longest pause between two looks at the machine.
const longest = 12 * time.Second

// until tries again, with growing pauses, until it works or the time is over.
func (t *task) until(what string, try func() error) error {
	limit := t.args.Int("reboot_timeout")
	deadline := time.Now().Add(time.Duration(limit) * time.Second)
	for pause := 500 * time.Millisecond; time.Now().Before(deadline); pause = min(2*pause, longest) {
		if err := try(); err == nil {
			return nil
		}
		// Machines that went down together should not all be asked together.
		if err := t.sleep(pause + time.Duration(rand.Int64N(int64(pause/2)))); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w for %s (timeout=%d)", errTimeout, what, limit)
}

func (t *task) sleep(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
}

// command is what restarts the machine.
func (t *task) command() (string, error) {
	delay, msg := max(0, t.args.Int("pre_reboot_delay"))/60, t.args.String("msg")
	program, rest, given := t.args.String("reboot_command"), "", t.args.Has("reboot_command")
	if given {
		program, rest, _ = strings.Cut(program, " ")
	} else {
		distribution, err := backend.Detect(t.ctx, t.c, "distribution")
		if err != nil {
			return "", err
		}
		switch strings.ToLower(distribution) {
		case "alpine":
			program = "reboot"
		case "void":
			program, rest = "shutdown", fmt.Sprintf("-r +%d %s", delay, files.Quote(msg))
		default:
			program, rest = "shutdown", fmt.Sprintf("-r %d %s", delay, files.Quote(msg))
		}
	}
	if !path.IsAbs(program) {
		full, err := backend.Program(t.ctx, t.c, t.args.Strings("search_paths"), program)
		if err != nil {
			return "", err
		}
		program = full
	}
	return strings.TrimSpace(program + " " + rest), nil
}
