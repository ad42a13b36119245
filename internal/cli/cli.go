// Package cli is the command line: flags, configuration, wiring and exit
// codes. Each command is a file with a newXCommand that knows flags and a runX
// that does not.
//
// Called under the name of one of Ansible's commands (a link), Tutti is that
// command. Begin with Main.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/internal/agent"
	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/target/all"
	"github.com/tutti-run/tutti/internal/secret"
)

// Version is set by the linker in releases.
var Version = "0.1.0-dev"

// Unheld switches all enforcement of hints off. No flag and no setting does:
// it is for tests that have to see others fail.
var Unheld bool

// Streams are a command's input and output.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	// secrets are what came out of vaults, which neither of the outputs shows.
	secrets *secret.Set
}

// The exit codes, as Ansible's.
const (
	exitOK          = 0
	exitError       = 1
	exitFailed      = 2 // hosts failed, or the command line is wrong
	exitUnreachable = 4
	exitParser      = 4 // what the user wrote cannot be understood
	exitOptions     = 5
	exitInterrupted = 99
)

// exitCode is an error that only carries an exit code: everything has been
// said already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a mistake in the command line.
type usageError struct{ error }

// optionsError is a command line that is well formed and makes no sense.
type optionsError struct{ error }

func (e optionsError) Unwrap() error { return e.error }

// aliases are the names under which Tutti stands in for Ansible's commands.
var aliases = map[string]string{
	"ansible-playbook": "play", "ansible": "run", "ansible-inventory": "inventory", "ansible-vault": "vault",
	"ansible-galaxy": "galaxy", "ansible-doc": "doc", "ansible-config": "config", "ansible-pull": "pull",
}

// instead says what does the work of Ansible's commands that Tutti has not.
var instead = map[string]string{
	"ansible-console": "; 'ansible PATTERN -m MODULE -a ARGUMENTS' runs one task on many hosts",
	"ansible-test":    "; it tests Ansible itself and its collections",
}

// Main runs the command line and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 1 && args[1] == "agent" {
		// The program is its own agent in builds that have none embedded.
		return agent.Main([]string{"/proc/self/exe", "agent"}, args[2:], module.NewRegistry(all.Targets(), nil))
	}
	if err := checkLocale("/usr/lib/locale"); err != nil {
		fmt.Fprintln(stderr, "ERROR:", err)
		return exitError
	}
	_, _ = startDir()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // most runs are over before much has to be collected
	}
	name := filepath.Base(args[0])
	words := args[1:]
	secrets := &secret.Set{}
	stderr = secrets.Writer(stderr)
	root := newRoot(Streams{stdin, stdout, stderr, secrets})
	if _, known := aliases[name]; strings.HasPrefix(name, "ansible-") && !known {
		fmt.Fprintf(stderr, "tutti: there is no %s here%s\n", name, instead[name])
		return exitFailed
	}
	if command, ok := aliases[name]; ok {
		words = append([]string{command}, words...)
		if len(words) > 1 && words[1] == "--version" {
			words = []string{"version", "--as", name}
		}
	}
	root.SetArgs(words)
	ctx, stop := interruptible(stderr)
	defer stop()
	understood := false
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	err := root.ExecuteContext(ctx)
	if err != nil && !understood {
		err = usageError{err} // cobra's own errors have no type
	}
	return code(err, stderr)
}

func newRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "tutti",
		Short:         "Run Ansible playbooks, everything in parallel that can be",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
			var names []string
			c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
			if near := diag.Nearest(name, names); near != "" {
				err = fmt.Errorf("%w; did you mean --%s?", err, near)
			}
		}
		return usageError{err}
	})
	for _, make := range commands {
		root.AddCommand(make(s))
	}
	return root
}

// commands lists every command.
var commands = []func(Streams) *cobra.Command{
	newPlayCommand, newRunCommand, newPullCommand, newInventoryCommand, newVaultCommand, newConfigCommand, newDocCommand, newGalaxyCommand, newEvalCommand, newHintsCommand, newLocksCommand, newVerifyCommand, newVersionCommand,
}

// subcommand is what a command does that only has commands below it.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return usageError{fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())}
}

// code says what was wrong and turns it into an exit code.
func code(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	var exit exitCode
	if errors.As(err, &exit) {
		return int(exit)
	}
	var usage usageError
	var options optionsError
	var problems diag.Problems
	var problem *diag.Problem
	switch {
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "tutti: %v\nSee 'tutti --help'.\n", usage.error)
		return exitFailed
	case errors.As(err, &options) && errors.As(err, &problem):
		showProblems(stderr, diag.Problems{problem})
		return exitOptions
	case errors.As(err, &options):
		fmt.Fprintf(stderr, "ERROR! %v\n", options.error)
		return exitOptions
	case errors.As(err, &problems):
		showProblems(stderr, problems)
		return parserCode(problems[0])
	case errors.As(err, &problem):
		showProblems(stderr, diag.Problems{problem})
		return parserCode(problem)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "[ERROR]: User interrupted execution")
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "ERROR! %v\n", err)
	return exitError
}

// parserCode is the exit code of problems: Ansible ends with the first one.
func parserCode(first *diag.Problem) int {
	switch {
	case first.Options:
		return exitOptions
	case first.General:
		return exitError
	}
	return exitParser
}

// showProblems prints problems with the lines that they are about.
func showProblems(w io.Writer, ps diag.Problems) {
	for i, p := range ps {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "ERROR! %s\n", p.Msg)
		if p.Pos.IsValid() {
			fmt.Fprintf(w, "  at %s\n", short(p.Pos))
			fmt.Fprint(w, diag.Excerpt(p.Pos))
		}
		if p.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", p.Hint)
		}
	}
	if len(ps) > 1 {
		fmt.Fprintf(w, "\n%d problems; no host was touched.\n", len(ps))
	}
}

// startDir is the folder in which the user called us.
var startDir = sync.OnceValues(os.Getwd)

// short shows a position relative to the current folder where that is shorter.
func short(p diag.Pos) string {
	if wd, err := startDir(); err == nil {
		if rel, err := filepath.Rel(wd, p.File); err == nil && !strings.HasPrefix(rel, "../..") {
			p.File = rel
		}
	}
	return p.String()
}
