// Package galaxy installs other people's roles and collections, from archives,
// folders and git repositories, and builds collections to be passed on.
//
// A requirement (requirement.go) names what is wanted; fetch.go brings it to a
// folder; role.go and install.go put it where playbooks find it. Galaxy servers
// are not asked: what is wanted by its name alone must be installed already.
package galaxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Console is where the work is told.
type Console struct {
	Say  func(string)
	Warn func(string)
	// Out and Err are handed to git.
	Out, Err io.Writer
}

// Options are what all commands share.
type Options struct {
	Console
	Force       bool // replace what is there
	ForceDeps   bool // and what it needs
	NoDeps      bool
	IgnoreCerts bool
	IgnoreErrs  bool
}

// errServer tells that something is known by its name only.
var errServer = errors.New("it is not installed, and Tutti asks no Galaxy server: give an archive, a folder, a URL or a git repository")

// exists reports whether there is something at path, a dangling link too.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// replace puts the folder made by fill at path in one step: whoever looks sees
// the old one or the new one.
func replace(ctx context.Context, path string, fill func(dir string) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(path), ".tutti-galaxy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	dir := filepath.Join(tmp, filepath.Base(path))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := fill(dir); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if exists(path) {
		if err := os.Rename(path, filepath.Join(tmp, "old")); err != nil {
			return err
		}
	}
	if err := os.Rename(dir, path); err != nil {
		return fmt.Errorf("cannot put %s in its place: %w", path, err)
	}
	return nil
}
