package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/template/battery"
	"github.com/tutti-run/tutti/internal/value"
)

// evalOptions are the flags of tutti eval.
type evalOptions struct {
	options
	host   string
	native bool
	jsonl  bool
}

func newEvalCommand(s Streams) *cobra.Command {
	o := &evalOptions{}
	cmd := &cobra.Command{
		Use:   "eval [EXPR]",
		Short: "Evaluate an expression or template, or a series of them",
		Long:  "Evaluate EXPR, or a template if it holds {{ }}, with a host's variables. Without EXPR each line of the input is one.",
		Args:  cobra.MaximumNArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return runEval(cmd.Context(), s, cmd, o, args) },
	}
	f := cmd.Flags()
	o.inventoryFlags(f)
	f.StringVar(&o.host, "host", "", "the host whose variables are used")
	f.BoolVar(&o.native, "native", false, "keep the types of results (jinja2_native)")
	f.BoolVar(&o.jsonl, "jsonl", false, "read cases and write answers, a line of JSON each")
	return cmd
}

func runEval(ctx context.Context, s Streams, cmd *cobra.Command, o *evalOptions, args []string) error {
	if o.jsonl {
		return battery.Run(s.In, s.Out, o.native)
	}
	c, err := config.Load(os.Getenv)
	if err != nil {
		return optionsError{err}
	}
	defer c.Close()
	o.complete(cmd, c)
	dir := o.playbookDir
	if dir == "" {
		dir = "."
	}
	ses, err := open(ctx, s, &o.options, c, dir)
	if err != nil {
		return err
	}
	if o.native {
		ses.engine = template.New(template.Options{Native: true})
	}
	scope := ses.vars.NewPlay(nil).Scope(nil, nil)
	if o.host != "" {
		h := ses.inventory.LookupHost(o.host)
		if h == nil {
			return fmt.Errorf("no host %s in the inventory", o.host)
		}
		scope = ses.vars.NewPlay(nil).Scope(h, nil)
	}
	tc := &template.Context{Ctx: ctx, Vars: scope, Env: ses.env()}
	if len(args) == 1 {
		return ses.evalOne(tc, args[0])
	}
	lines := bufio.NewScanner(s.In)
	for lines.Scan() {
		if text := strings.TrimSpace(lines.Text()); text != "" {
			if err := ses.evalOne(tc, text); err != nil {
				fmt.Fprintf(s.Err, "ERROR! %v\n", err)
			}
		}
	}
	return lines.Err()
}

func (ses *session) evalOne(c *template.Context, text string) error {
	var v any
	var err error
	if value.HasMarkers(text) {
		v, err = ses.engine.Resolve(c, value.Text(text, diag.Pos{}))
	} else {
		v, err = ses.engine.Expr(c, text, diag.Pos{})
	}
	if err != nil {
		return err
	}
	if t, ok := v.(string); ok {
		fmt.Fprintln(ses.Out, t)
		return nil
	}
	fmt.Fprintf(ses.Out, "%s\n", value.JSON{Indent: 4}.Append(nil, v))
	return nil
}

// diagNowhere is the place of text that Tutti makes itself.
var diagNowhere diag.Pos
