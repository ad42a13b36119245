package etcdmember

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// add brings the member into the cluster, or gives it its peer URLs.
func (j *job) add(ctx context.Context, v *view, m *member) (bool, error) {
	urls := j.args.Strings("peer_urls")
	switch {
	case m != nil && (len(urls) == 0 || same(m.peers, urls)):
		return false, nil
	case m != nil:
		if err := v.majority(len(v.voters()), v.well(), "give "+m.title()+" other peer URLs"); err != nil || j.check {
			return err == nil, err
		}
		return j.asking(v.request(ctx, func(ctx context.Context) error {
			answer, err := v.client.MemberUpdate(ctx, m.id, urls)
			if err == nil {
				v.take(answer.Members)
			}
			return err
		}))
	case len(urls) == 0:
		return false, errors.New("the member is not in the cluster: peer_urls are needed to add it")
	}
	learner := j.args.Bool("learner")
	what := "add " + strings.Join(urls, ",")
	if learner {
		if other := slices.IndexFunc(v.members, func(m member) bool { return m.learner }); other >= 0 {
			return false, notNow{fmt.Sprintf("cannot %s: %s is still a learner, and there can be one at a time", what, v.members[other].title())}
		}
		if err := v.majority(len(v.voters()), v.well(), what+" as a learner"); err != nil || j.check {
			return err == nil, err
		}
	} else {
		err := v.majority(len(v.voters())+1, v.well(), what)
		if err != nil && len(v.voters()) == 1 && v.well() == 1 {
			return false, fmt.Errorf("%w; add it as a learner, start it and promote it", errors.New(err.Error()))
		}
		if err != nil || j.check {
			return err == nil, err
		}
	}
	send := v.client.MemberAdd
	if learner {
		send = v.client.MemberAddAsLearner
	}
	return j.asking(v.request(ctx, func(ctx context.Context) error {
		answer, err := send(ctx, urls)
		if err == nil {
			v.take(answer.Members)
		}
		return err
	}))
}

// promote makes a voter of a learner that has caught up.
func (j *job) promote(ctx context.Context, v *view, m *member) (bool, error) {
	switch {
	case m == nil:
		return false, notNow{"the member to promote is not in the cluster, or has not told its name yet"}
	case !m.learner:
		return false, nil
	case m.ill != "":
		return false, notNow{fmt.Sprintf("cannot promote %s: %s", m.title(), m.ill)}
	}
	if err := v.majority(len(v.voters())+1, v.well()+1, "promote "+m.title()); err != nil || j.check {
		return err == nil, err
	}
	return j.asking(v.request(ctx, func(ctx context.Context) error {
		answer, err := v.client.MemberPromote(ctx, m.id)
		if err == nil {
			v.take(answer.Members)
		}
		return err
	}))
}

// remove takes the member out.
func (j *job) remove(ctx context.Context, v *view, m *member) (bool, error) {
	if m == nil {
		return false, nil
	}
	what := "remove " + m.title()
	if err := v.majority(len(v.voters()), v.well(), what); err != nil {
		return false, err
	}
	if !m.learner {
		left := v.well()
		if m.ill == "" {
			left--
		}
		if len(v.voters()) == 1 {
			return false, fmt.Errorf("cannot %s: it is the only voting member", what)
		}
		if err := v.majority(len(v.voters())-1, left, what); err != nil {
			return false, err
		}
	}
	if j.check {
		return true, nil
	}
	if v.leader == m.id {
		if err := v.handOver(ctx, m); err != nil {
			return false, err
		}
	}
	return j.asking(v.request(ctx, func(ctx context.Context) error {
		answer, err := v.client.MemberRemove(ctx, m.id)
		if err == nil {
			v.take(answer.Members)
		}
		return err
	}))
}

// majority refuses what would leave too few: of so many voters, so many are well.
func (v *view) majority(voters, well int, what string) error {
	need := voters/2 + 1
	if well >= need {
		return nil
	}
	var ill []string
	for _, m := range v.voters() {
		if m.ill != "" {
			ill = append(ill, m.title()+" ("+m.ill+")")
		}
	}
	names := "all present members are well"
	if len(ill) > 0 {
		names = "not well: " + strings.Join(ill, ", ")
	}
	return notNow{fmt.Sprintf("cannot %s: of %d voting members then, %d must be well for a majority and %d would be; %s", what, voters, need, well, names)}
}

// passing are etcd's answers that mean "not yet".
var passing = []error{rpctypes.ErrUnhealthy, rpctypes.ErrMemberNotEnoughStarted, rpctypes.ErrMemberLearnerNotReady, rpctypes.ErrTooManyLearners}

// unclear are answers after which nobody knows whether a change was made.
var unclear = []error{rpctypes.ErrTimeout, rpctypes.ErrTimeoutDueToLeaderFail, rpctypes.ErrTimeoutDueToConnectionLost, rpctypes.ErrTimeoutWaitAppliedIndex,
	rpctypes.ErrNoLeader, rpctypes.ErrLeaderChanged, rpctypes.ErrNotLeader, rpctypes.ErrStopped, context.DeadlineExceeded}

// asking sorts what etcd answers to a change: it is made, it must wait, it may
// have been made, so that the next try looks, or it is wrong.
func (j *job) asking(err error) (bool, error) {
	is := func(list []error) bool {
		return slices.ContainsFunc(list, func(e error) bool { return errors.Is(err, e) })
	}
	switch {
	case err == nil:
		j.asked = true
		return true, nil
	case is(passing):
		return false, notNow{err.Error()}
	case is(unclear):
		j.asked = true
		return false, notNow{"no clear answer: " + err.Error()}
	}
	return false, err
}

func same(a, b []string) bool {
	norm := func(l []string) []string {
		var out []string
		for _, s := range l {
			out = append(out, strings.TrimSuffix(s, "/"))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(norm(a), norm(b))
}
