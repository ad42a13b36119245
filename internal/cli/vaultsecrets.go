package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/vault"
)

// secretSource gathers vault secrets from files, programs and prompts.
type secretSource struct {
	config   *config.Config
	prompter *prompter
	warn     func(string)
	// create asks for new passwords, twice each.
	create bool
	// prompt asks for a password where no other source is named.
	prompt bool
}

// askVaultPass is the source that --ask-vault-password stands for.
const askVaultPass = "prompt_ask_vault_pass"

// vault has the secrets that the options and the configuration name.
func (s *secretSource) vault(ctx context.Context, o *options) (*vault.Vault, error) {
	ids := append(s.config.List("DEFAULT_VAULT_IDENTITY_LIST"), o.vaultIDs...)
	secrets, err := s.gather(ctx, ids, o.vaultPwFiles, o.askVault || s.config.Bool("DEFAULT_ASK_VAULT_PASS"))
	return vault.New(secrets, s.config.Bool("DEFAULT_VAULT_ID_MATCH")), err
}

// gather reads the secrets of [id@]source words and of password files. One
// that cannot be had is a warning as long as another one can.
func (s *secretSource) gather(ctx context.Context, ids, files []string, ask bool) ([]vault.Secret, error) {
	identity := s.config.Text("DEFAULT_VAULT_IDENTITY")
	if p := s.config.Path("DEFAULT_VAULT_PASSWORD_FILE"); p != "" {
		files = append(files[:len(files):len(files)], p)
	}
	words := append([]string(nil), ids...)
	for _, f := range files {
		words = append(words, identity+"@"+f)
	}
	if ask || s.prompt && len(words) == 0 {
		words = append(words, identity+"@"+askVaultPass)
	}
	var secrets []vault.Secret
	var last error
	for _, word := range words {
		id, source, named := strings.Cut(word, "@")
		if !named {
			id, source = "", word
		}
		var password []byte
		var err error
		if source == "prompt" || source == askVaultPass {
			if password, err = s.ask(ctx, id, source); err != nil {
				s.warn(fmt.Sprintf("Error in vault password prompt (%s): %v", id, err))
				return nil, err
			}
		} else if password, err = s.read(ctx, id, source, secrets); err != nil {
			what := "in vault password file loading"
			if errors.Is(err, os.ErrNotExist) {
				what = "getting vault password file"
			}
			s.warn(fmt.Sprintf("Error %s (%s): %v", what, id, err))
			last = err
			continue
		}
		if id == "" {
			id = identity
		}
		secrets = append(secrets, vault.Secret{ID: id, Password: password})
	}
	if len(secrets) == 0 {
		return nil, last
	}
	return secrets, nil
}

func (s *secretSource) ask(ctx context.Context, id, source string) ([]byte, error) {
	if id == "" {
		id = s.config.Text("DEFAULT_VAULT_IDENTITY")
	}
	var texts []string
	switch {
	case s.create && source == "prompt":
		texts = []string{"New vault password (" + id + "): ", "Confirm new vault password (" + id + "): "}
	case s.create:
		texts = []string{"New Vault password: ", "Confirm New Vault password: "}
	case source == "prompt":
		texts = []string{"Vault password (" + id + "): "}
	default:
		texts = []string{"Vault password: "}
	}
	var first string
	for i, text := range texts {
		answer, err := s.prompter.secret(ctx, text)
		if err != nil {
			return nil, err
		}
		if answer = strings.TrimSpace(answer); answer == "" {
			return nil, errors.New("Invalid vault password was provided: it is empty")
		}
		if i == 0 {
			first = answer
		} else if answer != first {
			return nil, errors.New("Passwords do not match")
		}
	}
	return []byte(first), nil
}

// notFound is an error that says where a password was looked for.
type notFound struct{ path string }

func (e notFound) Error() string {
	return fmt.Sprintf("The vault password file %s was not found", e.path)
}
func (e notFound) Is(target error) bool { return target == os.ErrNotExist }

// read takes a password from a file, or from the program that the file is. A
// file may be a vault that the secrets gathered so far open.
func (s *secretSource) read(ctx context.Context, id, source string, known []vault.Secret) ([]byte, error) {
	path := source
	if strings.HasPrefix(path, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, path[2:])
		}
	}
	path, err := filepath.Abs(os.ExpandEnv(path))
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, notFound{path}
	}
	var password []byte
	if st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
		if password, err = runSecretProgram(ctx, id, path); err != nil {
			return nil, err
		}
	} else {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("Could not read vault password file %s: %w", path, err)
		}
		if data = bytes.TrimSpace(data); vault.IsEncrypted(data) {
			if data, err = vault.New(known, false).Decrypt(data, path); err != nil {
				return nil, err
			}
		}
		password = bytes.Trim(data, "\r\n")
	}
	if len(password) == 0 {
		return nil, fmt.Errorf("Invalid vault password was provided from %s: it is empty", path)
	}
	return password, nil
}

// runSecretProgram asks a program for a password. One named *-client is told
// the id.
func runSecretProgram(ctx context.Context, id, path string) ([]byte, error) {
	var args []string
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if strings.HasSuffix(stem, "-client") && id != "" {
		args = []string{"--vault-id", id}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = os.Stderr // programs may ask the user
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && args != nil && exit.ExitCode() == 2:
		return nil, fmt.Errorf("Vault password client script %s did not find a secret for vault-id=%s", path, id)
	case errors.As(err, &exit):
		return nil, fmt.Errorf("Vault password script %s returned non-zero (%d)", path, exit.ExitCode())
	case err != nil:
		return nil, fmt.Errorf("Problem running vault password script %s (%w). If this is not a script, remove the executable bit from the file.", path, err)
	}
	return bytes.Trim(out, "\r\n"), nil
}
