// Package source is what control halves share about files on the controller:
// their digests, worked out once, and the walk through a directory to copy.
package source

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/vault"
)

// Cache remembers digests of files for as long as size and time stay the same,
// so that a file for many hosts is read once. It is safe for concurrent use;
// hosts that ask at the same time wait for one reading.
type Cache struct {
	mu sync.Mutex
	m  map[key]*entry
}

type key struct {
	path  string
	size  int64
	mtime time.Time
}

type entry struct {
	once   sync.Once
	digest module.Digest
	vault  bool
	err    error
}

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{m: map[key]*entry{}} }

// NoFile is the error for what is not there, or no file.
func NoFile(path string) error {
	return fmt.Errorf("Could not find or access '%s' on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option", path)
}

// Digest is the digest of a content.
func Digest(data []byte) module.Digest {
	sum := sha1.Sum(data)
	return module.Digest(hex.EncodeToString(sum[:]))
}

// File returns a file's digest and where its content is. A vault is decrypted
// if decrypt says so; its clear content is only held in memory.
func (c *Cache) File(ctl module.Controller, path string, decrypt bool) (module.Digest, module.File, error) {
	fi, err := os.Stat(path)
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("it is not a regular file")
	}
	if err != nil {
		return "", module.File{}, fmt.Errorf("could not find src=%s, %w", path, err)
	}
	k := key{path, fi.Size(), fi.ModTime()}
	c.mu.Lock()
	e := c.m[k]
	if e == nil {
		e = &entry{}
		c.m[k] = e
	}
	c.mu.Unlock()
	e.once.Do(func() { e.digest, e.vault, e.err = read(path) })
	if e.err != nil {
		return "", module.File{}, e.err
	}
	if e.vault && decrypt {
		data, err := ctl.ReadFile(path)
		if errors.Is(err, vault.ErrNoSecrets) {
			err = fmt.Errorf("A vault password or secret must be specified to decrypt %s", path)
		}
		if err != nil {
			return "", module.File{}, err
		}
		return Digest(data), module.File{Data: data, Size: int64(len(data))}, nil
	}
	return e.digest, module.File{Path: path, Size: fi.Size()}, nil
}

// vaultHeader is what a vault begins with.
const vaultHeader = "$ANSIBLE_VAULT;"

func read(path string) (d module.Digest, vault bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	head := make([]byte, len(vaultHeader))
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", false, err
	}
	h := sha1.New()
	h.Write(head[:n])
	if _, err := io.Copy(h, f); err != nil {
		return "", false, err
	}
	return module.Digest(hex.EncodeToString(h.Sum(nil))), string(head[:n]) == vaultHeader, nil
}
