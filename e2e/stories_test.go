// Package e2e holds the users' stories: scripts of playbook, inventory,
// command and expected output, run against the real program.
package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tutti-run/tutti/internal/cli"
	"github.com/tutti-run/tutti/internal/vault"
)

// tests lets the lab, where there is one, end after the last test.
type tests struct{ *testing.M }

func (t tests) Run() int {
	defer lastly()
	return t.M.Run()
}

func TestMain(m *testing.M) {
	firstly()
	command := func() { os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
	// The program without any enforcement: what a test of a hint has to fail with.
	unheld := func() {
		cli.Unheld = true
		command()
	}
	testscript.Main(tests{m}, map[string]func(){"tutti": command, "tutti-unheld": unheld, "ansible-playbook": command, "ansible": command, "ansible-inventory": command})
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("ANSIBLE_LOCALHOST_WARNING", "0")
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("USER", "tester")
			e.Setenv("TUTTI_LOCK_DIR", filepath.Join(e.WorkDir, "locks"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"encrypt": encrypt},
	})
}

// encrypt FILE PASSWORD turns a file of the script into a vault.
func encrypt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: encrypt FILE PASSWORD")
	}
	data, err := vault.Encrypt([]byte(ts.ReadFile(args[0])), vault.Secret{Password: []byte(args[1])}, nil)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}
