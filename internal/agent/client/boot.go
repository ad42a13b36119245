package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/agent/embedded"
	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/transport"
)

// The agent is started by a line of POSIX shell. If the agent is in the user's
// own directory, the line becomes it, which costs one round trip; otherwise it
// says so and executes what it reads from standard input: a line that puts the
// agent there, followed by the compressed agent.
//
// The directory belongs to the user that the agent runs as, and only they can
// enter it. So root never runs a file that the login user could have written.

// cacheDir is where the agent is kept, under the user's home; users without a
// home that can be used have a directory of their own in /var/tmp.
const cacheDir = ".cache/tutti"

// program is what follows the agent's file name on the command line. first, in
// the shell's spelling, is what the agent has to do before it serves.
func (t *Target) program(a *embedded.Agent, first string) string {
	var b strings.Builder
	for _, w := range a.Words {
		b.WriteString(quote(w) + " ")
	}
	b.WriteString(first)
	if t.become.direct(t.cfg) {
		b.WriteString("as " + quote(t.become.User) + " ")
	}
	return b.String() + "serve " + a.SHA256
}

// findScript executes the agent, or asks for it. It is one line without
// exclamation marks, for the sake of login shells of the csh family. It does not
// hold wire.Marker in one piece, so that an echo of it is not taken for an answer.
func (t *Target) findScript(agents []embedded.Agent, fresh bool) string {
	var b strings.Builder
	if fresh {
		b.WriteString(`m=TUTTI; u=$(id -u); `)
	} else {
		// Not one command more than it takes: this runs at each connection.
		b.WriteString(`m=TUTTI; t() { test -h "$1" && return; test -O "$1" || return; `)
		for i := range agents {
			a := &agents[i]
			fmt.Fprintf(&b, `f=$1/%s; test -x "$f" && test -O "$f" && exec "$f" %s; `, a.SHA256, t.program(a, ""))
		}
		b.WriteString(`}; test -n "$HOME" && t "$HOME/` + cacheDir + `"; u=$(id -u); t /var/tmp/tutti-$u; `)
	}
	b.WriteString(`g=plain; command -v gzip >/dev/null 2>&1 && g=gzip; `)
	b.WriteString(`echo "$m-AGENT need $(uname -s) $(uname -m) $g"; IFS= read -r c && eval "$c"`)
	return b.String()
}

// chunk is how much of the agent is under way at once. sshd enlarges its buffer
// packet by packet, each time by a copy: with the two megabytes that it lets us
// send, that takes it more time than all else that the upload costs the target.
const chunk = 512 << 10

// putScript installs size bytes that follow on standard input as the agent,
// and becomes it. It asks for each chunk after the first.
func (t *Target) putScript(a *embedded.Agent, size int, packed bool) string {
	// gzip knows whether all came.
	unpack, whole := "cat", fmt.Sprintf(` && test "$(wc -c <"$n")" -eq %d`, size)
	if packed {
		unpack, whole = "gzip -dc", ""
	}
	// The file is readable for all, since root's agent executes it as other
	// users; they cannot reach it through the directory, which is private.
	return `umask 077; x=; ` +
		`p() { test -h "$1" && return 1; test -d "$1" || mkdir -p "$1" 2>/dev/null; test -d "$1" && test -O "$1" && chmod 700 "$1" || return 1; ` +
		`n=$1/` + a.SHA256 + `.$$; d=$1; (: >"$n") 2>/dev/null || return 1; chmod 755 "$n"; ` +
		`test -x "$n" && return; rm -f "$n"; x="$x $1"; return 1; }; ` +
		`test -n "$HOME" && test -O "$HOME" && p "$HOME/` + cacheDir + `" || p /var/tmp/tutti-$u || { echo "$m-AGENT fail place$x"; exit 1; }; ` +
		fmt.Sprintf(`r() { i=%d; while test $i -gt 0; do head -c %d || return; echo "$m-AGENT more" >&3; i=$((i-1)); done; head -c %d; }; `, size/chunk, chunk, size%chunk) +
		fmt.Sprintf(`if { r | %s >"$n"; } 3>&1%s; then exec "$n" %s; fi; `, unpack, whole, t.program(a, `install `+a.SHA256+` "$d" `)) +
		`rm -f "$n"; echo "$m-AGENT fail copy $d"; exit 1` + "\n"
}

// boot starts the agent, after putting it there if need be.
func (t *Target) boot(ctx context.Context, conn *sharedConn) (session, error) {
	agents, err := t.pool.o.Agents.Agents()
	if err != nil {
		return nil, t.broken("%v", err)
	}
	s, err := t.bootOnce(ctx, conn, agents, false)
	var stale *unusable
	if errors.As(err, &stale) {
		// A home that machines of several kinds share, a file that was damaged.
		s, err = t.bootOnce(ctx, conn, agents, true)
	}
	if errors.As(err, &stale) {
		return nil, t.broken("the agent does not run there: %s", stale.text)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// unusable tells that the agent's file is there but does not run.
type unusable struct{ text string }

func (u *unusable) Error() string { return u.text }

func (t *Target) broken(format string, args ...any) error {
	return &transport.UnreachableError{
		Host: t.cfg.Host, Addr: t.cfg.Addr(), Reason: transport.Broken,
		Detail: fmt.Sprintf("cannot start the agent on %s: ", t.cfg.Host) + fmt.Sprintf(format, args...),
	}
}

// patience is how long a target may take for each step of starting the agent.
// What runs before the first step includes PAM and login files.
const patience = 30 * time.Second

// starting is an agent that is being started.
type starting struct {
	t      *Target
	conn   *sharedConn
	proc   transport.Process
	stderr *tail
	pulse  *wire.Pulse
	out    *bufio.Reader
	noise  []byte // what came before the marker
	timer  *time.Timer
	late   chan struct{} // closed when the timer fired
	asked  chan struct{} // closed when a password was asked for in vain
	// followed is closed when standard error has ended.
	followed  chan struct{}
	collected bool // proc.Wait was called
}

// wait is proc.Wait, of which there is only one.
func (s *starting) wait() (int, error) {
	s.collected = true
	return s.proc.Wait()
}

// abandon ends a process that is of no use, without waiting for its end.
func (s *starting) abandon() {
	_ = s.proc.Close()
	if !s.collected {
		s.t.pool.work.Go(func() { _, _ = s.wait() })
	}
}

func (t *Target) bootOnce(ctx context.Context, conn *sharedConn, agents []embedded.Agent, fresh bool) (*remote, error) {
	b := t.become
	if b.direct(t.cfg) {
		b = Become{}
	}
	w, err := b.wrap(t.findScript(agents, fresh))
	if err != nil {
		return nil, t.becomeError("%v", err)
	}
	proc, err := t.pool.exec(ctx, conn, w.command)
	if err != nil {
		return nil, err
	}
	s := &starting{t: t, conn: conn, proc: proc, late: make(chan struct{}), asked: make(chan struct{}), followed: make(chan struct{})}
	s.stderr = &tail{prompt: w.prompt, password: b.Password, answer: proc.Stdin(), stuck: func() { close(s.asked); _ = proc.Close() }}
	s.pulse = wire.NewPulse(proc.Stdout())
	s.out = bufio.NewReaderSize(s.pulse, 64<<10)
	t.pool.work.Go(func() { defer close(s.followed); s.stderr.follow(proc.Stderr()) })
	stop := context.AfterFunc(ctx, func() { _ = proc.Close() })
	defer stop()
	s.timer = time.AfterFunc(patience+t.cfg.ConnectTimeout(), func() { close(s.late); _ = proc.Close() })
	defer s.timer.Stop()
	r, err := s.run(agents)
	if err != nil {
		s.abandon()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return r, nil
}

func (s *starting) run(agents []embedded.Agent) (*remote, error) {
	words, err := s.answer()
	if err == nil && len(words) == 4 && words[0] == "need" {
		words, err = s.upload(agents, words)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case len(words) > 1 && words[0] == "fail":
		return nil, s.failed(words[1:])
	case len(words) != 1 || words[0] != "ready":
		return nil, s.t.broken("unexpected answer %q", strings.Join(words, " "))
	}
	frames := wire.NewReader(s.out)
	f, err := frames.Read()
	if err != nil || f.Kind != wire.KindHello {
		return nil, s.t.broken("it says no hello: %v", err)
	}
	// The agent was started under its hash, from a directory of the user's own;
	// another version can only be a mistake of ours.
	known := false
	for i := range agents {
		known = known || agents[i].SHA256 == f.Hello.Version
	}
	if !known {
		return nil, s.t.broken("it is another version, %s", f.Hello.Version)
	}
	s.stderr.settle()
	r := &remote{
		t: s.t, conn: s.conn, proc: s.proc, stderr: s.stderr, who: f.Hello, pulse: s.pulse, w: wire.NewWriter(s.proc.Stdin()),
		gone: make(chan struct{}), ended: make(chan struct{}), calls: map[uint64]*running{},
	}
	r.streams = wire.NewStreams(r.w)
	r.start(frames)
	return r, nil
}

// maxNoise is how much a target may print before the agent answers.
const maxNoise = 256 << 10

// answer reads up to the marker and returns the words behind it.
func (s *starting) answer() ([]string, error) {
	for total := 0; total < maxNoise; {
		line, err := s.out.ReadSlice('\n')
		total += len(line)
		if i := bytes.Index(line, []byte(wire.Marker)); i >= 0 && err == nil {
			return strings.Fields(string(line[i+len(wire.Marker):])), nil
		}
		if len(s.noise) < tailSize {
			s.noise = append(s.noise, line...)
		}
		if err != nil && err != bufio.ErrBufferFull {
			return nil, s.silent()
		}
	}
	return nil, s.t.broken("it prints more than %d kB before the agent answers, beginning with: %s", maxNoise>>10, short(s.noise))
}

func short(text []byte) string {
	s := strings.TrimSpace(strings.ToValidUTF8(string(text), "?"))
	if len(s) > 500 {
		s = s[:500] + "..."
	}
	return s
}

// upload sends the agent that fits the machine and returns the answer to it.
func (s *starting) upload(agents []embedded.Agent, words []string) ([]string, error) {
	a, err := embedded.For(agents, goOS(words[1]), goArch(words[2]))
	if err != nil {
		return nil, s.t.broken("%v", err)
	}
	data, err := a.Gzip()
	packed := words[3] == "gzip"
	if err == nil && !packed {
		data, err = unpack(data)
	}
	if err != nil {
		return nil, s.t.broken("cannot read the agent: %v", err)
	}
	s.timer.Reset(uploadTime)
	s.t.pool.o.Log.Debug("deploy", "host", s.t.cfg.Host, "arch", a.Arch, "bytes", len(data))
	in := s.proc.Stdin()
	// A broken pipe is explained by the answer that follows.
	_, err = io.WriteString(in, s.t.putScript(a, len(data), packed))
	for err == nil {
		n := min(chunk, len(data))
		if _, err = in.Write(data[:n]); err != nil || n < chunk {
			break
		}
		data = data[n:]
		if words, err := s.answer(); err != nil || len(words) != 1 || words[0] != "more" {
			return words, err
		}
	}
	return s.answer()
}

// uploadTime bounds the upload; the slowest links that one works over carry
// the agent in that time.
const uploadTime = 10 * time.Minute

// failed explains an answer of the script.
func (s *starting) failed(words []string) error {
	why := s.ending()
	switch {
	case words[0] == "place" && len(words) > 1:
		return s.t.broken("programs cannot be executed in %s (mounted noexec?) and there is no other place for it", strings.Join(words[1:], " and "))
	case words[0] == "place":
		return s.t.broken("the user has no directory to keep it in: neither ~/%s nor /var/tmp can be used%s", cacheDir, why)
	}
	return s.t.broken("it could not be copied to %s%s", strings.Join(words[1:], " "), why)
}

// ending collects what the process said last.
func (s *starting) ending() string {
	select {
	case <-s.followed:
	case <-time.After(time.Second):
	}
	if text := s.stderr.text(); text != "" {
		return ": " + text
	}
	return ""
}

// silent explains a process that ended, or was ended, without an answer.
func (s *starting) silent() error {
	b := s.t.become
	select {
	case <-s.late:
		if b != (Become{}) {
			return s.t.becomeError("Timeout (%s) waiting for privilege escalation prompt: %s", patience+s.t.cfg.ConnectTimeout(), s.stderr.text())
		}
		return s.t.broken("no answer within %s; it printed: %s", patience+s.t.cfg.ConnectTimeout(), short(s.noise))
	case <-s.asked:
		if b.Password == "" {
			return s.t.becomeError("Missing %s password", b.Method)
		}
		return s.t.becomeError("Incorrect %s password", b.Method)
	default:
	}
	text := strings.TrimPrefix(s.ending(), ": ")
	status, err := s.wait()
	if err != nil {
		s.t.pool.forget(s.conn)
		return &transport.UnreachableError{Host: s.t.cfg.Host, Addr: s.t.cfg.Addr(), Reason: transport.Lost, Detail: fmt.Sprintf("lost the connection to %s while the agent was started: %v", s.t.cfg.Host, err), Err: err}
	}
	if b != (Become{}) && !b.direct(s.t.cfg) {
		return s.refused(text, status)
	}
	said := strings.TrimSpace(text + "\n" + short(s.noise))
	if status == 126 && strings.Contains(said, "ormat") || status == 126 && strings.Contains(said, "cannot execute") {
		return &unusable{said}
	}
	if b.direct(s.t.cfg) && strings.Contains(text, "there is no user") {
		return s.t.becomeError("%s", strings.TrimPrefix(text, "tutti-agent: "))
	}
	if said == "" {
		said = "it printed nothing; does the login user have a shell?"
	}
	return s.t.broken("the login shell ended with status %d: %s", status, said)
}

// refused explains why another user's shell did not begin.
func (s *starting) refused(text string, status int) error {
	b := s.t.become
	low := strings.ToLower(text)
	switch {
	case strings.Contains(low, "password is required"), strings.Contains(low, "a terminal is required to read"):
		if b.Password == "" {
			return s.t.becomeError("Missing %s password", b.Method)
		}
		return s.t.becomeError("Incorrect %s password", b.Method)
	case strings.Contains(low, "sorry, try again"), strings.Contains(low, "incorrect password"),
		s.stderr.questions() > 0 && (strings.Contains(low, "authentication failure") || strings.Contains(low, "permission denied")):
		return s.t.becomeError("Incorrect %s password", b.Method)
	case text == "":
		text = short(s.noise)
	}
	return s.t.becomeError("cannot become %s with %s (status %d): %s", b.User, b.Method, status, text)
}

func (t *Target) becomeError(format string, args ...any) error {
	b := t.become
	b.Password = ""
	return &BecomeError{Host: t.cfg.Host, Become: b, Msg: fmt.Sprintf(format, args...)}
}
