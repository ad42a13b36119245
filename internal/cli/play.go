package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/executor"
	"github.com/tutti-run/tutti/internal/lint"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/yaml"
)

// playOptions are the flags of tutti play.
type playOptions struct {
	options
	listHosts, listTasks, listTags bool
	syntaxCheck, step              bool
	startAt                        string
}

func newPlayCommand(s Streams) *cobra.Command {
	o := &playOptions{}
	cmd := &cobra.Command{
		Use:   "play PLAYBOOK...",
		Short: "Run playbooks (as ansible-playbook)",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("name at least one playbook")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runPlay(cmd.Context(), s, cmd, o, args) },
	}
	f := cmd.Flags()
	o.inventoryFlags(f)
	o.runFlags(f)
	f.StringArrayVarP(&o.tags, "tags", "t", nil, "only tasks with one of these tags")
	f.StringArrayVar(&o.skipTags, "skip-tags", nil, "leave out tasks with one of these tags")
	f.BoolVar(&o.listHosts, "list-hosts", false, "list the hosts and do nothing")
	f.BoolVar(&o.listTasks, "list-tasks", false, "list the tasks and do nothing")
	f.BoolVar(&o.listTags, "list-tags", false, "list the tags and do nothing")
	f.BoolVar(&o.syntaxCheck, "syntax-check", false, "read the playbook and do nothing")
	f.BoolVar(&o.step, "step", false, "ask before each task")
	f.StringVar(&o.startAt, "start-at-task", "", "begin at the task of this name")
	f.BoolVar(&o.flushCache, "flush-cache", false, "forget the cached facts of the hosts first")
	f.BoolVar(&o.forceHandlers, "force-handlers", false, "run notified handlers even on hosts that failed")
	return cmd
}

// runPlay reads the playbooks, then plays them or lists what they hold.
func runPlay(ctx context.Context, s Streams, cmd *cobra.Command, o *playOptions, books []string) error {
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
	if o.verbose > 0 {
		fmt.Fprintln(verboseTo(s, c), usedFile(c))
	}
	listing := o.listHosts || o.listTasks || o.listTags || o.syntaxCheck
	ses.loader.LenientArgs = listing
	if err := ses.checkLimit(); err != nil {
		return err
	}
	read, err := ses.read(books)
	if err != nil {
		return err
	}
	if listing {
		return ses.listBooks(ctx, read, books, o)
	}
	if err := ses.enter(); err != nil {
		return err
	}
	ses.what = books
	return ses.play(ctx, read, o)
}

// enter goes to the playbook's folder, where Ansible runs what it runs on this
// machine: modules of local connections, lookups, scripts. What the user named
// by a relative path keeps its meaning.
func (ses *session) enter() error {
	absolute := func(path string) string {
		if path == "" || strings.HasPrefix(path, "~") {
			return path
		}
		if abs, err := filepath.Abs(path); err == nil {
			return abs
		}
		return path
	}
	for i, s := range ses.options.inventory {
		if _, err := os.Stat(s); err == nil {
			ses.options.inventory[i] = absolute(s)
		}
	}
	ses.inventory.Sources = ses.options.inventory
	ses.privateKey, ses.eventsFile = absolute(ses.privateKey), absolute(ses.eventsFile)
	if _, _, err := net.SplitHostPort(ses.metricsFile); err != nil {
		ses.metricsFile = absolute(ses.metricsFile)
	}
	ses.policy = absolute(ses.policy)
	for i, m := range ses.modulePath {
		ses.modulePath[i] = absolute(m)
	}
	return os.Chdir(ses.baseDir)
}

// playbookPaths checks that the playbooks are there. Those of collections may be
// named as namespace.collection.playbook.
func playbookPaths(c *config.Config, books []string) ([]string, error) {
	for i, b := range books {
		st, err := os.Stat(b)
		if err != nil {
			if p := playbook.CollectionPlaybook(collectionRoots(c), b); p != "" {
				books[i] = p
				continue
			}
			return nil, fmt.Errorf("the playbook: %s could not be found", b)
		}
		if st.IsDir() {
			return nil, fmt.Errorf("the playbook: %s does not appear to be a file", b)
		}
	}
	return books, nil
}

// checkLimit refuses a --limit that leaves nobody.
func (ses *session) checkLimit() error {
	if ses.limit == "" {
		return nil
	}
	var err error
	if ses.subset, err = limitParts(ses.limit); err != nil {
		return err
	}
	hosts, missing, err := ses.inventory.MatchParts(ses.subset)
	if err != nil {
		return err
	}
	if err := ses.mismatch(missing); err != nil {
		return err
	}
	if len(hosts) == 0 && len(ses.inventory.Hosts()) > 0 {
		return fmt.Errorf("Specified hosts and/or --limit does not match any hosts")
	}
	return nil
}

// mismatch says which parts of a pattern match nobody, as the configuration
// wants it: as a warning, as an error, or not at all.
func (ses *session) mismatch(missing []string) error {
	for _, m := range missing {
		text := "Could not match supplied host pattern, ignoring: " + m
		switch ses.config.Text("HOST_PATTERN_MISMATCH") {
		case "error":
			return errors.New(text)
		case "warning":
			ses.warn(text)
		}
	}
	return nil
}

// yamlWarning shows a warning of the YAML reader. Keys that a dict has twice
// are an error, or nothing, where the configuration says so.
func (ses *session) yamlWarning(p *diag.Problem) error {
	if yaml.IsDuplicateKey(p) {
		switch ses.config.Text("DUPLICATE_YAML_DICT_KEY") {
		case "error":
			return &diag.Problem{Pos: p.Pos, Msg: p.Msg}
		case "ignore":
			return nil
		}
	}
	if p.Deprecated {
		ses.deprecated(p.Msg)
		return nil
	}
	ses.warn(p.Error())
	return nil
}

// read reads all playbooks and reports all that is wrong with them together.
func (ses *session) read(books []string) ([]*playbook.Playbook, error) {
	var out []*playbook.Playbook
	var problems problemList
	for _, b := range books {
		pb, err := ses.loader.Playbook(b)
		problems.add(err)
		out = append(out, pb)
	}
	for _, w := range ses.loader.Warnings() {
		problems.add(ses.yamlWarning(w))
	}
	err := problems.err()
	var all diag.Problems
	if errors.As(err, &all) && ses.sealed.Load() {
		// What is written may be right: a vault that no password opens is none of
		// what cannot be parsed.
		for _, p := range all {
			p.General = true
		}
	}
	return out, err
}

func (ses *session) play(ctx context.Context, books []*playbook.Playbook, o *playOptions) error {
	r, closer, err := ses.newRun(ctx)
	if err != nil {
		return err
	}
	defer closer()
	for _, p := range lint.Rates(books, ses.registry, r.Policy) {
		ses.warn(p.Error())
	}
	r.StartAt, r.ForceHandlers = o.startAt, o.forceHandlers
	if o.step {
		r.Step = ses.step(ctx)
	}
	if o.flushCache && r.Facts != nil {
		for _, h := range ses.inventory.Hosts() {
			if err := r.Facts.Clear(h.Name); err != nil {
				ses.warn(err.Error())
			}
		}
	}
	res, err := executor.New(*r).Play(ctx, books)
	return finish(res, err)
}

// finish turns the end of a run into the exit code.
func finish(res executor.Result, err error) error {
	switch {
	case err != nil:
		return err
	case res.Interrupted:
		return exitCode(exitInterrupted)
	case res.Unreachable:
		return exitCode(exitUnreachable)
	case res.Failed:
		return exitCode(exitFailed)
	}
	return nil
}

// step asks before each task.
func (ses *session) step(ctx context.Context) func(task, host string) (run, ask bool) {
	return func(task, host string) (bool, bool) {
		answer, err := ses.prompter.ask(ctx, fmt.Sprintf("Perform task: TASK: %s (N)o/(y)es/(c)ontinue: ", task), true)
		if err != nil {
			return false, true
		}
		switch answer {
		case "y", "yes", "Y":
			return true, true
		case "c", "continue", "C":
			return true, false
		}
		return false, true
	}
}
