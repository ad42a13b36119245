package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/vault"
)

// inputs are the files named, or the standard input.
func (r *vaultRun) inputs(what string) []string {
	if len(r.args) > 0 {
		return r.args
	}
	if isTerminal(r.In) {
		fmt.Fprintf(r.Err, "Reading %s input from stdin\n", what)
	}
	return []string{"-"}
}

// done tells a person that all went well; programs need no words.
func (r *vaultRun) done(text string) error {
	if isTerminal(r.Out) {
		fmt.Fprintln(r.Err, text)
	}
	return nil
}

func (r *vaultRun) encrypt(context.Context) error {
	for _, f := range r.inputs("plaintext") {
		data, path, err := r.read(f)
		if err != nil {
			return err
		}
		if vault.IsEncrypted(data) {
			return errors.New("input is already encrypted")
		}
		sealed, err := vault.Encrypt(data, *r.secret, nil)
		if err != nil {
			return err
		}
		if err := r.write(sealed, path, true); err != nil {
			return err
		}
	}
	return r.done("Encryption successful")
}

func (r *vaultRun) decrypt(context.Context) error {
	for _, f := range r.inputs("ciphertext") {
		data, path, err := r.read(f)
		if err != nil {
			return err
		}
		plain, _, err := r.open(data, path)
		if err != nil {
			return err
		}
		if err := r.write(plain, path, false); err != nil {
			return err
		}
	}
	return r.done("Decryption successful")
}

func (r *vaultRun) open(data []byte, path string) ([]byte, *vault.Secret, error) {
	plain, secret, err := r.vault.DecryptWith(data, path)
	if err != nil {
		return nil, nil, fmt.Errorf("%w for %s", err, path)
	}
	return plain, secret, nil
}

func (r *vaultRun) view(ctx context.Context) error {
	for _, f := range r.args {
		data, path, err := r.read(f)
		if err != nil {
			return err
		}
		plain, _, err := r.open(data, path)
		if err != nil {
			return err
		}
		if err := r.page(ctx, plain); err != nil {
			return err
		}
	}
	return nil
}

// page shows text, on a terminal with the user's pager.
func (r *vaultRun) page(ctx context.Context, text []byte) error {
	if isTerminal(r.Out) {
		pager := os.Getenv("PAGER")
		if pager == "" {
			pager = "less"
		}
		if words, err := files.SplitCommand(pager); err == nil && len(words) > 0 {
			if path, err := exec.LookPath(words[0]); err == nil {
				cmd := exec.CommandContext(ctx, path, words[1:]...)
				cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), r.Out, r.Err
				return cmd.Run()
			}
		}
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}
	_, err := r.Out.Write(text)
	return err
}

func (r *vaultRun) rekey(context.Context) error {
	for _, f := range r.args {
		data, path, err := r.read(f)
		if err != nil {
			return err
		}
		plain, _, err := r.open(data, path)
		if err != nil {
			return err
		}
		sealed, err := vault.Encrypt(plain, *r.secret, nil)
		if err != nil {
			return err
		}
		if err := replace(path, sealed, true); err != nil {
			return err
		}
	}
	fmt.Fprintln(r.Err, "Rekey successful")
	return nil
}

func (r *vaultRun) create(ctx context.Context) error {
	path := r.args[0]
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s exists, please use 'edit' instead", path)
	}
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	plain, err := r.editor(ctx, path, nil)
	if err != nil {
		return err
	}
	sealed, err := vault.Encrypt(plain, *r.secret, nil)
	if err != nil {
		return err
	}
	return replace(path, sealed, false)
}

func (r *vaultRun) edit(ctx context.Context) error {
	for _, f := range r.args {
		data, path, err := r.read(f)
		if err != nil {
			return err
		}
		plain, secret, err := r.open(data, path)
		if err != nil {
			return err
		}
		envelope, err := vault.Open(data)
		if err != nil {
			return err
		}
		changed, err := r.editor(ctx, path, plain)
		if err != nil {
			return err
		}
		if bytes.Equal(changed, plain) {
			continue
		}
		// The id stays the file's, whichever secret opened it.
		sealed, err := vault.Encrypt(changed, vault.Secret{ID: envelope.ID, Password: secret.Password}, nil)
		if err != nil {
			return err
		}
		if err := replace(path, sealed, true); err != nil {
			return err
		}
	}
	return nil
}

// editor lets the user change text in a file that only the user can read, in
// memory where the system has a place for that.
func (r *vaultRun) editor(ctx context.Context, name string, text []byte) (_ []byte, err error) {
	dir, err := privateDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "vault"+filepath.Ext(name))
	defer func() {
		if f, e := os.OpenFile(path, os.O_WRONLY, 0); e == nil {
			err = errors.Join(err, wipe(f))
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	editor := os.Getenv("EDITOR")
	if editor == "" {
		editor = "vi"
	}
	words, err := files.SplitCommand(editor)
	if err != nil || len(words) == 0 {
		return nil, fmt.Errorf("EDITOR is no command: %s", editor)
	}
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], path)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.In, r.Out, r.Err
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("Unable to execute the command %q: %w", editor, err)
	}
	return os.ReadFile(path)
}

func privateDir() (string, error) {
	for _, parent := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"} {
		if parent == "" {
			continue
		}
		if dir, err := os.MkdirTemp(parent, "tutti-vault-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "tutti-vault-")
}

// read reads a file, or the standard input; links are followed, so that the
// file behind them is what is written later.
func (r *vaultRun) read(name string) (data []byte, path string, err error) {
	if name == "-" {
		data, err = io.ReadAll(r.In)
		return data, name, err
	}
	path = name
	if real, err := filepath.EvalSymlinks(name); err == nil {
		path = real
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if data, err = os.ReadFile(path); err != nil {
		return nil, "", fmt.Errorf("Unable to read source file (%s): %w", path, err)
	}
	return data, path, nil
}

// write stores data where --output says, else where it came from. secret tells
// that the old content is to be made unreadable.
func (r *vaultRun) write(data []byte, path string, secret bool) (err error) {
	if r.o.output != "" {
		path = r.o.output
	}
	if path == "-" {
		_, err := r.Out.Write(data)
		return err
	}
	if secret {
		if old, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			// Only when the new file is in place: nothing is lost on the way.
			defer func() { err = errors.Join(err, wipe(old)) }()
		}
	}
	return replace(path, data, false)
}

// wipe overwrites a file and closes it. Journals, snapshots and flash memory
// may keep copies all the same.
func wipe(f *os.File) error {
	st, err := f.Stat()
	if err == nil && st.Mode().IsRegular() {
		_, err = io.CopyN(f, zeros{}, st.Size())
		err = errors.Join(err, f.Sync())
	}
	return errors.Join(err, f.Close())
}

// zeros is an endless source of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// replace puts data at path in one step. The file is the user's alone, unless
// it keeps the old one's owner and mode.
func replace(path string, data []byte, keep bool) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once the file is in place
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if st, err := os.Stat(path); err == nil && keep {
		if err := os.Chmod(tmp.Name(), st.Mode().Perm()); err != nil {
			return err
		}
		if own, ok := st.Sys().(*syscall.Stat_t); ok && int(own.Uid) != os.Geteuid() {
			if err := os.Chown(tmp.Name(), int(own.Uid), int(own.Gid)); err != nil {
				return err
			}
		}
	}
	return os.Rename(tmp.Name(), path)
}

// readsInput tells that encrypt_string takes the standard input.
func (r *vaultRun) readsInput() bool {
	if r.o.stdinName != "" || len(r.args) == 0 && !r.o.prompt {
		return true
	}
	for _, a := range r.args {
		if a == "-" {
			return true
		}
	}
	return false
}

// plainText is a text to encrypt, with the name of its variable.
type plainText struct{ text, name, from string }

func (r *vaultRun) encryptString(ctx context.Context) error {
	texts, err := r.texts(ctx)
	if err != nil {
		return err
	}
	var out []string
	for i, t := range texts {
		if t.text == "" {
			return optionsError{fmt.Errorf("The plaintext provided from %s was empty, not encrypting", t.from)}
		}
		sealed, err := vault.Encrypt([]byte(t.text), *r.secret, nil)
		if err != nil {
			return err
		}
		if len(texts) > 1 {
			what := fmt.Sprintf("the string #%d from %s", i+1, t.from)
			if t.name != "" {
				what = fmt.Sprintf("variable (%q, %s)", t.name, what)
			}
			fmt.Fprintf(r.Err, "# The encrypted version of %s.\n", what)
		}
		head := "!vault |"
		if t.name != "" {
			head = t.name + ": " + head
		}
		lines := strings.Split(strings.TrimRight(string(sealed), "\n"), "\n")
		out = append(out, head+"\n          "+strings.Join(lines, "\n          "))
	}
	if err := r.write([]byte(strings.Join(out, "\n")), "-", false); err != nil {
		return err
	}
	return r.done("\nEncryption successful")
}

func (r *vaultRun) texts(ctx context.Context) ([]plainText, error) {
	var out []plainText
	if r.o.prompt {
		name, err := r.prompter.ask(ctx, "Variable name (enter for no name): ", true)
		if err != nil {
			return nil, err
		}
		question := "String to encrypt (hidden): "
		if r.o.showInput {
			question = "String to encrypt: "
		}
		text, err := r.prompter.ask(ctx, question, r.o.showInput)
		if err != nil {
			return nil, err
		}
		out = append(out, plainText{text, name, "the interactive prompt"})
	}
	if r.readsInput() {
		if isTerminal(r.In) {
			fmt.Fprintln(r.Err, "Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not already have a newline)")
		}
		data, err := io.ReadAll(r.In)
		if err != nil {
			return nil, err
		}
		out = append(out, plainText{string(data), r.o.stdinName, "stdin"})
	}
	names := r.o.names
	for _, a := range r.args {
		if a == "-" {
			continue
		}
		t := plainText{text: a, from: "the command line args"}
		if len(names) > 0 {
			t.name, names = names[0], names[1:]
		}
		out = append(out, t)
	}
	return out, nil
}
