// Package asyncstatus is the module that asks what became of an async task.
package asyncstatus

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module tells what became of an async task, or forgets it.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.async_status",
		Summary: "Tells what became of an async task.",
		Params: []module.Param{
			{Name: "jid", Required: true, Doc: "The job, ansible_job_id in the result of the task."},
			{Name: "mode", Default: "status", Choices: []any{"status", "cleanup"}, Doc: "cleanup removes the job's file."},
			{Name: "_async_dir", Type: module.Path, Default: "~/.ansible_async", Internal: true, Doc: "Where job files are."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.None, Diff: module.None,
		Returns: []module.Return{
			{Name: "ansible_job_id", When: "success", Doc: "The job."},
			{Name: "finished", Type: module.Int, When: "always", Doc: "1 once it has ended."},
			{Name: "started", Type: module.Int, When: "always", Doc: "1."},
			{Name: "results_file", When: "always", Doc: "The file of its state."},
			{Name: "stdout", When: "always", Doc: "What it printed."},
			{Name: "stderr", When: "always", Doc: "What it printed to standard error."},
			{Name: "erased", When: "with mode=cleanup", Doc: "The file that was removed."},
		},
	},
	Run: run,
}

func run(_ context.Context, env *module.Env, args module.Args) *module.Result {
	jid := args.String("jid")
	dir := args.String("_async_dir")
	if !args.Given("_async_dir") {
		for _, e := range env.Environ {
			if v, ok := strings.CutPrefix(e, "ANSIBLE_ASYNC_DIR="); ok && v != "" {
				dir = module.Expander(env.Environ)(v)
			}
		}
	}
	path := filepath.Join(dir, jid)
	cleanup := args.String("mode") == "cleanup"
	about := func(m *value.Map) *module.Result {
		if cleanup {
			m.Set("erased", path)
			return module.FromMap(complete(m, jid, ""))
		}
		return module.FromMap(complete(m, jid, path))
	}
	if env.Check {
		r := about(value.MapOf("finished", 0, "started", map[bool]int{true: 0, false: 1}[cleanup]))
		skip := module.NoCheckMode("ansible.legacy.async_status") // by the name that Ansible finds it under
		r.Skipped, r.Msg = true, skip.Msg
		return r
	}
	unknown := func() *module.Result {
		return about(value.MapOf("failed", true, "msg", "could not find job", "finished", 1))
	}
	if strings.ContainsRune(jid, '/') || jid == "." || jid == ".." {
		return unknown()
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return unknown()
	}
	if cleanup {
		if err := os.Remove(path); err != nil {
			return module.Fail("%s", err)
		}
		return about(value.MapOf("finished", 0, "started", 0))
	}
	v, err := value.ParseJSON(data)
	m, ok := v.(*value.Map)
	if err != nil || !ok {
		// Not written yet, or just being written: it runs.
		m = value.MapOf("started", 1)
	}
	if !m.Has("started") {
		m.Set("finished", 1)
	} else if !m.Has("finished") {
		m.Set("finished", 0)
	}
	return module.FromMap(complete(m, jid, path))
}

// complete adds what users find in every job's state, whatever its module gives.
func complete(m *value.Map, jid, path string) *value.Map {
	m.Set("ansible_job_id", jid)
	if path != "" {
		m.Set("results_file", path)
	}
	if !m.Has("started") {
		m.Set("started", 1)
	}
	if v, ok := m.Get("module_stderr"); ok && !m.Has("stderr") { // the names that a background job has for them
		m.Set("stderr", v)
		m.Set("data", m.At("module_stdout"))
	}
	for _, name := range []string{"stdout", "stderr"} {
		if !m.Has(name) {
			m.Set(name, "")
		}
		if text, ok := m.At(name).(string); ok && !m.Has(name+"_lines") {
			m.Set(name+"_lines", module.Lines(text))
		}
	}
	return m
}
