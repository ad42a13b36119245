package client

import (
	"io"
	"regexp"
	"strings"
	"sync"
)

// tail keeps the end of what a process writes to standard error, and answers
// when it asks for a password.
type tail struct {
	prompt   *regexp.Regexp // nil if no question is expected
	password string
	answer   io.Writer

	mu    sync.Mutex // guards the following
	data  []byte
	asked int
	stuck func() // called once when a question cannot be answered
}

const tailSize = 8 << 10

// follow reads until the end.
func (t *tail) follow(r io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		t.add(buf[:n])
		if err != nil {
			return
		}
	}
}

func (t *tail) add(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - tailSize; over > 0 {
		t.data = t.data[over:]
	}
	if t.prompt == nil || !t.prompt.Match(t.data) {
		return
	}
	// The question goes, so that it is seen again only if it is asked again.
	t.data = t.prompt.ReplaceAll(t.data, nil)
	t.asked++
	if t.asked == 1 && t.password != "" {
		// A few bytes, which fit into any pipe.
		_, _ = io.WriteString(t.answer, t.password+"\n")
		return
	}
	if t.stuck != nil {
		t.stuck()
		t.stuck = nil
	}
}

// settle ends the answering of questions.
func (t *tail) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prompt, t.stuck = nil, nil
}

func (t *tail) questions() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked
}

// text is what is there, for people.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := string(t.data)
	if t.password != "" {
		s = strings.ReplaceAll(s, t.password, "********")
	}
	return strings.TrimSpace(s)
}
