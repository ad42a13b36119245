package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/tutti-run/tutti/internal/executor"
)

// prompter asks the user, one question at a time.
type prompter struct {
	mu     sync.Mutex
	in     io.Reader
	out    io.Writer
	reader *bufio.Reader
}

// ask shows text and reads a line; without echo if it is secret. It fails with
// executor.ErrNotInteractive where there is no terminal.
func (p *prompter) ask(ctx context.Context, text string, echo bool) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, isFile := p.in.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return "", executor.ErrNotInteractive
	}
	fmt.Fprint(p.out, text)
	type answer struct {
		text string
		err  error
	}
	ch := make(chan answer, 1)
	go func() { // ends with the next line, or with the process
		if !echo {
			b, err := term.ReadPassword(int(f.Fd()))
			fmt.Fprintln(p.out)
			ch <- answer{string(b), err}
			return
		}
		if p.reader == nil {
			p.reader = bufio.NewReader(f)
		}
		line, err := p.reader.ReadString('\n')
		ch <- answer{strings.TrimRight(line, "\r\n"), err}
	}()
	select {
	case a := <-ch:
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// secret asks for a password without echo: on the standard input if that is a
// terminal, else on the process's own terminal. Where there is none, a line of
// the input is the answer, so that a program can give it.
func (p *prompter) secret(ctx context.Context, text string) (string, error) {
	if f, ok := p.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return p.ask(ctx, text, false)
	}
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		defer tty.Close()
		return (&prompter{in: tty, out: tty}).ask(ctx, text, false)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.out, text)
	if p.reader == nil {
		p.reader = bufio.NewReader(p.in)
	}
	line, err := p.reader.ReadString('\n')
	if err != nil && line == "" {
		return "", errors.New("the input ended before a password was given")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// passwordFile reads a password from a file, or from the program that it is.
func passwordFile(path string, args ...string) (string, error) {
	if path == "-" {
		data, err := io.ReadAll(os.Stdin)
		return strings.TrimSpace(string(data)), err
	}
	if strings.HasPrefix(path, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, path[2:])
		}
	}
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("The password file %s was not found", path)
	}
	if st.Mode()&0o111 != 0 && st.Mode().IsRegular() {
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		cmd := exec.Command(abs, args...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err == nil {
			return strings.TrimSpace(string(out)), nil
		}
		if !strings.Contains(err.Error(), "exec format error") {
			return "", fmt.Errorf("Problem running vault password script %s: %w", path, err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("Could not read the password file %s: %w", path, err)
	}
	return strings.TrimSpace(string(data)), nil
}

// ask and pause are the prompter's, without what came out of vaults.
func (ses *session) ask(ctx context.Context, text string, echo bool) (string, error) {
	return ses.prompter.ask(ctx, ses.secrets.Text(text), echo)
}

func (ses *session) pause(ctx context.Context, text string, d time.Duration, echo bool) (string, error) {
	return ses.prompter.pause(ctx, ses.secrets.Text(text), d, echo)
}
