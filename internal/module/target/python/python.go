// Package python runs modules that are not native, on the target: Python
// modules from an archive that holds all they import, and programs that take
// their arguments from a file. The controller's half is internal/python.
package python

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/module/target/interpreter"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module runs a module of another language. Users do not name it.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "tutti.internal.python",
		Summary: "Runs a module that is written in Python or is a program of its own.",
		Params: []module.Param{
			{Name: "style", Internal: true}, {Name: "entry", Internal: true}, {Name: "name", Internal: true}, {Name: "digest", Internal: true}, {Name: "library", Internal: true},
			{Name: "interpreter", Internal: true}, {Name: "discovery", Internal: true}, {Name: "args", Internal: true}, {Name: "plain_args", Internal: true},
			{Name: "background", Type: module.Bool, Internal: true}, {Name: "open_files", Type: module.Int, Internal: true},
			{Name: "sent", Type: module.List, Elements: module.Dict, Internal: true},
		},
		// What such a module does is not known: it is alone on its machine.
		Hints: []parallel.Hint{parallel.Host("")},
		Check: module.Partial, Diff: module.Partial,
	},
	Run: run,
}

// bootstrap gives the arguments to Ansible's module library and runs the
// module out of the archive.
const bootstrap = `
import sys
archive, entry, files = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.argv = [entry]
if files > 0:
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files if hard < 0 else min(files, hard), hard))
    except ValueError:
        pass
sys.path.insert(0, archive)
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read()
import os
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
import runpy
runpy.run_module(entry, init_globals=dict(_module_fqn=entry, _modlib_path=archive), run_name="__main__", alter_sys=True)
`

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	digest := module.Digest(args.String("digest"))
	if args.String("style") == "python" {
		return runPython(ctx, env, args, digest)
	}
	return runProgram(ctx, env, args, digest)
}

func runPython(ctx context.Context, env *module.Env, args module.Args, digest module.Digest) *module.Result {
	python, err := interpreter.Find(env.Environ, args.String("interpreter"), args.String("discovery"))
	if err != nil {
		return module.Fail("%s", err)
	}
	archive, err := cached(ctx, env, digest)
	if err != nil {
		return module.Fail("the module %s could not be stored on the target: %s", args.String("name"), err)
	}
	text, err := withSent(ctx, env, args)
	if err != nil {
		return module.Fail("the files of the module %s could not be stored on the target: %s", args.String("name"), err)
	}
	input := `{"ANSIBLE_MODULE_ARGS": ` + text + "}"
	if out, ok := inFork(ctx, env, python, archive, args, input); ok {
		return result(out, args.Bool("background"))
	}
	out, err := process.Run(ctx, process.Cmd{Argv: []string{python, "-c", bootstrap, archive, args.String("entry"), strconv.Itoa(args.Int("open_files"))}, Env: env.Environ, Stdin: []byte(input)})
	if err != nil {
		return module.Fail("the module %s could not be run: %s", args.String("name"), err)
	}
	return result(out, args.Bool("background"))
}

// withSent stores the files that came along and returns the module's arguments,
// as JSON, with their paths.
func withSent(ctx context.Context, env *module.Env, args module.Args) (string, error) {
	text := args.String("args")
	sent := args.List("sent")
	if len(sent) == 0 {
		return text, nil
	}
	dir, err := env.TempDir()
	if err != nil {
		return "", err
	}
	v, err := value.ParseJSON([]byte(text))
	if err != nil {
		return "", err
	}
	all, ok := v.(*value.Map)
	if !ok {
		return "", fmt.Errorf("the arguments are no dict: %s", value.TypeName(v))
	}
	for _, e := range sent {
		file, ok := e.(*value.Map)
		if !ok {
			return "", fmt.Errorf("%s is no file", value.Str(e))
		}
		path := filepath.Join(dir, filepath.Base(value.Str(file.At("name"))))
		if err := fetch(ctx, env, module.Digest(value.Str(file.At("digest"))), path, 0o600); err != nil {
			return "", err
		}
		all.Set(value.Str(file.At("param")), path)
	}
	return string(value.ToJSON(all)), nil
}

// inFork runs the module in a fork of a Python that has the module library
// imported. ok is false if it did not run there, and has to run in a new Python.
func inFork(ctx context.Context, env *module.Env, python, archive string, args module.Args, input string) (out process.Output, ok bool) {
	library := args.String("library")
	if env.Keep == nil || library == "" {
		return out, false
	}
	key := "python\x00" + python + "\x00" + library
	for range 2 {
		kept, err := env.Keep(key, func() (io.Closer, error) {
			s, err := startServer(python, archive, env.Environ)
			if err != nil {
				return refused{}, nil // an old Python, perhaps: not tried again
			}
			return s, nil
		})
		s, is := kept.(*server)
		if err != nil || !is || !forkable(env, s.cmd.Env) {
			return out, false
		}
		if s.dead() {
			env.Drop(key)
			continue
		}
		out, err = s.run(ctx, request{Archive: archive, Entry: args.String("entry"), Args: input, Env: environMap(env.Environ), Files: args.Int("open_files")})
		return out, err == nil || ctx.Err() != nil
	}
	return out, false
}

// refused stands for a server that could not be started.
type refused struct{}

func (refused) Close() error { return nil }

// cached returns the archive's path in the user's cache, fetched from the
// controller the first time.
func cached(ctx context.Context, env *module.Env, digest module.Digest) (string, error) {
	dir, err := cacheDir(env)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, string(digest)+".zip")
	if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() {
		return path, nil
	}
	return path, fetch(ctx, env, digest, path, 0o600)
}

// cacheDir is a private folder, the same for all calls of a user.
func cacheDir(env *module.Env) (string, error) {
	home, err := os.UserHomeDir()
	if err == nil {
		dir := filepath.Join(home, ".cache", "tutti", "python")
		if err := os.MkdirAll(dir, 0o700); err == nil {
			if st, err := os.Lstat(dir); err == nil && st.IsDir() && st.Mode().Perm()&0o022 == 0 {
				return dir, nil
			}
		}
	}
	return env.TempDir()
}

// fetch writes the content of digest to path, in place at once.
func fetch(ctx context.Context, env *module.Env, digest module.Digest, path string, mode os.FileMode) error {
	r, err := env.Open(ctx, digest)
	if err != nil {
		return err
	}
	defer r.Close()
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = io.Copy(tmp, r)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	process.Settle()
	return err
}

// runProgram runs a module that takes the name of a file with its arguments.
func runProgram(ctx context.Context, env *module.Env, args module.Args, digest module.Digest) *module.Result {
	dir, err := env.TempDir()
	if err != nil {
		return module.Fail("%s", err)
	}
	name := args.String("name")
	program := filepath.Join(dir, name[strings.LastIndexByte(name, '.')+1:])
	if err := fetch(ctx, env, digest, program, 0o700); err != nil {
		return module.Fail("the module %s could not be stored on the target: %s", name, err)
	}
	text := args.String("plain_args")
	if args.String("style") == "json" {
		if text, err = withSent(ctx, env, args); err != nil {
			return module.Fail("the files of the module %s could not be stored on the target: %s", name, err)
		}
	}
	file := filepath.Join(dir, "args")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return module.Fail("%s", err)
	}
	argv := []string{program, file}
	if interp, ok := shebang(program); ok {
		if strings.HasPrefix(filepath.Base(interp[0]), "python") {
			python, err := interpreter.Find(env.Environ, args.String("interpreter"), args.String("discovery"))
			if err != nil {
				return module.Fail("%s", err)
			}
			interp[0] = python
		}
		// Named rather than left to the kernel, so that a noexec folder does not matter.
		argv = append(interp, argv...)
	}
	out, err := process.Run(ctx, process.Cmd{Argv: argv, Env: env.Environ})
	if err != nil {
		return module.Fail("the module %s could not be run: %s", name, err)
	}
	return result(out, args.Bool("background"))
}

// shebang reads a script's first line, env looked through.
func shebang(path string) ([]string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	var buf [256]byte
	n, _ := io.ReadFull(f, buf[:])
	line, _, _ := strings.Cut(string(buf[:n]), "\n")
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	if !strings.HasPrefix(line, "#!") || len(words) == 0 {
		return nil, false
	}
	if filepath.Base(words[0]) == "env" && len(words) > 1 {
		words = words[1:]
	}
	return words, true
}

// result reads the JSON that a module printed, junk before and after it left
// out. In the background its standard error is part of the result.
func result(out process.Output, background bool) *module.Result {
	if m, junk := object(string(out.Stdout)); m != nil {
		if background && len(out.Stderr) > 0 && !m.Has("stderr") {
			m.Set("stderr", string(out.Stderr))
		}
		for _, name := range []string{"stdout", "stderr"} {
			if text, ok := m.At(name).(string); ok && !m.Has(name+"_lines") {
				m.Set(name+"_lines", module.Lines(text))
			}
		}
		r := module.FromMap(m)
		if junk != "" {
			r.Warnings = append(r.Warnings, "Module invocation had junk after the JSON data: "+junk)
		}
		if !m.Has("failed") { // an exit code that is null is none of success either
			rc, has := m.Get("rc")
			r.Failed = has && rc != 0 && rc != "0" || !has && out.RC != 0
		}
		return r
	}
	r := module.Fail("MODULE FAILURE\nSee stdout/stderr for the exact error")
	r.Set("module_stdout", string(out.Stdout)).Set("module_stderr", string(out.Stderr)).Set("rc", out.RC)
	if strings.Contains(string(out.Stderr), "Traceback") {
		r.Set("exception", string(out.Stderr))
	}
	return r
}

// object finds a JSON object that begins a line, and what follows it.
func object(text string) (*value.Map, string) {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if !strings.HasPrefix(strings.TrimSpace(l), "{") && !strings.HasPrefix(strings.TrimSpace(l), "[") {
			continue
		}
		for end := len(lines); end > i; end-- {
			last := strings.TrimSpace(lines[end-1])
			if !strings.HasSuffix(last, "}") && !strings.HasSuffix(last, "]") {
				continue
			}
			v, err := value.ParseJSON([]byte(strings.Join(lines[i:end], "\n")))
			if err != nil {
				continue
			}
			if m, ok := v.(*value.Map); ok {
				return m, strings.TrimSpace(strings.Join(lines[end:], "\n"))
			}
		}
	}
	return nil, ""
}
