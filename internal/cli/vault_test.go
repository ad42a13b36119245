package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tutti runs the program and returns what it printed.
func tutti(t *testing.T, stdin string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Main(append([]string{"tutti"}, args...), strings.NewReader(stdin), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestVault(t *testing.T) {
	t.Setenv("ANSIBLE_CONFIG", "/nonexistent")
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pw, next, empty := file("pw", "one\n", 0o600), file("next", "two\n", 0o600), file("empty", "\n", 0o600)
	script := file("ids-client", "#!/bin/sh\necho \"$1 $2\" >>"+dir+"/seen\necho one\n", 0o755)
	editor := file("editor", "#!/bin/sh\necho changed >\"$1\"\n", 0o755)
	t.Setenv("EDITOR", editor)
	secret := file("secret.yml", "a: 1\n", 0o644)
	head := func(want string) {
		t.Helper()
		data, err := os.ReadFile(secret)
		if err != nil || !strings.HasPrefix(string(data), want) {
			t.Errorf("the file begins %.40q, want %q (%v)", data, want, err)
		}
	}
	for _, c := range []struct {
		name string
		in   string
		args []string
		code int
		out  string // part of the output
		err  string // part of what is said besides
		head string // of the file afterwards
	}{
		{"no password", "", []string{"view", secret, "--vault-password-file", "/nonexistent"}, 1, "", "was not found", "a: 1"},
		{"empty password", "", []string{"encrypt", secret, "--vault-id", empty}, 1, "", "empty", "a: 1"},
		{"two secrets", "", []string{"encrypt", secret, "--vault-id", "x@" + pw, "--vault-id", "y@" + next}, 5, "", "Specify the vault-id", "a: 1"},
		{"unknown id", "", []string{"encrypt", secret, "--vault-id", "x@" + pw, "--encrypt-vault-id", "z"}, 1, "", "known vault-ids ['x']", "a: 1"},
		{"encrypt", "", []string{"encrypt", secret, "--vault-password-file", pw}, 0, "", "", "$ANSIBLE_VAULT;1.1;AES256\n"},
		{"encrypt twice", "", []string{"encrypt", secret, "--vault-password-file", pw}, 1, "", "already encrypted", "$ANSIBLE_VAULT;1.1"},
		{"view", "", []string{"view", secret, "--vault-password-file", next, "--vault-password-file", pw}, 0, "a: 1\n", "", "$ANSIBLE_VAULT;1.1"},
		{"a client's secret", "", []string{"view", secret, "--vault-id", "prod@" + script}, 0, "a: 1\n", "", "$ANSIBLE_VAULT;1.1"},
		{"wrong password", "", []string{"view", secret, "--vault-id", next}, 1, "", "Decryption failed", "$ANSIBLE_VAULT;1.1"},
		{"edit keeps the version", "", []string{"edit", secret, "--vault-id", "x@" + pw}, 0, "", "", "$ANSIBLE_VAULT;1.1"},
		{"edited", "", []string{"view", secret, "--vault-id", pw}, 0, "changed\n", "", "$ANSIBLE_VAULT;1.1"},
		{"both new ones", "", []string{"rekey", secret, "--vault-id", pw, "--new-vault-id", "a", "--new-vault-password-file", next}, 2, "", "exclude", "$ANSIBLE_VAULT;1.1"},
		{"rekey", "", []string{"rekey", secret, "--vault-id", pw, "--new-vault-id", "n@" + next}, 0, "", "Rekey successful", "$ANSIBLE_VAULT;1.2;AES256;n\n"},
		{"decrypt", "", []string{"decrypt", secret, "--vault-id", next, "--output", "-"}, 0, "changed\n", "", "$ANSIBLE_VAULT;1.2"},
		{"decrypt in place", "", []string{"decrypt", secret, "--vault-id", next}, 0, "", "", "changed\n"},
		{"a value", "", []string{"encrypt_string", "--vault-id", pw, "-n", "k", "text"}, 0, "k: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n", "", "changed"},
		{"a value from the input", "text", []string{"encrypt_string", "--vault-id", pw, "--stdin-name", "k"}, 0, "k: !vault |", "", "changed"},
		{"no value", "", []string{"encrypt_string", "--vault-id", pw}, 5, "", "empty", "changed"},
		{"create over a file", "", []string{"create", secret, "--vault-id", pw}, 1, "", "use 'edit'", "changed"},
	} {
		code, out, errOut := tutti(t, c.in, append([]string{"vault"}, c.args...)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errOut, c.err) {
			t.Errorf("%s: code %d, output %q, errors %q; want %d, %q, %q", c.name, code, out, errOut, c.code, c.out, c.err)
		}
		head(c.head)
	}
	if seen, _ := os.ReadFile(filepath.Join(dir, "seen")); string(seen) != "--vault-id prod\n" {
		t.Errorf("the client was called with %q", seen)
	}
}
