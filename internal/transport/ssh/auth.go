package ssh

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/tutti-run/tutti/internal/transport"
)

// keys holds private keys that were read, each file once: decrypting one may
// take long.
type keys struct {
	mu     sync.Mutex // guards the following
	loaded map[keyID]*loadedKey
}

type keyID struct{ path, passphrase string }

type loadedKey struct {
	signer ssh.Signer // nil if the file is not there or needs a passphrase
	err    error      // what is wrong with a file that is there
}

func (k *keys) load(path, passphrase string) (ssh.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := keyID{path, passphrase}
	if l := k.loaded[id]; l != nil {
		return l.signer, l.err
	}
	l := &loadedKey{}
	data, err := os.ReadFile(path)
	switch {
	case os.IsNotExist(err):
	case err != nil:
		l.err = err
	default:
		l.signer, l.err = parseKey(data, path, passphrase)
	}
	if k.loaded == nil {
		k.loaded = map[keyID]*loadedKey{}
	}
	k.loaded[id] = l
	return l.signer, l.err
}

func parseKey(data []byte, path, passphrase string) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(data)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) && passphrase != "" {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(data, []byte(passphrase))
	}
	if errors.As(err, &locked) {
		return nil, fmt.Errorf("%s needs a passphrase: add it to ssh-agent", path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the key %s: %w", path, err)
	}
	return signer, nil
}

// methods are the ways to prove who we are, in OpenSSH's order. troubles
// collects why keys could not be used, for the case that nothing works.
func (k *keys) methods(s *settings, c transport.Config, troubles *[]error) (list []ssh.AuthMethod, closer func()) {
	closer = func() {}
	if s.publicKey {
		var socket net.Conn
		if s.agent != "" {
			var err error
			if socket, err = net.Dial("unix", s.agent); err == nil {
				closer = func() { _ = socket.Close() }
			}
		}
		list = append(list, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
			return k.signers(s, c, socket, troubles), nil
		}))
	}
	if s.interactive {
		list = append(list, ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				if err := awaitPrompt(c, questions[i]); err != nil {
					return nil, err
				}
				answers[i] = c.Password
			}
			return answers, nil
		}))
	}
	if s.password {
		list = append(list, ssh.PasswordCallback(func() (string, error) {
			// The protocol has no question here; this is how OpenSSH puts it.
			return c.Password, awaitPrompt(c, s.user+"@"+c.Addr()+"'s password: ")
		}))
	}
	return list, closer
}

// awaitPrompt returns when a question is the one that the password answers. It
// waits for another as long as connecting may take.
func awaitPrompt(c transport.Config, question string) error {
	if strings.Contains(question, c.PasswordPrompt) {
		return nil
	}
	wait := c.Timeout
	if wait <= 0 {
		wait = 10 * time.Second
	}
	time.Sleep(wait)
	return fmt.Errorf("the host asked %q and never for %q", question, c.PasswordPrompt)
}

// signers lists keys: those named, then the agent's, then the usual files.
func (k *keys) signers(s *settings, c transport.Config, socket net.Conn, troubles *[]error) []ssh.Signer {
	var held []ssh.Signer
	if socket != nil {
		var err error
		if held, err = agent.NewClient(socket).Signers(); err != nil {
			*troubles = append(*troubles, fmt.Errorf("ssh-agent: %w", err))
		}
	}
	var list []ssh.Signer
	seen := map[string]bool{}
	add := func(signer ssh.Signer) {
		if blob := string(signer.PublicKey().Marshal()); !seen[blob] {
			seen[blob] = true
			list = append(list, signer)
		}
	}
	var named []ssh.Signer
	for _, path := range s.identities {
		// A key that the agent holds needs no file but the public one.
		if pub := publicKey(path); pub != "" {
			for _, h := range held {
				if string(h.PublicKey().Marshal()) == pub {
					add(h)
				}
			}
		}
		signer, err := k.load(path, c.KeyPassphrase)
		if err != nil {
			*troubles = append(*troubles, err)
		}
		if signer != nil {
			named = append(named, signer)
		}
	}
	if c.KeyFile != "" && len(named) > 0 {
		add(named[0])
	}
	if !s.onlyThese {
		for _, h := range held {
			add(h)
		}
	}
	for _, n := range named {
		add(n)
	}
	return list
}

func publicKey(path string) string {
	data, err := os.ReadFile(path + ".pub")
	if err != nil {
		return ""
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return ""
	}
	return string(key.Marshal())
}
