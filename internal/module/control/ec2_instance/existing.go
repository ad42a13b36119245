package ec2instance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// existing changes what can be changed of instances that are there, and brings
// them into the state.
func (t *task) existing(ctx context.Context, found []types.Instance, state string) (*module.Result, error) {
	changed := false
	changes := []any{}
	for _, i := range found {
		t.fixed(i)
		for _, step := range []func(context.Context, types.Instance) (bool, error){t.retag, t.reprofile, t.attach} {
			did, err := step(ctx, i)
			if err != nil {
				return nil, err
			}
			changed = changed || did
		}
		wanted, err := t.differences(ctx, i)
		if err != nil {
			return nil, err
		}
		for _, in := range wanted {
			shown := camel(in)
			if err := t.modify(ctx, in); err != nil {
				return nil, because(fmt.Sprintf("Could not apply change %s to existing instance.", value.Str(shown)), err)
			}
			changes = append(changes, shown)
		}
	}
	r, err := t.change(ctx, found, state)
	if err != nil {
		return nil, err
	}
	if r.Get("instances") == nil {
		now, err := t.byID(ctx, ids(found))
		if err != nil {
			return nil, because("Could not describe instances", err)
		}
		r.Set("instances", instances(now))
	}
	r.Changed = r.Changed || changed || len(changes) > 0
	return r.Set("instance_ids", anys(ids(found))).Set("changes", changes), nil
}

// fixed warns of what is asked for and cannot be changed.
func (t *task) fixed(i types.Instance) {
	if public, ok := t.args.Dict("network").At("assign_public_ip").(bool); ok && public != (aws.ToString(i.PublicDnsName) != "") {
		t.warn("Unable to modify public ip assignment to %s for instance %s. Whether or not to assign a public IP is determined during instance creation.",
			value.Str(public), aws.ToString(i.InstanceId))
	}
	m := t.args.Dict("cpu_options")
	if m == nil || i.CpuOptions == nil {
		return
	}
	for name, have := range map[string]int32{"core_count": aws.ToInt32(i.CpuOptions.CoreCount), "threads_per_core": aws.ToInt32(i.CpuOptions.ThreadsPerCore)} {
		if want, _ := m.At(name).(int); int32(want) != have { //nolint:gosec // a small number
			t.warn("Unable to modify %s from %d to %d. It is determined during instance creation.", name, have, want)
		}
	}
}

// retag sets the tags, and removes others if that is asked for.
func (t *task) retag(ctx context.Context, i types.Instance) (bool, error) {
	given := t.args.Dict("tags") != nil
	if !given && t.args.String("name") == "" {
		return false, nil
	}
	wanted := t.tags()
	var set, unset []types.Tag
	for _, tag := range wanted {
		if !slices.ContainsFunc(i.Tags, func(have types.Tag) bool { return *have.Key == *tag.Key && aws.ToString(have.Value) == *tag.Value }) {
			set = append(set, tag)
		}
	}
	if given && t.args.Bool("purge_tags") {
		for _, have := range i.Tags {
			keep := slices.ContainsFunc(wanted, func(tag types.Tag) bool { return *tag.Key == *have.Key })
			if !keep && !strings.HasPrefix(*have.Key, "aws:") {
				unset = append(unset, types.Tag{Key: have.Key})
			}
		}
	}
	if len(set)+len(unset) == 0 || t.check {
		return len(set)+len(unset) > 0, nil
	}
	resources := []string{aws.ToString(i.InstanceId)}
	if len(unset) > 0 {
		if _, err := call(ctx, t.client, "DeleteTags", 0, t.api.DeleteTags, &ec2.DeleteTagsInput{Resources: resources, Tags: unset}); err != nil {
			return false, because("Unable to delete tags from "+resources[0], err)
		}
	}
	if len(set) > 0 {
		if _, err := call(ctx, t.client, "CreateTags", 0, t.api.CreateTags, &ec2.CreateTagsInput{Resources: resources, Tags: set}); err != nil {
			return false, because("Unable to add tags to "+resources[0], err)
		}
	}
	return true, nil
}

// reprofile gives the instance its profile.
func (t *task) reprofile(ctx context.Context, i types.Instance) (bool, error) {
	name := t.args.String("iam_instance_profile")
	if name == "" {
		return false, nil
	}
	if i.IamInstanceProfile != nil {
		arn := aws.ToString(i.IamInstanceProfile.Arn)
		if arn == name || arn[strings.LastIndex(arn, "/")+1:] == name {
			return false, nil
		}
	}
	if t.check {
		return true, nil
	}
	if i.IamInstanceProfile == nil {
		_, err := call(ctx, t.client, "AssociateIamInstanceProfile", 0, t.api.AssociateIamInstanceProfile,
			&ec2.AssociateIamInstanceProfileInput{IamInstanceProfile: profile(name), InstanceId: i.InstanceId})
		if err != nil {
			return false, because("Could not associate new instance profile", err)
		}
		return true, nil
	}
	known, err := call(ctx, t.client, "DescribeIamInstanceProfileAssociations", 0, t.api.DescribeIamInstanceProfileAssociations,
		&ec2.DescribeIamInstanceProfileAssociationsInput{Filters: []types.Filter{filter("instance-id", aws.ToString(i.InstanceId))}})
	if err == nil && len(known.IamInstanceProfileAssociations) == 0 {
		err = errors.New("there is none")
	}
	if err != nil {
		return false, because("Could not find instance profile association", err)
	}
	_, err = call(ctx, t.client, "ReplaceIamInstanceProfileAssociation", 0, t.api.ReplaceIamInstanceProfileAssociation,
		&ec2.ReplaceIamInstanceProfileAssociationInput{AssociationId: known.IamInstanceProfileAssociations[0].AssociationId, IamInstanceProfile: profile(name)})
	if err != nil {
		return false, because("Could not associate instance profile", err)
	}
	return true, nil
}

// attach adds network interfaces that the instance lacks.
func (t *task) attach(ctx context.Context, i types.Instance) (bool, error) {
	changed := false
	for index, id := range interfaceIDs(t.args.Dict("network")) {
		if slices.ContainsFunc(i.NetworkInterfaces, func(n types.InstanceNetworkInterface) bool { return aws.ToString(n.NetworkInterfaceId) == id }) {
			continue
		}
		changed = true
		if t.check {
			continue
		}
		_, err := call(ctx, t.client, "AttachNetworkInterface", 0, t.api.AttachNetworkInterface,
			&ec2.AttachNetworkInterfaceInput{DeviceIndex: aws.Int32(int32(index)), InstanceId: i.InstanceId, NetworkInterfaceId: aws.String(id)}) //nolint:gosec // a place in a short list
		if err != nil {
			return changed, because(fmt.Sprintf("Could not attach interface %s to instance %s", id, aws.ToString(i.InstanceId)), err)
		}
	}
	return changed, nil
}

// differences are the attributes to change.
func (t *task) differences(ctx context.Context, i types.Instance) ([]*ec2.ModifyInstanceAttributeInput, error) {
	var out []*ec2.ModifyInstanceAttributeInput
	if t.args.Has("ebs_optimized") && aws.ToBool(i.EbsOptimized) != t.args.Bool("ebs_optimized") {
		out = append(out, &ec2.ModifyInstanceAttributeInput{InstanceId: i.InstanceId, EbsOptimized: boolean(t.args.Bool("ebs_optimized"))})
	}
	if t.args.Has("termination_protection") {
		have, err := call(ctx, t.client, "DescribeInstanceAttribute", 0, t.api.DescribeInstanceAttribute,
			&ec2.DescribeInstanceAttributeInput{InstanceId: i.InstanceId, Attribute: types.InstanceAttributeNameDisableApiTermination})
		if err != nil {
			return nil, because("Could not describe attribute disableApiTermination for instance "+aws.ToString(i.InstanceId), err)
		}
		on := have.DisableApiTermination != nil && aws.ToBool(have.DisableApiTermination.Value)
		if want := t.args.Bool("termination_protection"); want != on {
			out = append(out, &ec2.ModifyInstanceAttributeInput{InstanceId: i.InstanceId, DisableApiTermination: boolean(want)})
		}
	}
	groups, err := t.groups(ctx, func() (string, error) { return aws.ToString(i.VpcId), nil })
	if err != nil {
		return nil, err
	}
	if groups != nil {
		var have []string
		for _, g := range i.SecurityGroups {
			have = append(have, aws.ToString(g.GroupId))
		}
		slices.Sort(have)
		if want := slices.Sorted(slices.Values(groups)); !slices.Equal(slices.Compact(want), have) {
			out = append(out, &ec2.ModifyInstanceAttributeInput{InstanceId: i.InstanceId, Groups: groups})
		}
	}
	if v := t.args.Dict("network").At("source_dest_check"); v != nil {
		check := module.Truth(v)
		if aws.ToBool(i.SourceDestCheck) != check {
			out = append(out, &ec2.ModifyInstanceAttributeInput{InstanceId: i.InstanceId, SourceDestCheck: boolean(check)})
		}
	}
	return out, nil
}

func boolean(b bool) *types.AttributeBooleanValue {
	return &types.AttributeBooleanValue{Value: aws.Bool(b)}
}

func (t *task) modify(ctx context.Context, in *ec2.ModifyInstanceAttributeInput) error {
	if t.check {
		return nil
	}
	_, err := call(ctx, t.client, "ModifyInstanceAttribute", 0, t.api.ModifyInstanceAttribute, in)
	return err
}

// exactly sees to it that so many instances match.
func (t *task) exactly(ctx context.Context, found []types.Instance, n int, state string) (*module.Result, error) {
	switch {
	case len(found) == n:
		r := &module.Result{Msg: fmt.Sprintf("%d instances already running, nothing to do.", n)}
		return r.Set("instances", instances(found)).Set("instance_ids", anys(ids(found))), nil
	case len(found) < n:
		return t.launch(ctx, found, n-len(found), state)
	}
	// The oldest go first.
	sort.SliceStable(found, func(i, j int) bool { return aws.ToTime(found[i].LaunchTime).Before(aws.ToTime(found[j].LaunchTime)) })
	gone := ids(found[:len(found)-n])
	r := (&module.Result{Changed: true}).Set("terminated_ids", anys(gone)).Set("instance_ids", anys(ids(found)))
	if t.check {
		r.Msg = fmt.Sprintf("Would have terminated following instances if not in check mode %s", value.Str(anys(gone)))
		return r, nil
	}
	_, err := call(ctx, t.client, "TerminateInstances", len(gone), t.api.TerminateInstances, &ec2.TerminateInstancesInput{InstanceIds: gone})
	if err == nil {
		err = t.await(ctx, gone, goals["terminated"])
	}
	if err != nil && code(err) != "InvalidInstanceID.NotFound" {
		return nil, because("Unable to terminate instances", err)
	}
	r.Msg = "Successfully terminated instances."
	return r.Set("instances", instances(found)), nil
}
