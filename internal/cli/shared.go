package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/policy"
	"github.com/tutti-run/tutti/internal/runs"
	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/filelock"
)

// lockDir is the directory through which the runs of this controller share
// global names and rates.
func lockDir() string {
	if dir := os.Getenv("TUTTI_LOCK_DIR"); dir != "" {
		return dir
	}
	return filelock.DefaultDir()
}

// shared gives the coordinator for what is shared between the runs of this
// controller: global names and rates. Locks of machines are shared on the
// machines themselves. Where the directory cannot be used, tasks that need it
// fail; to go on without would run together what must not.
func shared(who string) (coordinate func(parallel.Key) parallel.Coordinator, dir string, closer func()) {
	dir = lockDir()
	var c parallel.Pacer
	closer = func() {}
	if files, err := filelock.Open(dir, who); err != nil {
		c, dir = unusable{fmt.Errorf("%w; TUTTI_LOCK_DIR names another place", err)}, ""
	} else {
		c, closer = files, func() { _ = files.Close() }
	}
	return func(k parallel.Key) parallel.Coordinator {
		if k.Kind == parallel.HostExclusive {
			return nil
		}
		return c
	}, dir, closer
}

// unusable is a coordinator that cannot be had.
type unusable struct{ err error }

func (u unusable) Lock(context.Context, []parallel.Key, string, func(parallel.Key, string)) (parallel.Held, error) {
	return nil, u.err
}

func (u unusable) Reserve(parallel.Hint, time.Duration) (time.Duration, float64, func(), error) {
	return 0, 0, nil, u.err
}

func (u unusable) Throttled(string) {}

// operatorPolicy reads the operator's policy: --policy, else $TUTTI_POLICY, else
// the usual file if there is one. nil without one.
func (ses *session) operatorPolicy() (*policy.Policy, error) {
	file := ses.policy
	if file == "" {
		file = os.Getenv("TUTTI_POLICY")
	}
	if file != "" {
		return policy.LoadFile(file)
	}
	p, err := policy.LoadFile(policy.DefaultFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return p, err
}

// announce lets `tutti locks` find the run. It is no reason to fail if it
// cannot: the locks themselves work.
func (ses *session) announce(dir, runID string, state func() parallel.Stats) func() {
	if dir == "" {
		return func() {}
	}
	user := os.Getenv("USER")
	if user == "" {
		user = fmt.Sprint("uid ", os.Getuid())
	}
	stop, err := runs.Announce(dir, runs.Run{ID: runID, User: user, PID: os.Getpid(), Command: strings.Join(ses.what, " "), Begin: time.Now()}, state)
	if err != nil {
		return func() {}
	}
	return stop
}
