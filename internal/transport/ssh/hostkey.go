package ssh

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/tutti-run/tutti/internal/transport"
)

// keyring holds the known_hosts files that were read, each set once until a
// key is added.
type keyring struct {
	mu     sync.Mutex // guards the following
	parsed map[string]*knownhosts.HostKeyDB
}

func (k *keyring) load(paths []string) (*knownhosts.HostKeyDB, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := strings.Join(paths, "\x00")
	if db := k.parsed[key]; db != nil {
		return db, nil
	}
	var there []string
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			there = append(there, p)
		}
	}
	db, err := knownhosts.NewDB(there...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the known host keys: %w", err)
	}
	if k.parsed == nil {
		k.parsed = map[string]*knownhosts.HostKeyDB{}
	}
	k.parsed[key] = db
	return db, nil
}

// add writes a new key behind the others, in the first file.
func (k *keyring) add(path, host string, remote net.Addr, key ssh.PublicKey) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.parsed = nil
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(knownhosts.WriteKnownHost(f, host, remote, key), f.Close())
}

// hostKeyError is what is wrong with a host's key, for people.
type hostKeyError struct{ text string }

func (e *hostKeyError) Error() string { return e.text }

// check returns how to check the host's key and which algorithms to ask for,
// so that the host shows the key that we know.
func (k *keyring) check(s *settings) (ssh.HostKeyCallback, []string, error) {
	if s.hostKeys == transport.IgnoreHostKeys {
		return ssh.InsecureIgnoreHostKey(), s.keyAlgos, nil
	}
	db, err := k.load(s.knownHosts)
	if err != nil {
		return nil, nil, err
	}
	addr := s.addr()
	if s.alias != "" {
		addr = joinHostPort(s.alias, 22)
	}
	algos := s.keyAlgos
	if len(algos) == 0 {
		algos = db.HostKeyAlgorithms(addr)
	}
	callback := db.HostKeyCallback()
	return func(_ string, remote net.Addr, key ssh.PublicKey) error {
		if _, ok := remote.(*net.TCPAddr); !ok { // a ProxyCommand's pipe
			remote = &net.TCPAddr{IP: net.IPv4zero, Port: s.port}
		}
		err := callback(addr, remote, key)
		switch {
		case err == nil:
			return nil
		case knownhosts.IsHostKeyChanged(err):
			return changed(addr, key, err)
		case !knownhosts.IsHostUnknown(err):
			return &hostKeyError{fmt.Sprintf("the key of %s is refused: %v", addr, err)}
		case s.hostKeys == transport.AcceptNew && len(s.knownHosts) > 0:
			return k.add(s.knownHosts[0], addr, remote, key)
		}
		return unknown(addr, key, s.knownHosts)
	}, algos, nil
}

func kindOf(key ssh.PublicKey) string {
	kind := strings.TrimPrefix(key.Type(), "ssh-")
	if strings.HasPrefix(kind, "ecdsa") {
		kind = "ecdsa"
	}
	return strings.ToUpper(kind)
}

func scanCommand(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	if port == "22" {
		return "ssh-keyscan " + host
	}
	return "ssh-keyscan -p " + port + " " + host
}

func unknown(addr string, key ssh.PublicKey, files []string) error {
	file := "~/.ssh/known_hosts"
	if len(files) > 0 {
		file = files[0]
	}
	return &hostKeyError{fmt.Sprintf("Host key verification failed: the %s key of %s is not known. Its fingerprint is %s. "+
		"If that is the right one, add it: %s >> %s (or set host_key_checking = False to trust any host).",
		kindOf(key), addr, ssh.FingerprintSHA256(key), scanCommand(addr), file)}
}

func changed(addr string, key ssh.PublicKey, err error) error {
	where := ""
	var known *xknownhosts.KeyError
	if errors.As(err, &known) {
		for _, w := range known.Want {
			where += fmt.Sprintf(" %s:%d (%s)", w.Filename, w.Line, kindOf(w.Key))
		}
	}
	host, _, _ := net.SplitHostPort(addr)
	return &hostKeyError{fmt.Sprintf("Host key verification failed: REMOTE HOST IDENTIFICATION HAS CHANGED: %s showed the %s key %s, "+
		"which is not the one in%s. Somebody may be listening in, or the host was installed anew. If it was, remove the old key: ssh-keygen -R %s",
		addr, kindOf(key), ssh.FingerprintSHA256(key), where, host)}
}
