package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/agent/client"
	"github.com/tutti-run/tutti/internal/agent/embedded"
	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/executor"
	"github.com/tutti-run/tutti/internal/factcache"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/output/json"
	"github.com/tutti-run/tutti/internal/output/log"
	"github.com/tutti-run/tutti/internal/output/metrics"
	"github.com/tutti-run/tutti/internal/python"
	"github.com/tutti-run/tutti/internal/transport/all"
	"github.com/tutti-run/tutti/parallel"
)

// problemList gathers the problems of several playbooks.
type problemList struct {
	diag.Problems
	other error
}

func (l *problemList) add(err error) {
	var ps diag.Problems
	var p *diag.Problem
	switch {
	case err == nil:
	case errors.As(err, &ps):
		l.Problems = append(l.Problems, ps...)
	case errors.As(err, &p):
		l.Problems = append(l.Problems, p)
	case l.other == nil:
		l.other = err
	}
}

func (l *problemList) err() error {
	if err := l.Problems.Err(); err != nil {
		return err
	}
	return l.other
}

// newRun wires a run: connections, locks, output. The closer ends all of it.
func (ses *session) newRun(ctx context.Context) (*executor.Options, func(), error) {
	operators, err := ses.operatorPolicy()
	if err != nil {
		return nil, nil, err
	}
	defaults, becomePass, err := ses.connectionDefaults(ctx)
	if err != nil {
		return nil, nil, err
	}
	if defaults.Password != "" && !ses.vars.Options.Has("ansible_password") {
		ses.vars.Options.Set("ansible_password", defaults.Password)
	}
	runID := newRunID()
	sinks, closeLog, err := ses.sinks()
	if err != nil {
		return nil, nil, err
	}
	lines, closeLines, err := ses.eventLines()
	if err != nil {
		closeLog()
		return nil, nil, err
	}
	if lines != nil {
		sinks = append(sinks, lines)
	}
	if logged, err := log.New(ses.Err, os.Getenv("TUTTI_LOG")); err != nil {
		return nil, nil, optionsError{err}
	} else if logged != nil {
		sinks = append(sinks, logged)
	}
	var measured event.Sink
	sink := ses.secrets.Sink(event.Events(append(sinks, func(e event.Event) {
		if measured != nil {
			measured(e)
		}
	})...))
	p := client.NewPool(client.Options{
		Dialers: all.Dialers(), Agents: embedded.Builtin("agent"), Registry: ses.registry, Self: []string{"/proc/self/exe", "agent"}, Holder: holder(runID),
		Notice: func(host string, call *module.Call, n wire.Notice) { sink(waiting(host, call, n)) },
	})
	coordinate, dir, closeShared := shared(holder(runID))
	locks := parallel.New(parallel.Options{Coordinate: coordinate, Disabled: Unheld, Observe: func(e parallel.Event) {
		l := event.Lock{Step: e.Kind.String(), Time: e.Time, Key: e.Key, Owner: e.Owner, Holder: e.Holder, Queue: e.Queue, Waited: e.Waited, Rate: e.Rate, Burst: e.Burst}
		if !e.Since.IsZero() {
			l.Held = e.Time.Sub(e.Since)
		}
		sink(l)
	}})
	quiet := ses.announce(dir, runID, locks.Stats)
	m, closeMetrics, err := ses.metrics(locks.Stats)
	if m != nil {
		measured = m.Tell
	}
	closer := func() {
		p.Close()
		quiet()
		closeMetrics()
		closeShared()
		closeLines()
		closeLog()
	}
	if err != nil {
		closer()
		return nil, nil, err
	}
	c := ses.config
	o := &executor.Options{
		Managed:   c.Text("DEFAULT_MANAGED_STR"),
		Inventory: ses.inventory, Refresh: ses.loadInventory, Loader: ses.loader, Engine: ses.engine, Vars: ses.vars, Modules: ses.registry,
		Locks: locks, Policy: operators, Targets: pool{p}, Events: sink, RunID: runID, Forks: ses.forks, Check: ses.options.check, Diff: ses.options.diff, Verbosity: ses.verbose,
		Only: ses.tags, Skip: ses.skipTags, Subset: ses.subset, Strategy: c.Text("DEFAULT_STRATEGY"), Gathering: c.Text("DEFAULT_GATHERING"),
		GatherSubset: c.List("DEFAULT_GATHER_SUBSET"), GatherTimeout: c.Int("DEFAULT_GATHER_TIMEOUT"), FactPath: c.Path("DEFAULT_FACT_PATH"),
		Native: c.Bool("DEFAULT_JINJA2_NATIVE"), NoTargetLog: c.Bool("DEFAULT_NO_TARGET_SYSLOG"), NoLog: c.Bool("DEFAULT_NO_LOG"), ErrorOnMissingHandler: c.Bool("ERROR_ON_MISSING_HANDLER"), AnyErrorsFatal: c.Bool("ANY_ERRORS_FATAL"),
		Connection: defaults, Become: ses.become, BecomePassword: becomePass, BecomeSetting: c.Become, ReadFile: ses.readContent, Shown: ses.secrets.Text, LoadVars: ses.loadVars,
		Python:   &python.Runner{Ansible: ansibleDirs(), Utils: append([]string{filepath.Join(ses.baseDir, "module_utils")}, c.List("DEFAULT_MODULE_UTILS_PATH")...), Collections: ses.collectionPaths(), OpenFiles: c.Int("PYTHON_MODULE_RLIMIT_NOFILE")},
		Mismatch: ses.mismatch, Prompt: ses.ask, Pause: ses.pause, Env: *ses.env(),
	}
	if o.Facts, err = ses.factCache(); err != nil {
		closer()
		return nil, nil, err
	}
	if o.Facts != nil {
		ses.vars.Cached = o.Facts.Load
	}
	return o, closer, nil
}

// waiting tells of a lock on a target that another run, or another controller,
// holds.
func waiting(host string, call *module.Call, n wire.Notice) event.Lock {
	l := event.Lock{Step: parallel.Waiting.String(), Time: time.Now(), Key: "target:" + host, Owner: call.Task, Holder: n.Holder}
	if n.Resource != "" {
		l.Key += "/" + n.Resource
	}
	if !n.Waiting {
		l.Step = parallel.Acquired.String()
	}
	if !n.Since.IsZero() {
		l.Held = l.Time.Sub(n.Since)
	}
	return l
}

// factCache is where facts are kept between runs, if the configuration says so.
func (ses *session) factCache() (executor.FactCache, error) {
	c := ses.config
	switch plugin := strings.TrimPrefix(c.Text("CACHE_PLUGIN"), "ansible.builtin."); plugin {
	case "", "memory":
		return nil, nil
	case "jsonfile", "community.general.jsonfile":
		return factcache.New(c.Path("CACHE_PLUGIN_CONNECTION"), c.Text("CACHE_PLUGIN_PREFIX"), time.Duration(c.Int("CACHE_PLUGIN_TIMEOUT"))*time.Second)
	default:
		return nil, fmt.Errorf("the fact cache plugin '%s' is not available; use memory or jsonfile", plugin)
	}
}

func newRunID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return time.Now().UTC().Format("20060102T150405") + "-" + hex.EncodeToString(b[:])
}

// holder says who we are to others who wait for our locks.
func holder(runID string) string {
	host, _ := os.Hostname()
	user := os.Getenv("USER")
	if user == "" {
		user = fmt.Sprint(os.Getuid())
	}
	return fmt.Sprintf("%s@%s run %s", user, host, runID)
}

// eventLines writes all events to the file of --events; nil without one.
func (ses *session) eventLines() (event.Sink, func(), error) {
	if ses.eventsFile == "" {
		return nil, func() {}, nil
	}
	f, err := os.OpenFile(ses.eventsFile, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // results may be anything
	if err != nil {
		return nil, nil, optionsError{fmt.Errorf("--events: %w", err)}
	}
	w := json.New(f, time.Now)
	return w.Tell, func() {
		if err := errors.Join(w.Err(), f.Close()); err != nil {
			ses.warn(fmt.Sprintf("the events in %s are incomplete: %v", ses.eventsFile, err))
		}
	}, nil
}

// metrics serves or writes what --metrics asks for; nil without it.
func (ses *session) metrics(stats func() parallel.Stats) (*metrics.Metrics, func(), error) {
	where := ses.metricsFile
	if where == "" {
		return nil, func() {}, nil
	}
	m := metrics.New(stats)
	if _, port, err := net.SplitHostPort(where); err == nil && port != "" && !strings.Contains(where, "/") {
		stop, err := m.Serve(where)
		if err != nil {
			return nil, func() {}, optionsError{fmt.Errorf("--metrics: %w", err)}
		}
		return m, stop, nil
	}
	return m, func() {
		if err := m.Save(where); err != nil {
			ses.warn(fmt.Sprintf("--metrics: %v", err))
		}
	}, nil
}
