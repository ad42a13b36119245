package cli

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/executor"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/output/minimal"
	"github.com/tutti-run/tutti/internal/output/text"
	"github.com/tutti-run/tutti/internal/playbook"
)

// runOptions are the flags of tutti run.
type runOptions struct {
	options
	module, args string
	background   int
	poll         int
	taskTimeout  int
	oneLine      bool
	listHosts    bool
	tree         string
}

func newRunCommand(s Streams) *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run PATTERN -m MODULE -a ARGS",
		Short: "Run one module on hosts (as ansible)",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("give one host pattern, got %d", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runRun(cmd.Context(), s, cmd, o, args[0]) },
	}
	f := cmd.Flags()
	o.inventoryFlags(f)
	o.runFlags(f)
	f.StringVarP(&o.module, "module-name", "m", "", "the module to run (command)")
	f.StringVarP(&o.args, "args", "a", "", "the module's arguments")
	f.IntVarP(&o.background, "background", "B", 0, "run in the background, for at most so many seconds")
	f.IntVarP(&o.poll, "poll", "P", -1, "seconds between looks at the background job")
	f.IntVar(&o.taskTimeout, "task-timeout", 0, "seconds after which the task is given up")
	f.BoolVarP(&o.oneLine, "one-line", "o", false, "show each result on one line")
	f.BoolVar(&o.listHosts, "list-hosts", false, "list the hosts and do nothing")
	f.StringVarP(&o.tree, "tree", "t", "", "write each host's result to a file in this folder")
	return cmd
}

// runRun runs one task on the hosts of a pattern.
func runRun(ctx context.Context, s Streams, cmd *cobra.Command, o *runOptions, pattern string) error {
	c, err := config.Load(os.Getenv)
	if err != nil {
		return optionsError{err}
	}
	defer c.Close()
	o.complete(cmd, c)
	dir := o.playbookDir
	if dir == "" {
		dir = c.Path("PLAYBOOK_DIR")
	}
	if dir == "" {
		dir = "."
	}
	ses, err := open(ctx, s, &o.options, c, dir)
	if err != nil {
		return err
	}
	if o.verbose > 0 {
		fmt.Fprintln(verboseTo(s, c), usedFile(c))
	}
	if err := ses.checkLimit(); err != nil {
		return err
	}
	hosts, missing, err := ses.inventory.Match(pattern)
	if err != nil {
		return err
	}
	if err := ses.mismatch(missing); err != nil {
		return err
	}
	if len(ses.subset) > 0 {
		limited, _, err := ses.inventory.MatchParts(ses.subset)
		if err != nil {
			return err
		}
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(h *inventory.Host) bool { return !slices.Contains(limited, h) })
	}
	if len(ses.subset) > 0 && len(hosts) == 0 && len(ses.inventory.Hosts()) > 0 {
		return fmt.Errorf("Specified inventory, host pattern and/or --limit leaves us with no hosts to target.")
	}
	if o.listHosts {
		fmt.Fprintf(s.Out, "  hosts (%d):\n", len(hosts))
		for _, h := range hosts {
			fmt.Fprintf(s.Out, "    %s\n", h.Name)
		}
		return nil
	}
	if len(hosts) == 0 {
		ses.warn("No hosts matched, nothing to do")
		return nil
	}
	if o.module == "" {
		o.module = c.Text("DEFAULT_MODULE_NAME")
	}
	if o.args == "" {
		o.args = c.Text("DEFAULT_MODULE_ARGS")
	}
	if o.args == "" && (o.module == "command" || o.module == "shell" || o.module == "script" || o.module == "raw") {
		return optionsError{fmt.Errorf("No argument passed to %s module", o.module)}
	}
	if o.taskTimeout == 0 {
		o.taskTimeout = c.Int("TASK_TIMEOUT")
	}
	if o.poll < 0 {
		o.poll = c.Int("DEFAULT_POLL_INTERVAL")
	}
	pb, err := ses.loader.AdHoc(ses.baseDir, pattern, o.module, o.args, o.background, o.poll, o.taskTimeout)
	if err != nil {
		return err
	}
	if c.Text("DEFAULT_STDOUT_CALLBACK") == "oneline" && c.Bool("DEFAULT_LOAD_CALLBACK_PLUGINS") {
		o.oneLine = true
	}
	ses.minimal = &minimal.Options{OneLine: o.oneLine}
	ses.tree = o.tree
	ses.what = []string{pattern, "-m", o.module}
	r, closer, err := ses.newRun(ctx)
	if err != nil {
		return err
	}
	defer closer()
	res, err := executor.New(*r).Play(ctx, []*playbook.Playbook{pb})
	return finish(res, err)
}

// minimalSink shows results as the ansible command does.
func (ses *session) minimalSink(color bool, o text.Options) event.Sink {
	m := *ses.minimal
	m.Out, m.Err, m.Color, m.Colors, m.Verbosity = o.Out, o.Err, color, o.Colors, ses.verbose
	diffs := text.New(o)
	m.Diff = diffs.Diff
	return minimal.New(m).Tell
}
