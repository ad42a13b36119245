// Package expect is the module that runs a command in a terminal and answers
// its questions.
package expect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/module/target/command"
	"github.com/tutti-run/tutti/internal/pyre"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module runs a command and answers it.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.expect",
		Summary: "Runs a command in a terminal and answers its questions.",
		Params: []module.Param{
			{Name: "command", Required: true, Doc: "The command and its arguments; no shell reads them."},
			{Name: "creates", Type: module.Path, Doc: "Do not run if this file is there."},
			{Name: "removes", Type: module.Path, Doc: "Do not run unless this file is there."},
			{Name: "chdir", Type: module.Path, Doc: "Directory to run in."},
			{Name: "responses", Type: module.Dict, Required: true, Doc: "Answers by regular expressions for the questions; a list answers one time after the other."},
			{Name: "timeout", Type: module.Int, Default: 30, Doc: "Seconds to wait for the next question, or the end."},
			{Name: "echo", Type: module.Bool, Default: false, Doc: "Show the answers in the output."},
		},
		Hints: []parallel.Hint{parallel.Host("")}, // it may do anything, as command
		Check: module.None, Diff: module.None,
		Returns: []module.Return{
			{Name: "stdout", When: "always", Doc: "What the command wrote, to either output."},
			{Name: "rc", Type: module.Int, When: "always", Doc: "Its exit status; none if it was killed."},
			{Name: "start", When: "run", Doc: "When it began."},
			{Name: "end", When: "run", Doc: "When it ended."},
			{Name: "delta", When: "run", Doc: "How long it took."},
		},
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	if env.Check {
		return module.NoCheckMode("ansible.builtin.expect")
	}
	text, dir := args.String("command"), args.String("chdir")
	if strings.TrimSpace(text) == "" {
		return module.Fail("no command given").Set("rc", 256)
	}
	questions, err := compile(args.Dict("responses"))
	if err != nil {
		return module.Fail("%s", err)
	}
	if dir != "" {
		if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
			return module.Fail("%s", files.Errno(syscall.ENOENT, dir))
		}
	}
	inside := func(path string) string {
		if dir != "" && !strings.HasPrefix(path, "/") {
			return dir + "/" + path
		}
		return path
	}
	skipped := func(why string) *module.Result {
		stdout := "skipped, since " + why
		return module.OK().Set("cmd", text).Set("rc", 0).Set("stdout", stdout).Set("stdout_lines", []any{stdout})
	}
	if path := args.String("creates"); path != "" && files.Exists(inside(path)) {
		return skipped(path + " exists")
	}
	if path := args.String("removes"); path != "" && !files.Exists(inside(path)) {
		return skipped(path + " does not exist")
	}
	argv, err := files.SplitCommand(text)
	if err != nil {
		return module.Fail("%s", err)
	}
	program := argv[0]
	if !strings.Contains(program, "/") {
		program = process.Find(argv[0], env.Environ)
	}
	if program == "" || unix.Access(inside(program), unix.X_OK) != nil {
		return module.Fail("The command was not found or was not executable: %s.", argv[0])
	}
	s := &session{questions: questions}
	if args.Has("timeout") {
		s.timeout = time.Duration(args.Int("timeout")) * time.Second
	}
	begin := time.Now()
	rc, err := s.run(ctx, &exec.Cmd{Path: program, Args: argv, Dir: dir, Env: env.Environ}, args.Bool("echo"))
	if err != nil {
		return module.Fail("%s", err)
	}
	return s.result(env, text, rc, begin, time.Now())
}

// question is one regular expression with its answers.
type question struct {
	text    string
	re      *pyre.Regexp
	answers []string
	repeats bool // the one answer, for ever
}

func compile(responses *value.Map) ([]*question, error) {
	var list []*question
	for k, v := range responses.Strings() {
		re, err := pyre.Compile(k, pyre.DotAll)
		if err != nil {
			return nil, fmt.Errorf("the question %q is no regular expression: %w", k, err)
		}
		q := &question{text: k, re: re}
		if l, ok := v.([]any); ok {
			for _, e := range l {
				q.answers = append(q.answers, answer(e))
			}
		} else {
			q.answers, q.repeats = []string{answer(v)}, true
		}
		list = append(list, q)
	}
	return list, nil
}

func answer(v any) string { return strings.TrimRight(value.Str(v), "\n") + "\n" }

// session is one run of a command.
type session struct {
	questions []*question
	timeout   time.Duration // 0 is none
	output    strings.Builder
	pending   string // what no question has matched yet
	last      string // what the last question came with
	timedOut  bool
	unknown   string // the question that there is no answer left to
}

// run runs the command and returns its exit status, -1 if it was killed.
func (s *session) run(ctx context.Context, cmd *exec.Cmd, echo bool) (rc int, err error) {
	ours, its, err := process.Terminal(echo)
	if err != nil {
		return 0, err
	}
	defer ours.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = its, its, its
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	err = cmd.Start()
	its.Close() // or the end of the command would not be the end of the output
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = ours.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	talkErr := s.talk(ctx, ours)
	s.timedOut = errors.Is(talkErr, os.ErrDeadlineExceeded)
	if talkErr != nil || s.unknown != "" {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	waitErr := cmd.Wait()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	var status *exec.ExitError
	if waitErr != nil && !errors.As(waitErr, &status) {
		return 0, waitErr
	}
	if talkErr != nil && !s.timedOut {
		return 0, talkErr
	}
	return cmd.ProcessState.ExitCode(), nil
}

// talk reads and answers until the output ends, a question has no answer left,
// or the time is over.
func (s *session) talk(ctx context.Context, ours *os.File) error {
	s.renew(ctx, ours)
	buf := make([]byte, 4096)
	for {
		n, err := ours.Read(buf)
		s.pending += string(buf[:n])
		for {
			q, end, matchErr := s.match()
			if matchErr != nil {
				return matchErr
			}
			if q == nil {
				break
			}
			s.last = s.pending[:end]
			s.output.WriteString(s.last)
			if s.pending = s.pending[end:]; len(q.answers) == 0 {
				s.unknown = q.text
				return nil
			}
			if _, err := ours.WriteString(q.answers[0]); err != nil {
				return err
			}
			if !q.repeats {
				q.answers = q.answers[1:]
			}
			s.renew(ctx, ours)
		}
		switch {
		case err == nil && s.output.Len()+len(s.pending) > process.MaxOutput:
			return fmt.Errorf("the command printed more than %d MiB", process.MaxOutput>>20)
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.output.WriteString(s.pending)
			return err
		case err != nil: // the last of the command's side is closed
			s.output.WriteString(s.pending)
			return nil
		}
	}
}

// renew begins the wait for the next question.
func (s *session) renew(ctx context.Context, ours *os.File) {
	if s.timeout > 0 && ctx.Err() == nil {
		_ = ours.SetReadDeadline(time.Now().Add(s.timeout)) // a terminal has deadlines
	}
}

// match finds the question that comes first in what is there.
func (s *session) match() (first *question, end int, err error) {
	best := -1
	for _, q := range s.questions {
		m, err := q.re.Search(s.pending, 0)
		if err != nil {
			return nil, 0, err
		}
		if m == nil {
			continue
		}
		if b, e, _ := m.Span(0); e > 0 && (best < 0 || b < best) {
			first, best, end = q, b, e
		}
	}
	return first, end, nil
}

func (s *session) result(env *module.Env, text string, rc int, begin, end time.Time) *module.Result {
	stdout := s.output.String()
	if s.unknown != "" {
		return module.Fail("No remaining responses for '%s', output was 'b%s'", s.unknown, value.Repr(s.last)) // bytes, as Python shows them
	}
	r := module.OK().SetOutput(strings.TrimRight(stdout, "\r\n"), "")
	r.Fields.Delete("stderr")
	r.Fields.Delete("stderr_lines")
	r.Changed = true
	r.Set("cmd", text).Set("rc", rc)
	command.SetTimes(r, env, begin, end)
	switch {
	case s.timedOut || rc < 0:
		r.Failed, r.Msg = true, "command exceeded timeout"
		r.Set("rc", nil)
	case rc != 0:
		r.Failed, r.Msg = true, "non-zero return code"
	}
	return r
}
