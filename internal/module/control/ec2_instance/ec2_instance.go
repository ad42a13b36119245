// Package ec2instance is the module that makes, changes and ends EC2 instances.
//
// It runs on the controller. Each call of the API, and not each task, takes a
// token of the account's and region's rate (rate.go), so that any number of
// tasks together stay below what Amazon allows. Begin with run.
package ec2instance

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// New makes the module. All its tasks share sessions: what a configuration
// means, and whose account it is, is found out once.
func New() *module.Control {
	s := newSessions()
	return &module.Control{
		Spec: spec(),
		Plan: func(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
			if err := refuse(args); err != nil {
				return nil, err
			}
			env, err := c.Environment()
			if err != nil {
				return nil, err
			}
			check := c.Check()
			return &module.Plan{Work: &module.Work{Do: func(ctx context.Context, p module.Pacer) (*module.Result, error) {
				client, err := s.client(ctx, p, args, env)
				if err != nil {
					return nil, err
				}
				t := &task{client: client, args: args, check: check}
				r, err := t.run(ctx)
				switch {
				case err != nil && ctx.Err() != nil:
					return nil, err
				case err != nil:
					r = failure(err)
				}
				r.Warnings = append(r.Warnings, t.warnings...)
				if args.Bool("debug_botocore_endpoint_logs") {
					r.Set("resource_actions", client.actions())
				}
				return r, nil
			}}}, nil
		},
	}
}

// unsupported are documented parameters that are not carried out. They are
// refused rather than passed over.
var unsupported = []string{"aap_callback", "aws_config"}

// refuse finds what cannot be done, before anything is called.
func refuse(args module.Args) error {
	var bad []string
	for _, name := range unsupported {
		if args.Given(name) {
			bad = append(bad, name)
		}
	}
	for i, v := range args.List("volumes") {
		m, ok := v.(*value.Map)
		if !ok {
			continue
		}
		for _, name := range unknown(m, volumeOptions) {
			bad = append(bad, fmt.Sprintf("volumes[%d].%s", i, name))
		}
		if ebs, ok := m.At("ebs").(*value.Map); ok {
			for _, name := range unknown(ebs, ebsOptions) {
				bad = append(bad, fmt.Sprintf("volumes[%d].ebs.%s", i, name))
			}
		}
	}
	if len(bad) > 0 {
		sort.Strings(bad)
		return fmt.Errorf("not supported by Tutti's ec2_instance: %s", strings.Join(bad, ", "))
	}
	for _, name := range []string{"count", "exact_count"} {
		if args.Given(name) && args.Int(name) < 1 {
			return fmt.Errorf("%s is %d: it must be at least 1 (state: absent ends instances)", name, args.Int(name))
		}
	}
	if m := args.Dict("network"); m != nil && len(list(m.At("interfaces"))) > 0 {
		for _, name := range []string{"security_group", "security_groups"} {
			if args.String(name) != "" || len(args.List(name)) > 0 {
				return fmt.Errorf("Parameter network.interfaces can't be used with %s", name)
			}
		}
	}
	if args.String("profile") != "" && (args.String("access_key") != "" || args.String("secret_key") != "" || args.String("session_token") != "") {
		return fmt.Errorf("Passing both a profile and access tokens is not supported.")
	}
	return nil
}

// unknown lists the names in a map that are not among those that are known.
func unknown(m *value.Map, known []string) (names []string) {
	for k := range m.All() {
		name := value.KeyText(k)
		found := false
		for _, n := range known {
			found = found || n == name
		}
		if !found {
			names = append(names, name)
		}
	}
	return names
}

// task is one use of the module.
type task struct {
	*client
	args     module.Args
	check    bool
	warnings []string
}

func (t *task) warn(format string, args ...any) {
	t.warnings = append(t.warnings, fmt.Sprintf(format, args...))
}

// run brings the instances that match into the state that is asked for.
func (t *task) run(ctx context.Context) (*module.Result, error) {
	filters, err := t.filters(ctx)
	if err != nil {
		return nil, err
	}
	found, err := t.find(ctx, filters)
	if err != nil {
		return nil, because("Could not describe instances", err)
	}
	state := t.args.String("state")
	switch {
	case state == "absent" || state == "terminated":
		if len(found) == 0 {
			return &module.Result{Msg: "No matching instances found"}, nil
		}
		return t.change(ctx, found, state)
	case t.args.Has("exact_count"):
		return t.exactly(ctx, found, t.args.Int("exact_count"), state)
	case len(found) > 0 && !t.args.Has("count"):
		return t.existing(ctx, found, state)
	}
	n := 1
	if t.args.Has("count") {
		n = t.args.Int("count")
	}
	return t.launch(ctx, found, n, state)
}
