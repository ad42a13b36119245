package agent

import (
	"os"
	"path/filepath"
	"sync"

	"github.com/tutti-run/tutti/internal/module"
)

// defaultRemoteTmp is Ansible's default for remote_tmp.
const defaultRemoteTmp = "~/.ansible/tmp"

// tempDir is a call's private directory, made on first use.
type tempDir struct {
	remote  string // remote_tmp, "" for the default
	environ []string

	mu   sync.Mutex // guards the following
	made string
}

func (t *tempDir) path() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made != "" {
		return t.made, nil
	}
	base := t.remote
	if base == "" {
		base = defaultRemoteTmp
	}
	base = module.Expander(t.environ)(base)
	dir, err := makeTemp(base)
	if err != nil {
		// A user whose home cannot be written. MkdirTemp makes the directory
		// 0700 under a name that nobody can guess, so /var/tmp is safe.
		var second error
		if dir, second = os.MkdirTemp("/var/tmp", "tutti-"); second != nil {
			return "", err
		}
	}
	t.made = dir
	return dir, nil
}

func makeTemp(base string) (string, error) {
	if !filepath.IsAbs(base) {
		return "", &os.PathError{Op: "mkdir", Path: base, Err: os.ErrInvalid}
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(base, "tutti-")
}

func (t *tempDir) remove() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made != "" {
		// What cannot be removed belongs to somebody else by now.
		_ = os.RemoveAll(t.made)
	}
}
