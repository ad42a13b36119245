// Package etcdmember is the module that adds members to an etcd cluster,
// promotes them and takes them out.
//
// Two changes of one cluster must never overlap: each is decided on the health
// of the members as the one before has left them. So the module runs under
// GlobalExclusive(etcd/<cluster id>). The id is what the cluster says and not the
// list of endpoints, since two tasks may know one cluster by different addresses.
// It is asked for before the lease is taken (module.Work.Hints) and asked for
// again under it.
//
// A change that has to wait, such as for a learner to catch up, gives the lease
// back meanwhile (module.ErrAgain): it may be waiting for another task's change.
// Begin with job.do.
package etcdmember

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module changes the members of an etcd cluster.
var Module = module.Control{
	Spec: module.Spec{
		Name:    "tutti.builtin.etcd_member",
		Summary: "Adds, promotes and removes members of an etcd cluster, one change at a time.",
		Notes: []string{
			"It runs on the controller, which must reach the endpoints and the members' client URLs.",
			"Before each change the health of all members is looked at. A change that would leave the cluster without a majority is refused, and the error names the members that are not well. So a second voting member cannot be added to a cluster of one: add it as a learner, start it, and promote it.",
			"etcd has one learner at a time. Over several hosts, use strategy: free or serial: 1, so that a host can start and promote its member while the others wait for their turn.",
			"A member that leads hands its lead on before it is removed.",
		},
		Params: []module.Param{
			{Name: "state", Default: "present", Choices: []any{"present", "promoted", "absent"},
				Doc: "present: the member is in the cluster, started or not; promoted: it is there and votes; absent: it is not in the cluster."},
			{Name: "name", Doc: "The member's name. A member has none before it is started, so it is added by peer_urls."},
			{Name: "id", Doc: "The member's id, in hex, as etcdctl shows it."},
			{Name: "peer_urls", Type: module.List, Elements: module.Str, Doc: "Where the other members reach it. A member of this name with other URLs gets these."},
			{Name: "learner", Type: module.Bool, Default: false, Doc: "Add the member as one that learns and does not vote yet. A member that is there stays what it is; see promoted."},
			{Name: "endpoints", Type: module.List, Elements: module.Str, Required: true, Doc: "Client URLs of members. The first that is well is asked."},
			{Name: "ca_cert", Type: module.Path, Doc: "A file of certificates to trust."},
			{Name: "client_cert", Type: module.Path, Doc: "A certificate to show."},
			{Name: "client_key", Type: module.Path, Doc: "Its key."},
			{Name: "user", Doc: "The user, where the cluster asks for one."},
			{Name: "password", NoLog: true, Doc: "The user's password."},
			{Name: "timeout", Type: module.Int, Default: 5, Doc: "Seconds that one request may take."},
			{Name: "wait", Type: module.Bool, Default: true, Doc: "Wait until the change is possible; else fail at once."},
			{Name: "wait_timeout", Type: module.Int, Default: 120, Doc: "Seconds after which a wait is given up."},
		},
		Rules: module.Rules{
			RequiredTogether: [][]string{{"client_cert", "client_key"}, {"user", "password"}},
			RequiredOneOf:    [][]string{{"name", "id", "peer_urls"}},
		},
		Hints:   []parallel.Hint{parallel.Free()},
		HintDoc: "GlobalExclusive(etcd/CLUSTER), once the cluster has told its id",
		Check:   module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "cluster_id", When: "success", Doc: "The cluster's id, in hex."},
			{Name: "member", Type: module.Dict, When: "present, promoted", Doc: "The member: id, name, peer_urls, client_urls, learner."},
			{Name: "members", Type: module.List, When: "success", Doc: "All members after the change."},
			{Name: "initial_cluster", When: "present, promoted", Doc: "What the member's --initial-cluster has to be."},
			{Name: "tries", Type: module.List, When: "always", Doc: "Each look at the cluster under the lock: start, end, and msg, which says what had to be waited for."},
		},
	},
	Plan: plan,
}

func plan(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	j := &job{args: args, check: c.Check(), timeout: time.Duration(args.Int("timeout")) * time.Second}
	var err error
	if j.access, err = access(c, args); err != nil {
		return nil, err
	}
	return &module.Plan{Work: &module.Work{Hints: j.hints, Do: j.do}}, nil
}

// job is one task: what it is to do, and what has become of it so far.
type job struct {
	args    module.Args
	check   bool
	timeout time.Duration // of one request
	access  credentials

	deadline time.Time // for all waiting
	cluster  uint64    // whose lock is taken
	asked    bool      // the change was asked for, and may have been made
	tries    []any
}

// pause is the time between two tries.
const pause = 500 * time.Millisecond

// hints asks the cluster for its id. It is also where a job waits between its
// tries, since here it holds nothing.
func (j *job) hints(ctx context.Context) ([]parallel.Hint, error) {
	if j.deadline.IsZero() {
		j.deadline = time.Now().Add(time.Duration(j.args.Int("wait_timeout")) * time.Second)
	} else {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	id, err := j.identify(ctx)
	if err != nil {
		return nil, err
	}
	j.cluster = id
	return []parallel.Hint{parallel.Global("etcd/" + hex(id))}, nil
}

// notNow is a reason for which a change is not possible yet.
type notNow struct{ why string }

func (n notNow) Error() string { return n.why }

// do is one try, under the lock: look, decide, change.
func (j *job) do(ctx context.Context, _ module.Pacer) (*module.Result, error) {
	begin := time.Now()
	r, err := j.try(ctx)
	var later notNow
	wait := errors.As(err, &later)
	j.note(begin, err)
	switch {
	case wait && j.args.Bool("wait") && time.Now().Before(j.deadline):
		return nil, module.ErrAgain
	case wait && j.args.Bool("wait"):
		r = module.Fail("gave up after %d s: %s", j.args.Int("wait_timeout"), err)
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		r = module.Fail("%s", err)
	}
	return r.Set("tries", j.tries), nil
}

// note keeps what became of a try; of many that were alike, the first and the
// last.
func (j *job) note(begin time.Time, err error) {
	const format = "2006-01-02 15:04:05.000000"
	msg := ""
	if err != nil {
		msg = err.Error()
	}
	alike := func(back int) bool {
		i := len(j.tries) - back
		return i >= 0 && j.tries[i].(*value.Map).At("msg") == msg
	}
	if alike(1) && alike(2) {
		j.tries = j.tries[:len(j.tries)-1]
	}
	j.tries = append(j.tries, value.MapOf("start", begin.Format(format), "end", time.Now().Format(format), "msg", msg))
}

func (j *job) try(ctx context.Context) (*module.Result, error) {
	v, err := j.look(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if v.cluster != j.cluster {
		return nil, notNow{fmt.Sprintf("the endpoints belonged to cluster %s and belong to %s now", hex(j.cluster), hex(v.cluster))}
	}
	m, err := j.find(v)
	if err != nil {
		return nil, err
	}
	changed := false
	switch j.args.String("state") {
	case "absent":
		changed, err = j.remove(ctx, v, m)
	case "promoted":
		changed, err = j.promote(ctx, v, m)
	default:
		changed, err = j.add(ctx, v, m)
	}
	if err != nil {
		return nil, err
	}
	// A change that was asked for in an earlier try, whose answer was lost.
	changed = changed || j.asked
	r := (&module.Result{Changed: changed}).Set("cluster_id", hex(v.cluster)).Set("members", v.shown())
	if j.args.String("state") == "absent" {
		return r, nil
	}
	if m, err = j.find(v); err != nil {
		return nil, err
	}
	if m != nil {
		r.Set("member", m.shown()).Set("initial_cluster", v.initialCluster(m.id, j.args.String("name")))
	}
	return r, nil
}

// find finds the member that the task is about; nil if there is none.
func (j *job) find(v *view) (*member, error) {
	id, name, urls := strings.TrimPrefix(strings.ToLower(j.args.String("id")), "0x"), j.args.String("name"), j.args.Strings("peer_urls")
	for i := range v.members {
		m := &v.members[i]
		switch {
		case id != "":
			if hex(m.id) == id {
				return m, nil
			}
			continue
		case !overlap(m.peers, urls):
			continue
		case name != "" && m.name != "" && m.name != name:
			return nil, fmt.Errorf("the member with the peer URLs %s is named %s, not %s", strings.Join(m.peers, ","), m.name, name)
		}
		return m, nil
	}
	var found *member
	for i := range v.members {
		if m := &v.members[i]; id == "" && name != "" && m.name == name {
			if found != nil {
				return nil, fmt.Errorf("two members are named %s: id is needed to tell which is meant", name)
			}
			found = m
		}
	}
	return found, nil
}

func overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if strings.TrimSuffix(x, "/") == strings.TrimSuffix(y, "/") {
				return true
			}
		}
	}
	return false
}
