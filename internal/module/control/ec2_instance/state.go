package ec2instance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// goal is a state to wait for, under the name of the API's waiter.
type goal struct {
	waiter string
	state  types.InstanceStateName // "" for being known at all
	health bool                    // and EC2's own checks have passed
	never  []types.InstanceStateName
}

var (
	runningGoal = goal{waiter: "InstanceRunning", state: "running", never: []types.InstanceStateName{"shutting-down", "terminated", "stopping"}}
	healthyGoal = goal{waiter: "InstanceStatusOk", state: "running", health: true}
	stoppedGoal = goal{waiter: "InstanceStopped", state: "stopped", never: []types.InstanceStateName{"pending", "terminated"}}
	goneGoal    = goal{waiter: "InstanceTerminated", state: "terminated", never: []types.InstanceStateName{"pending", "stopping"}}
)

var goals = map[string]goal{
	"present": {waiter: "InstanceExists"}, "running": runningGoal, "started": healthyGoal, "restarted": healthyGoal, "rebooted": runningGoal,
	"stopped": stoppedGoal, "terminated": goneGoal, "absent": goneGoal,
}

// stateError is the failure to bring some instances into a state.
type stateError struct {
	msg    string
	cause  error
	fields *value.Map
}

func (e *stateError) Error() string { return e.msg }
func (e *stateError) Unwrap() error { return e.cause }

// change brings instances into the state and says which were changed.
func (t *task) change(ctx context.Context, found []types.Instance, state string) (*module.Result, error) {
	step := func(state, verb, success string) (changed []string, err error) {
		changed, failed, cause := t.move(ctx, found, state)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case len(failed) > 0:
			prefix := strings.TrimSuffix(success, "_success")
			return nil, &stateError{fmt.Sprintf("Unable to %s instances: %s", verb, cause), cause, mapOf(success, anys(changed), prefix+"_failed", anys(failed))}
		case cause != nil:
			return nil, cause
		}
		return changed, nil
	}
	var changed []string
	var err error
	r := module.OK()
	switch state {
	case "running", "started":
		if changed, err = step(state, "start", "start_success"); err != nil {
			return nil, err
		}
		r.Msg = "Instances started"
		r.Set("start_success", anys(changed)).Set("start_failed", []any{}).Set("reboot_success", anys(changed)).Set("reboot_failed", []any{})
	case "restarted", "rebooted":
		if changed, err = step("stopped", "stop", "stop_success"); err != nil {
			return nil, err
		}
		r.Changed = len(changed) > 0
		if t.check {
			changed = ids(found) // by then all are stopped
		} else {
			if found, err = t.byID(ctx, ids(found)); err != nil {
				return nil, because("Could not describe instances", err)
			}
			if changed, err = step(state, "restart", "reboot_success"); err != nil {
				return nil, err
			}
		}
		r.Msg = "Instances restarted"
		r.Set("reboot_success", anys(changed)).Set("reboot_failed", []any{})
	case "stopped":
		if changed, err = step(state, "stop", "stop_success"); err != nil {
			return nil, err
		}
		r.Msg = "Instances stopped"
		r.Set("stop_success", anys(changed)).Set("stop_failed", []any{})
	case "absent", "terminated":
		if changed, err = step(state, "terminate", "terminate_success"); err != nil {
			return nil, err
		}
		r.Msg = "Instances terminated"
		r.Set("terminate_success", anys(changed)).Set("terminate_failed", []any{})
	default:
		return r, nil
	}
	r.Changed = r.Changed || len(changed) > 0
	now, err := t.byID(ctx, ids(found))
	if err != nil {
		return nil, because("Could not describe instances", err)
	}
	return r.Set("instances", instances(now)), nil
}

// move starts, stops or ends the instances that are not in the state, and waits
// for all of them. What cannot be moved is returned with the last reason.
func (t *task) move(ctx context.Context, found []types.Instance, state string) (changed, failed []string, cause error) {
	goal := goals[state]
	var unchanged []string
	for _, i := range found {
		id, now := aws.ToString(i.InstanceId), stateOf(i)
		if settled(now, goal.state) {
			unchanged = append(unchanged, id)
			continue
		}
		if t.check {
			changed = append(changed, id)
			continue
		}
		err := t.leave(ctx, id, now, goal.state)
		if err == nil {
			err = t.order(ctx, id, goal.state)
		}
		if err != nil {
			failed, cause = append(failed, id), err
			continue
		}
		changed = append(changed, id)
	}
	if len(changed) > 0 && t.args.Bool("wait") && !t.check {
		if err := t.await(ctx, append(slices.Clip(changed), unchanged...), goal); err != nil {
			return changed, failed, err
		}
	}
	return changed, failed, cause
}

// settled tells whether an instance is in the state or on its way there.
func settled(now, goal types.InstanceStateName) bool {
	switch goal {
	case types.InstanceStateNameRunning:
		return now == "running" || now == "pending"
	case types.InstanceStateNameStopped:
		return now == "stopped" || now == "stopping"
	}
	return now == goal
}

// leave waits until an instance is out of a state in which it takes no orders.
func (t *task) leave(ctx context.Context, id string, now, goal types.InstanceStateName) error {
	switch {
	case now == "pending" && goal != "running":
		return t.await(ctx, []string{id}, runningGoal)
	case now == "stopping" && goal != "stopped":
		return t.await(ctx, []string{id}, stoppedGoal)
	}
	return nil
}

func (t *task) order(ctx context.Context, id string, goal types.InstanceStateName) (err error) {
	one := []string{id}
	switch goal {
	case types.InstanceStateNameRunning:
		_, err = call(ctx, t.client, "StartInstances", 1, t.api.StartInstances, &ec2.StartInstancesInput{InstanceIds: one})
	case types.InstanceStateNameStopped:
		_, err = call(ctx, t.client, "StopInstances", 1, t.api.StopInstances, &ec2.StopInstancesInput{InstanceIds: one})
	default:
		_, err = call(ctx, t.client, "TerminateInstances", 1, t.api.TerminateInstances, &ec2.TerminateInstancesInput{InstanceIds: one})
	}
	return err
}

func stateOf(i types.Instance) types.InstanceStateName {
	if i.State == nil {
		return ""
	}
	return i.State.Name
}

// appear waits until new instances are known, which takes the service a moment.
func (t *task) appear(ctx context.Context, ids []string) error {
	return t.await(ctx, ids, goals["present"])
}

// await waits until all instances are as wanted. As with Ansible, one that takes
// too long is no failure but a warning.
func (t *task) await(ctx context.Context, ids []string, g goal) error {
	deadline := time.Now().Add(time.Duration(t.args.Int("wait_timeout")) * time.Second)
	for n := 1; ; n++ {
		done, hopeless, err := t.reached(ctx, ids, g)
		switch {
		case err != nil && code(err) != "InvalidInstanceID.NotFound":
			return because("Could not describe instances", err)
		case err == nil && done:
			return nil
		case err == nil && hopeless:
			t.warn("Instances %s took too long to reach state %s. Waiter %s failed: Waiter encountered a terminal failure state", strings.Join(ids, ", "), g.waiter, g.waiter)
			return nil
		}
		pause := min(backoff(n), 5*time.Second)
		if time.Now().Add(pause).After(deadline) {
			t.warn("Instances %s took too long to reach state %s. Waiter %s failed: Max attempts exceeded", strings.Join(ids, ", "), g.waiter, g.waiter)
			return nil
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func (t *task) reached(ctx context.Context, ids []string, g goal) (done, hopeless bool, err error) {
	now, err := t.byID(ctx, ids)
	if err != nil {
		return false, false, err
	}
	done = len(now) == len(ids)
	for _, i := range now {
		s := stateOf(i)
		hopeless = hopeless || slices.Contains(g.never, s)
		done = done && (g.state == "" || s == g.state)
	}
	if !done || !g.health {
		return done, hopeless, nil
	}
	healthy := 0
	for some := range slices.Chunk(ids, 100) {
		answer, err := call(ctx, t.client, "DescribeInstanceStatus", 0, t.api.DescribeInstanceStatus, &ec2.DescribeInstanceStatusInput{InstanceIds: some})
		if err != nil {
			return false, false, err
		}
		for _, s := range answer.InstanceStatuses {
			if s.InstanceStatus != nil && s.InstanceStatus.Status == types.SummaryStatusOk {
				healthy++
			}
		}
	}
	return healthy == len(ids), false, nil
}
