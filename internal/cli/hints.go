package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/lint"
	"github.com/tutti-run/tutti/internal/module"
	controls "github.com/tutti-run/tutti/internal/module/control/all"
	targets "github.com/tutti-run/tutti/internal/module/target/all"
	"github.com/tutti-run/tutti/internal/policy"
	"github.com/tutti-run/tutti/parallel"
)

// hintsOptions are the flags of tutti hints.
type hintsOptions struct {
	options
	lint bool
}

func newHintsCommand(s Streams) *cobra.Command {
	o := &hintsOptions{}
	cmd := &cobra.Command{
		Use:   "hints [MODULE...]",
		Short: "Show what may run at the same time, and who says so",
		Long: `Show each module's hint and where it comes from: the module itself, the table
for modules of collections, or the operator's policy. With --lint, look at
playbooks for hints that are missing, contradict each other, or add nothing.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.lint {
				return runLint(cmd.Context(), s, cmd, o, args)
			}
			return runHints(s, o, args)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.lint, "lint", false, "the arguments are playbooks: look at their hints")
	f.StringVar(&o.policy, "policy", "", "the operator's policy")
	o.inventoryFlags(f)
	return cmd
}

func runHints(s Streams, o *hintsOptions, names []string) error {
	ses := &session{Streams: s, options: &o.options}
	operators, err := ses.operatorPolicy()
	if err != nil {
		return err
	}
	r := module.NewRegistry(targets.Targets(), controls.Controls())
	rows := [][3]string{{"MODULE", "HINT", "SAID BY"}}
	if len(names) > 0 {
		for _, name := range names {
			full, native := r.Resolve(name)
			if !native && strings.Count(name, ".") < 2 {
				return fmt.Errorf("no module %s is built in; modules of collections are named in full, such as amazon.aws.ec2_ami", name)
			}
			rows = append(rows, hintRow(r, operators, full))
		}
		writeRows(s.Out, rows)
		return nil
	}
	for _, n := range r.Names() {
		if spec := r.Spec(n); spec.Name == n {
			rows = append(rows, hintRow(r, operators, n))
		}
	}
	for _, rule := range policy.Shipped() {
		rows = append(rows, [3]string{rule.Module, strings.Join(rule.Hints, ", "), "the shipped table, for modules that are not native"})
	}
	rows = append(rows, [3]string{"*", "HostExclusive", "a module that says nothing is alone on its machine"})
	if operators != nil {
		for _, rule := range operators.Loosen {
			rows = append(rows, [3]string{about(rule), strings.Join(rule.Hints, ", "), rule.Pos.String() + " (loosens)"})
		}
		for _, rule := range operators.Rules {
			rows = append(rows, [3]string{about(rule), strings.Join(rule.Hints, ", "), rule.Pos.String() + " (adds)"})
		}
	}
	writeRows(s.Out, rows)
	return nil
}

func about(r policy.Rule) string {
	if r.Command != "" {
		return "'" + r.Command + "'"
	}
	return r.Module
}

// hintRow is a module's line: what holds for it, whatever its arguments.
func hintRow(r *module.Registry, operators *policy.Policy, n module.Name) [3]string {
	t := policy.Task{Module: string(n)}
	spec := r.Spec(n)
	if spec != nil {
		t.Own = spec.Hints
		if t.Own == nil { // it depends on the arguments
			t.Own = []parallel.Hint{parallel.Free()}
		}
	}
	d, err := operators.Decide(t)
	if err != nil {
		return [3]string{string(n), "", err.Error()}
	}
	var hints []string
	for _, h := range d.Hints {
		hints = append(hints, h.String())
	}
	if spec != nil && spec.HintDoc != "" {
		hints = []string{spec.HintDoc}
	}
	return [3]string{string(n), strings.Join(hints, ", "), strings.Join(d.Sources, ", ")}
}

func writeRows(w io.Writer, rows [][3]string) {
	var width [2]int
	for _, r := range rows {
		width[0], width[1] = max(width[0], len(r[0])), max(width[1], len(r[1]))
	}
	for _, r := range rows {
		fmt.Fprintf(w, "%-*s  %-*s  %s\n", width[0], r[0], width[1], r[1], r[2])
	}
}

// runLint reads playbooks and says what is doubtful about their hints.
func runLint(ctx context.Context, s Streams, cmd *cobra.Command, o *hintsOptions, books []string) error {
	if len(books) == 0 {
		return usageError{fmt.Errorf("name at least one playbook")}
	}
	c, err := config.Load(os.Getenv)
	if err != nil {
		return optionsError{err}
	}
	defer c.Close()
	o.complete(cmd, c)
	if books, err = playbookPaths(c, books); err != nil {
		return err
	}
	ses, err := open(ctx, s, &o.options, c, filepath.Dir(books[0]))
	if err != nil {
		return err
	}
	operators, err := ses.operatorPolicy()
	if err != nil {
		return err
	}
	ses.loader.LenientArgs = true
	read, err := ses.read(books)
	if err != nil {
		return err
	}
	found := lint.Hints(read, ses.registry, operators)
	for _, p := range found {
		fmt.Fprintln(s.Out, p.Error())
	}
	if len(found) > 0 {
		return exitCode(exitFailed)
	}
	fmt.Fprintln(s.Out, "nothing to say about the hints")
	return nil
}
