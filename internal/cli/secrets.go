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

	"golang.org/x/term"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/executor"
	"github.com/tutti-run/tutti/internal/vault"
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

// loadVault gathers the vault secrets that the command line and the
// configuration name.
func loadVault(ctx context.Context, o *options, c *config.Config, p *prompter) (*vault.Vault, error) {
	var secrets []vault.Secret
	add := func(id, source string) error {
		s := vault.Secret{ID: id}
		if source == "prompt" || source == "prompt_ask_vault_pass" {
			text := "Vault password: "
			if source == "prompt" && id != "default" {
				text = fmt.Sprintf("Vault password (%s): ", id)
			}
			answer, err := p.ask(ctx, text, false)
			if err != nil {
				return err
			}
			s.Password = []byte(strings.TrimSpace(answer))
		} else {
			var args []string
			if stem := strings.TrimSuffix(filepath.Base(source), filepath.Ext(source)); strings.HasSuffix(stem, "-client") && id != "" {
				args = []string{"--vault-id", id}
			}
			password, err := passwordFile(source, args...)
			if err != nil {
				return err
			}
			s.Password = []byte(password)
		}
		if len(s.Password) == 0 {
			return errors.New("Invalid vault password was provided: it is empty")
		}
		secrets = append(secrets, s)
		return nil
	}
	ids := append([]string(nil), o.vaultIDs...)
	if len(o.vaultIDs) == 0 {
		ids = c.List("DEFAULT_VAULT_IDENTITY_LIST")
	}
	files := o.vaultPwFiles
	if len(files) == 0 && len(ids) == 0 && c.Path("DEFAULT_VAULT_PASSWORD_FILE") != "" && !o.askVault {
		files = []string{c.Path("DEFAULT_VAULT_PASSWORD_FILE")}
	}
	identity := c.Text("DEFAULT_VAULT_IDENTITY")
	for _, f := range files {
		if err := add(identity, f); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		name, source, ok := strings.Cut(id, "@")
		if !ok {
			name, source = identity, id
		}
		if err := add(name, source); err != nil {
			return nil, err
		}
	}
	if o.askVault || len(secrets) == 0 && c.Bool("DEFAULT_ASK_VAULT_PASS") {
		if err := add(identity, "prompt_ask_vault_pass"); err != nil {
			return nil, err
		}
	}
	return vault.New(secrets, c.Bool("DEFAULT_VAULT_ID_MATCH")), nil
}
