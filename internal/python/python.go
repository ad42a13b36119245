// Package python runs modules written in Python: it finds what a module
// imports by scanning its text, so that the controller needs the files of
// Ansible and of collections but no Python, and packs all of it into one
// archive, which a target keeps by its hash. Modules in other languages
// (WANT_JSON, old style) are sent as they are.
//
// The other half is module/target/python. Begin with Runner.Call.
package python

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/internal/executor"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// Runner prepares calls. It is safe for concurrent use.
type Runner struct {
	// Ansible are folders of installed ansible packages (with module_utils).
	Ansible []string
	// Utils are folders of the user's own module_utils.
	Utils []string
	// Collections are folders that hold ansible_collections.
	Collections []string
	// OpenFiles is how many files a module may have open at once; 0 leaves it as
	// it is on the target.
	OpenFiles int

	mu   sync.Mutex
	pack map[string]*packed // by path of the module
}

// packed is a module made ready to be sent.
type packed struct {
	style  string
	entry  string // the name under which Python imports it
	data   []byte
	digest module.Digest
	// library is the hash of the module library in the archive: modules with the
	// same one can run in forks of one Python.
	library string
	err     error
}

// Call turns a task for the module at path into a call for the agent.
func (r *Runner) Call(_ context.Context, path string, name module.Name, args *value.Map, t executor.PythonTask) (*module.Call, error) {
	p := r.prepare(path, name)
	if p.err != nil {
		return nil, p.err
	}
	files, err := r.openFiles(t)
	if err != nil {
		return nil, err
	}
	full, sent := args.Clone(), []any{}
	for k, v := range args.Strings() {
		if s, ok := v.(module.Sent); ok {
			full.Delete(k)
			sent = append(sent, value.MapOf("param", k, "digest", string(s.Digest), "name", s.Name))
		}
	}
	for k, v := range internalArgs(name, t).All() {
		full.Set(k, v)
	}
	interpreter, discovery := t.Interpreter, ""
	if strings.HasPrefix(interpreter, "auto") {
		interpreter, discovery = "", interpreter
	}
	call := &module.Call{
		Module: "tutti.internal.python",
		Args: value.MapOf("style", p.style, "entry", p.entry, "name", string(name), "digest", string(p.digest), "library", p.library, "interpreter", interpreter, "discovery", discovery,
			"args", string(value.ToJSON(full)), "plain_args", plainArgs(args), "background", t.Async, "open_files", files, "sent", sent),
		Files: map[module.Digest]module.File{p.digest: {Data: p.data, Size: int64(len(p.data))}},
	}
	maps.Copy(call.Files, t.Files)
	return call, nil
}

// openFiles is the limit for one task, which a variable may set.
func (r *Runner) openFiles(t executor.PythonTask) (int, error) {
	set := t.Var("ansible_python_module_rlimit_nofile")
	if set == nil {
		return r.OpenFiles, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(value.Str(set)))
	if err != nil {
		return 0, fmt.Errorf("ansible_python_module_rlimit_nofile is no whole number: %s", value.Str(set))
	}
	return n, nil
}

// internalArgs are what Ansible's module library expects besides the user's
// parameters.
func internalArgs(name module.Name, t executor.PythonTask) *value.Map {
	return value.MapOf(
		"_ansible_check_mode", t.Check, "_ansible_no_log", t.NoLog, "_ansible_debug", false, "_ansible_diff", t.Diff, "_ansible_verbosity", t.Verbosity,
		"_ansible_version", "2.14.18", "_ansible_module_name", name.Short(), "_ansible_syslog_facility", "LOG_USER",
		"_ansible_selinux_special_fs", []any{"fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"}, "_ansible_string_conversion_action", "warn",
		"_ansible_socket", nil, "_ansible_shell_executable", "/bin/sh", "_ansible_keep_remote_files", false, "_ansible_remote_tmp", "~/.ansible/tmp")
}

// plainArgs is name=value text, which modules of the oldest style read.
func plainArgs(args *value.Map) string {
	var parts []string
	for k, v := range args.Strings() {
		parts = append(parts, k+"="+quote(value.Str(v)))
	}
	return strings.Join(parts, " ")
}

func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

func (r *Runner) prepare(path string, name module.Name) *packed {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pack[path]; p != nil {
		return p
	}
	p := &packed{}
	if r.pack == nil {
		r.pack = map[string]*packed{}
	}
	r.pack[path] = p
	source, err := os.ReadFile(path)
	if err != nil {
		p.err = err
		return p
	}
	p.style = style(source)
	switch p.style {
	case "python":
		p.entry, p.data, p.library, p.err = r.archive(path, name, source)
	case "powershell":
		p.err = fmt.Errorf("the module %s is written for Windows PowerShell, which Tutti does not run", name)
	default:
		p.data = source
	}
	sum := sha1.Sum(p.data)
	p.digest = module.Digest(hex.EncodeToString(sum[:]))
	return p
}

// libraryImport is what tells a module that is imported as part of Ansible: it
// takes something from a module_utils, by its whole name or relative to its own.
var libraryImport = lazyregexp.New(`(?m)from +(?:ansible\.module_utils\S*|ansible_collections\.\S+|\.{2,} *module_utils\S*) +import |import +(?:ansible\.module_utils\.|ansible_collections\.)`)

// style says in which of Ansible's ways a module takes its arguments.
func style(source []byte) string {
	switch {
	case libraryImport.Get().Match(source):
		return "python"
	case bytes.Contains(source, []byte("#AnsibleRequires")), bytes.Contains(source, []byte("#Requires -Module")):
		return "powershell"
	case bytes.Contains(source, []byte("WANT_JSON")):
		return "json"
	case bytes.IndexByte(source[:min(len(source), 8000)], 0) >= 0:
		return "json" // a program
	}
	return "old"
}

// isDir reports whether a folder is there.
func isDir(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.IsDir()
}

func isFile(p string) bool {
	st, err := os.Stat(p)
	return err == nil && !st.IsDir()
}

// dotted turns a path below root into the name that Python imports.
func dotted(rel string) string {
	return strings.ReplaceAll(strings.TrimSuffix(filepath.ToSlash(rel), ".py"), "/", ".")
}
