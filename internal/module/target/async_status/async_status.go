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
			{Name: "mode", Default: "status", Choices: []any{"cleanup", "status"}, Doc: "cleanup removes the job's file."},
			{Name: "_async_dir", Type: module.Path, Default: "~/.ansible_async", Internal: true, Doc: "Where job files are."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.None, Diff: module.None,
		Returns: []module.Return{
			{Name: "ansible_job_id", When: "success", Doc: "The job."},
			{Name: "finished", Type: module.Int, When: "always", Doc: "1 once it has ended."},
			{Name: "started", Type: module.Int, When: "always", Doc: "1."},
			{Name: "erased", When: "with mode=cleanup", Doc: "The file that was removed."},
		},
	},
	Run: run,
}

func run(_ context.Context, env *module.Env, args module.Args) *module.Result {
	jid := args.String("jid")
	if strings.ContainsRune(jid, '/') || jid == "." || jid == ".." {
		return module.Fail("could not find job").Set("ansible_job_id", jid).Set("started", 1).Set("finished", 1)
	}
	dir := args.String("_async_dir")
	if !args.Given("_async_dir") {
		for _, e := range env.Environ {
			if v, ok := strings.CutPrefix(e, "ANSIBLE_ASYNC_DIR="); ok && v != "" {
				dir = module.Expander(env.Environ)(v)
			}
		}
	}
	path := filepath.Join(dir, jid)
	data, err := os.ReadFile(path)
	if err != nil {
		return module.Fail("could not find job").Set("ansible_job_id", jid).Set("started", 1).Set("finished", 1)
	}
	if args.String("mode") == "cleanup" {
		if err := os.Remove(path); err != nil {
			return module.Fail("%s", err)
		}
		return module.OK().Set("ansible_job_id", jid).Set("erased", path)
	}
	v, err := value.ParseJSON(data)
	m, ok := v.(*value.Map)
	if err != nil || !ok {
		// Not written yet, or just being written: it runs.
		return module.OK().Set("results_file", path).Set("ansible_job_id", jid).Set("started", 1).Set("finished", 0)
	}
	if !m.Has("started") {
		m.Set("finished", 1)
		m.Set("ansible_job_id", jid)
	} else if !m.Has("finished") {
		m.Set("finished", 0)
	}
	return module.FromMap(m)
}
