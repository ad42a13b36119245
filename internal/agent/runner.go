package agent

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/agent/lock"
	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
)

// Peer is the controller, as one call sees it.
type Peer interface {
	// Open gives a file's content as a stream, unchecked.
	Open(ctx context.Context, f wire.File) (io.ReadCloser, error)
	// Send hands content to the controller and returns when it was taken.
	Send(ctx context.Context, name string, r io.Reader) error
	// Notice tells about a wait for a lock.
	Notice(n wire.Notice)
}

// Runner runs calls on this machine as this user. Close ends what calls share.
type Runner struct {
	Registry *module.Registry
	// Self is the command that starts this program as an agent: its path and,
	// where the program has other uses, what makes it one.
	Self []string
	// Environ is the environment that calls start from; nil is the process's.
	Environ []string

	// leave asks a serving runner to end if it has nothing to do: SIGUSR1, which
	// root's agent sends when the user is to be removed.
	leave <-chan os.Signal

	keeper keeper
}

// Close ends the helpers that calls have left running.
func (r *Runner) Close() { r.keeper.close() }

// Run runs one call and returns its result; whatever goes wrong is a failed
// result. Calls may run side by side.
func (r *Runner) Run(ctx context.Context, req *wire.Request, args *value.Map, peer Peer) (res *module.Result) {
	defer func() {
		if p := recover(); p != nil {
			res = module.Fail("the module %s crashed, which is a bug in it: %v", req.Module, p)
			res.Set("exception", string(debug.Stack()))
		}
	}()
	target := r.Registry.Target(module.Name(req.Module))
	if target == nil {
		return module.Fail("the agent has no module %s", req.Module)
	}
	environ := r.environ(req.Environment)
	parsed, err := target.Spec.ParseTarget(args, environ)
	if err != nil {
		return module.Fail("%s", err)
	}
	held, err := lock.Acquire(ctx, req.Locks, lock.Options{Holder: req.Holder, Notice: peer.Notice})
	if err != nil {
		return module.Fail("%s", err)
	}
	defer held.Release()
	if req.Async > 0 {
		req.Args = value.ToJSON(args)
		return r.startJob(ctx, req, environ, held, peer)
	}
	tmp := &tempDir{remote: req.RemoteTmp, environ: environ}
	defer tmp.remove()
	env := &module.Env{
		Check: req.Check, Diff: req.Diff, NoLog: req.NoLog, Verbosity: req.Verbosity,
		Environ: environ,
		TempDir: tmp.path,
		Open:    opener(req.Files, peer),
		Send:    peer.Send,
		Keep:    r.keeper.keep,
		Drop:    r.keeper.drop,
		Waits: func(resource, holder string) {
			n := wire.Notice{Resource: resource, Waiting: holder != "", Holder: holder}
			if n.Waiting {
				n.Since = time.Now()
			}
			peer.Notice(n)
		},
	}
	return target.Run(ctx, env, parsed)
}

// environ applies a task's environment.
func (r *Runner) environ(extra map[string]string) []string {
	base := r.Environ
	if base == nil {
		base = os.Environ()
	}
	if len(extra) == 0 {
		return base
	}
	out := make([]string, 0, len(base)+len(extra))
	for _, e := range base {
		name, _, _ := strings.Cut(e, "=")
		if _, replaced := extra[name]; !replaced {
			out = append(out, e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		out = append(out, name+"="+extra[name])
	}
	return out
}

// opener finds files among those that the controller holds for a call.
func opener(files []wire.File, peer Peer) func(context.Context, module.Digest) (io.ReadCloser, error) {
	return func(ctx context.Context, d module.Digest) (io.ReadCloser, error) {
		i := slices.IndexFunc(files, func(f wire.File) bool { return f.Digest == string(d) })
		if i < 0 {
			return nil, fmt.Errorf("the controller holds no file with the checksum %s for this task", d)
		}
		f := files[i]
		var content io.ReadCloser
		if f.Inline {
			content = io.NopCloser(strings.NewReader(string(f.Data)))
		} else {
			var err error
			if content, err = peer.Open(ctx, f); err != nil {
				return nil, err
			}
		}
		return &verified{ReadCloser: content, sum: sha1.New(), want: f.Digest, buffer: min(max(f.Size, 1), wire.MaxChunk)}, nil
	}
}

// verified is content that fails at its end if it is not what was asked for: a
// file on the controller may change while it is read.
type verified struct {
	io.ReadCloser
	sum    hash.Hash
	want   string
	buffer int64 // bytes, for WriteTo
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.sum.Write(p[:n])
	if err == io.EOF {
		if wrong := v.check(); wrong != nil {
			err = wrong
		}
	}
	return n, err
}

// WriteTo computes the checksum beside what w does.
func (v *verified) WriteTo(w io.Writer) (int64, error) {
	n, err := io.CopyBuffer(files.Beside(w, v.sum), v.ReadCloser, make([]byte, v.buffer))
	if err == nil {
		err = v.check()
	}
	return n, err
}

// SHA1 is the checksum of what has been read, in hex.
func (v *verified) SHA1() string { return hex.EncodeToString(v.sum.Sum(nil)) }

func (v *verified) check() error {
	if got := v.SHA1(); got != v.want {
		return fmt.Errorf("the content received has the checksum %s, not %s: did the file change on the controller?", got, v.want)
	}
	return nil
}
