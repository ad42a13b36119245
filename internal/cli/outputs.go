package cli

import (
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/output/document"
	"github.com/tutti-run/tutti/internal/output/junit"
	"github.com/tutti-run/tutti/internal/output/minimal"
	"github.com/tutti-run/tutti/internal/output/profile"
	"github.com/tutti-run/tutti/internal/output/text"
	"github.com/tutti-run/tutti/internal/output/tree"
)

// sinks are the outputs that the user asked for; the closer ends what they write
// to.
func (ses *session) sinks() ([]event.Sink, func(), error) {
	c := ses.config
	color := ses.colored()
	colors, err := ses.colors()
	if err != nil {
		return nil, nil, err
	}
	out, errOut, closer, err := ses.logged(c.Path("DEFAULT_LOG_PATH"))
	if err != nil {
		return nil, nil, err
	}
	o := text.Options{
		Out: out, Err: errOut, Color: color, Colors: colors, Columns: columns(ses.Out), Verbosity: ses.verbose,
		HideSkipped: !c.Bool("DISPLAY_SKIPPED_HOSTS"), HideOK: !c.Bool("DISPLAY_OK_HOSTS"), FailedStderr: c.Bool("DISPLAY_FAILED_STDERR"),
		CheckMarkers: c.Bool("CHECK_MODE_MARKERS"), Args: c.Bool("DISPLAY_ARGS_TO_STDOUT"), VerboseErr: c.Bool("VERBOSE_TO_STDERR"), PathOnFailure: c.Bool("SHOW_TASK_PATH_ON_FAILURE"), HostStart: c.Bool("SHOW_PER_HOST_START"),
		CustomStats: c.Bool("SHOW_CUSTOM_STATS"), DiffContext: c.Int("DIFF_CONTEXT"), NoDeprecation: !c.Bool("DEPRECATION_WARNINGS"),
		YAML: c.Text("RESULT_FORMAT") == "yaml", Pretty: c.Bool("FORMAT_PRETTY"), Compact: c.Text("FORMAT_PRETTY") != "" && !c.Bool("FORMAT_PRETTY"),
	}
	enabled, err := ses.enabledCallbacks(o)
	if err != nil {
		closer()
		return nil, nil, err
	}
	if ses.minimal != nil {
		return append([]event.Sink{ses.minimalSink(color, o)}, enabled...), closer, nil
	}
	shown := text.New(o).Tell
	switch name := c.Text("DEFAULT_STDOUT_CALLBACK"); strings.TrimPrefix(name, "ansible.builtin.") {
	case "", "default":
	case "minimal", "oneline":
		ses.minimal = &minimal.Options{OneLine: strings.HasSuffix(name, "oneline")}
		shown = ses.minimalSink(color, o)
	case "null":
		shown = func(e event.Event) {
			if m, ok := e.(event.Message); ok && m.Kind != event.Info {
				fmt.Fprintln(errOut, "[WARNING]: "+m.Text)
			}
		}
	case "yaml", "community.general.yaml":
		o.YAMLCallback = true
		shown = text.New(o).Tell
	case "debug", "ansible.posix.debug":
		o.Streams = true
		shown = text.New(o).Tell
	case "json", "ansible.posix.json":
		shown = document.Sink(document.Options{Out: o.Out, Err: errOut, Indent: c.Int("JSON_INDENT"), CustomStats: o.CustomStats, Now: time.Now})
	default:
		if !strings.Contains(name, ".") && !slices.Contains(pythonCallbacks, name) && !ses.isPythonCallback(name) {
			closer()
			return nil, nil, fmt.Errorf("Invalid callback for stdout specified: %s", name)
		}
		ses.warn(fmt.Sprintf("the callback %s is written in Python and not run here; results are shown as by the default one", name))
	}
	sinks := append([]event.Sink{shown}, enabled...)
	if c.Bool("RETRY_FILES_ENABLED") {
		sinks = append([]event.Sink{ses.retryFile(o.Out)}, sinks...)
	}
	return sinks, closer, nil
}

// colored reports whether what is shown has colours.
func (ses *session) colored() bool {
	return !ses.config.Bool("ANSIBLE_NOCOLOR") && (isTerminal(ses.Out) || ses.config.Bool("ANSIBLE_FORCE_COLOR"))
}

// colors are those that the user has set.
func (ses *session) colors() (text.Colors, error) {
	var out text.Colors
	for name, code := range map[string]*string{
		"OK": &out.OK, "CHANGED": &out.Changed, "SKIP": &out.Skip, "ERROR": &out.Error, "UNREACHABLE": &out.Unreachable, "WARN": &out.Warn,
		"DEPRECATE": &out.Deprecate, "DEBUG": &out.Debug, "VERBOSE": &out.Verbose, "DIFF_ADD": &out.DiffAdd, "DIFF_REMOVE": &out.DiffRemove,
		"DIFF_LINES": &out.DiffLines,
	} {
		var err error
		if *code, err = text.ColorCode(ses.config.Text("COLOR_" + name)); err != nil {
			return out, optionsError{fmt.Errorf("COLOR_%s: %w; colours are names such as red or \"bright red\", color0 to color255, rgb000 to rgb555, gray0 to gray23", name, err)}
		}
	}
	return out, nil
}

// isPythonCallback reports whether a callback lies in one of the folders for those.
func (ses *session) isPythonCallback(name string) bool {
	return slices.ContainsFunc(append(ses.config.List("DEFAULT_CALLBACK_PLUGIN_PATH"), filepath.Join(ses.baseDir, "callback_plugins")),
		func(dir string) bool { return isFile(filepath.Join(dir, name+".py")) })
}

// enabledCallbacks are those that are shown besides the one for stdout.
func (ses *session) enabledCallbacks(o text.Options) ([]event.Sink, error) {
	c := ses.config
	var sinks []event.Sink
	files := tree.Options{Dir: c.Path("TREE_DIRECTORY"), Verbosity: ses.verbose, Warn: ses.warn}
	if ses.tree != "" {
		files.Dir = ses.tree
		sinks = append(sinks, tree.Sink(files))
	}
	if ses.minimal != nil && !c.Bool("DEFAULT_LOAD_CALLBACK_PLUGINS") {
		return sinks, nil
	}
	p := profile.Options{Out: o.Out, Columns: o.Columns, Limit: -1, Order: c.Text("PROFILE_TASKS_SORT_ORDER"), Paths: o.Verbosity >= 2, Now: time.Now}
	if limit := c.Text("PROFILE_TASKS_OUTPUT_LIMIT"); limit != "all" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 0 {
			return nil, optionsError{fmt.Errorf("task_output_limit of profile_tasks must be a number or all, not %q", limit)}
		}
		p.Limit = n
	}
	if !slices.Contains([]string{"descending", "ascending", "none"}, p.Order) {
		return nil, optionsError{fmt.Errorf("sort_order of profile_tasks must be descending, ascending or none, not %q", p.Order)}
	}
	for _, name := range c.List("CALLBACKS_ENABLED") {
		switch short := strings.TrimPrefix(name, "ansible.posix."); short {
		case "timer":
			sinks = append(sinks, profile.Timer(p))
		case "profile_tasks":
			sinks = append(sinks, profile.Tasks(p))
		case "profile_roles":
			sinks = append(sinks, profile.Roles(p))
		case "tree", "ansible.builtin.tree":
			sinks = append(sinks, tree.Sink(files))
		case "junit", "ansible.builtin.junit":
			sinks = append(sinks, junit.Sink(ses.junit()))
		default:
			if strings.Contains(name, ".") || slices.Contains(pythonCallbacks, name) || ses.isPythonCallback(name) {
				ses.warn(fmt.Sprintf("the callback %s is written in Python and not run here", name))
			} else {
				ses.warn(fmt.Sprintf("Skipping callback plugin '%s', unable to load", name))
			}
		}
	}
	return sinks, nil
}

// junit are the settings of the callback of that name.
func (ses *session) junit() junit.Options {
	c := ses.config
	_, outOfTree := os.LookupEnv("JUNIT_REPLACE_OUT_OF_TREE_PATH")
	return junit.Options{
		Dir: c.Path("JUNIT_OUTPUT_DIR"), RelativeTo: c.Text("JUNIT_TASK_RELATIVE_PATH"), OutOfTree: c.Text("JUNIT_REPLACE_OUT_OF_TREE_PATH"), HasOutOfTree: outOfTree,
		ClassPerFile: c.Bool("JUNIT_TASK_CLASS"), FailOnChange: c.Bool("JUNIT_FAIL_ON_CHANGE"), FailOnIgnore: c.Bool("JUNIT_FAIL_ON_IGNORE"),
		WithoutSetup: !c.Bool("JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT"), HideArguments: c.Bool("JUNIT_HIDE_TASK_ARGUMENTS"), TestCasePrefix: c.Text("JUNIT_TEST_CASE_PREFIX"),
		Warn: ses.warn, Now: time.Now,
	}
}

// pythonCallbacks are callbacks for stdout that come with Ansible.
var pythonCallbacks = []string{"actionable", "counter_enabled", "dense", "diy", "full_skip", "jsonl", "selective", "skippy", "stderr", "unixy"}

// retryFile writes the hosts that failed beside the playbook, for --limit @FILE.
func (ses *session) retryFile(out io.Writer) event.Sink {
	book := ""
	return func(e event.Event) {
		switch e := e.(type) {
		case event.RunStart:
			book = e.Playbook
		case event.Recap:
			var failed []string
			for host, c := range e.Hosts {
				if c.Failed > 0 || c.Unreachable > 0 {
					failed = append(failed, host)
				}
			}
			if len(failed) == 0 || book == "" {
				return
			}
			slices.Sort(failed)
			dir := ses.config.Path("RETRY_FILES_SAVE_PATH")
			if dir == "" {
				dir, _ = filepath.Abs(ses.baseDir)
			}
			name := filepath.Base(book)
			path := filepath.Join(dir, strings.TrimSuffix(name, filepath.Ext(name))+".retry")
			err := os.MkdirAll(dir, 0o777)
			if err == nil {
				err = os.WriteFile(path, []byte(strings.Join(failed, "\n")+"\n"), 0o666)
			}
			if err != nil {
				ses.warn(fmt.Sprintf("Could not create retry file '%s'. %v", path, err))
				return
			}
			fmt.Fprintf(out, "\tto retry, use: --limit @%s\n", path)
		}
	}
}

// logged gives the outputs, whose text goes to the file at path as well, if there
// is one: stamped, and without colours.
func (ses *session) logged(path string) (out, errOut io.Writer, closer func(), err error) {
	if path == "" {
		return ses.Out, ses.Err, func() {}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		ses.warn(fmt.Sprintf("log file at %s is not writeable and we cannot create it, aborting", path))
		return ses.Out, ses.Err, func() {}, nil
	}
	who := ""
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	l := &logFile{f: f, who: fmt.Sprintf(" p=%d u=%s n=ansible | ", os.Getpid(), who)}
	return logWriter{ses.Out, l}, logWriter{ses.Err, l}, func() { _ = f.Close() }, nil
}

// logFile is the file of log_path. It may be used by several goroutines.
type logFile struct {
	mu  sync.Mutex
	f   *os.File
	who string
}

// logWriter passes on what it is given, and logs it.
type logWriter struct {
	io.Writer
	log *logFile
}

var colors = lazyregexp.New(`\x1b\[[0-9;]*m`)

func (w logWriter) Write(p []byte) (int, error) {
	if text := strings.Trim(colors.ReplaceAllString(string(p), ""), "\n"); text != "" {
		w.log.mu.Lock()
		fmt.Fprintf(w.log.f, "%s%s%s\n", strings.Replace(time.Now().Format("2006-01-02 15:04:05.000"), ".", ",", 1), w.log.who, text)
		w.log.mu.Unlock()
	}
	return w.Writer.Write(p)
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func columns(w any) int {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n - 1
		}
	}
	return 79
}
