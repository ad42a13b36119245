package ec2instance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// filters are those of the task, or what its other parameters say about which
// instances are meant.
func (t *task) filters(ctx context.Context) ([]types.Filter, error) {
	if m := t.args.Dict("filters"); m != nil {
		var out []types.Filter
		for k, v := range m.All() {
			name := value.KeyText(k)
			if !strings.HasPrefix(name, "tag:") {
				name = strings.ReplaceAll(name, "_", "-")
			}
			out = append(out, filter(name, texts(v)...))
		}
		return out, nil
	}
	out := []types.Filter{filter("instance-state-name", "pending", "running", "stopping", "stopped")}
	if ids := t.args.Strings("instance_ids"); len(ids) > 0 {
		return append(out, filter("instance-id", ids...)), nil
	}
	network := t.args.Dict("network")
	switch {
	case t.args.String("vpc_subnet_id") != "":
		out = append(out, filter("subnet-id", t.args.String("vpc_subnet_id")))
	case network == nil:
		subnet, err := t.defaultSubnet(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, filter("subnet-id", aws.ToString(subnet.SubnetId)))
	case len(interfaceIDs(network)) > 0:
		out = append(out, filter("network-interface.network-interface-id", interfaceIDs(network)...))
	case value.Str(network.At("subnet_id")) != "None":
		out = append(out, filter("subnet-id", value.Str(network.At("subnet_id"))))
	}
	name := t.args.String("name")
	if name == "" {
		if n := t.args.Dict("tags").At("Name"); n != nil {
			name = value.Str(n)
		}
	}
	if name != "" {
		out = append(out, filter("tag:Name", name))
	}
	if id := t.imageID(); id != "" {
		out = append(out, filter("image-id", id))
	}
	return out, nil
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

// texts are a filter's values as the API wants them.
func texts(v any) []string {
	switch v := v.(type) {
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, texts(e)...)
		}
		return out
	case bool:
		return []string{strconv.FormatBool(v)}
	}
	return []string{value.Str(v)}
}

func (t *task) imageID() string {
	if id := t.args.String("image_id"); id != "" {
		return id
	}
	id, _ := t.args.Dict("image").At("id").(string)
	return id
}

// interfaceIDs are the network interfaces that are named by their ids.
func interfaceIDs(network *value.Map) (ids []string) {
	for _, e := range list(network.At("interfaces")) {
		switch e := e.(type) {
		case string:
			ids = append(ids, e)
		case *value.Map:
			if id, ok := e.At("id").(string); ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// page is how many instances are asked for at once.
const page = 1000

// find lists the instances that match.
func (t *task) find(ctx context.Context, filters []types.Filter) ([]types.Instance, error) {
	return t.describe(ctx, &ec2.DescribeInstancesInput{Filters: filters, MaxResults: aws.Int32(page)})
}

// byID lists the instances of these ids.
func (t *task) byID(ctx context.Context, ids []string) ([]types.Instance, error) {
	var out []types.Instance
	for some := range slices.Chunk(ids, page) {
		found, err := t.describe(ctx, &ec2.DescribeInstancesInput{InstanceIds: some})
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (t *task) describe(ctx context.Context, in *ec2.DescribeInstancesInput) ([]types.Instance, error) {
	var out []types.Instance
	for {
		answer, err := call(ctx, t.client, "DescribeInstances", 0, t.api.DescribeInstances, in)
		if err != nil {
			return nil, err
		}
		for _, r := range answer.Reservations {
			out = append(out, r.Instances...)
		}
		if aws.ToString(answer.NextToken) == "" {
			return out, nil
		}
		in.NextToken = answer.NextToken
	}
}

// defaultSubnet is the default VPC's default subnet: of the zone that is asked
// for, else of the first one.
func (t *task) defaultSubnet(ctx context.Context) (types.Subnet, error) {
	vpcs, err := call(ctx, t.client, "DescribeVpcs", 0, t.api.DescribeVpcs, &ec2.DescribeVpcsInput{Filters: []types.Filter{filter("isDefault", "true")}})
	if err != nil {
		return types.Subnet{}, because("Could not describe default VPC", err)
	}
	if len(vpcs.Vpcs) == 0 {
		return types.Subnet{}, errors.New("No default subnet could be found - you must include a VPC subnet ID (vpc_subnet_id parameter) to create an instance")
	}
	vpc := aws.ToString(vpcs.Vpcs[0].VpcId)
	subnets, err := call(ctx, t.client, "DescribeSubnets", 0, t.api.DescribeSubnets, &ec2.DescribeSubnetsInput{
		Filters: []types.Filter{filter("vpc-id", vpc), filter("state", "available"), filter("default-for-az", "true")}})
	if err != nil {
		return types.Subnet{}, because("Could not describe default subnets for VPC "+vpc, err)
	}
	if len(subnets.Subnets) == 0 {
		return types.Subnet{}, fmt.Errorf("the default VPC %s has no default subnet: vpc_subnet_id is needed", vpc)
	}
	sort.Slice(subnets.Subnets, func(i, j int) bool {
		return aws.ToString(subnets.Subnets[i].AvailabilityZone) < aws.ToString(subnets.Subnets[j].AvailabilityZone)
	})
	for _, s := range subnets.Subnets {
		if aws.ToString(s.AvailabilityZone) == t.args.String("availability_zone") {
			return s, nil
		}
	}
	return subnets.Subnets[0], nil
}

// groups are the ids of the security groups that are asked for; nil if none are.
func (t *task) groups(ctx context.Context, vpc func() (string, error)) ([]string, error) {
	wanted := t.args.Strings("security_groups")
	if one := t.args.String("security_group"); one != "" {
		wanted = []string{one}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	id, err := vpc()
	if err != nil {
		return nil, err
	}
	in := &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{filter("vpc-id", id)}}
	known := map[string]string{}
	for {
		answer, err := call(ctx, t.client, "DescribeSecurityGroups", 0, t.api.DescribeSecurityGroups, in)
		if err != nil {
			return nil, because("Could not describe security groups", err)
		}
		for _, g := range answer.SecurityGroups {
			known[aws.ToString(g.GroupName)] = aws.ToString(g.GroupId)
		}
		if aws.ToString(answer.NextToken) == "" {
			break
		}
		in.NextToken = answer.NextToken
	}
	var ids, bad []string
	for _, name := range wanted {
		switch id, ok := known[name]; {
		case ok:
			ids = append(ids, id)
		case groupID.MatchString(name):
			ids = append(ids, name)
		default:
			bad = append(bad, name)
		}
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("The following group names are not valid: %s", strings.Join(bad, ", "))
	}
	return ids, nil
}

var groupID = lazyregexp.New(`^sg-[a-fA-F0-9]+$`)

// vpcOf finds the VPC of a subnet.
func (t *task) vpcOf(ctx context.Context, subnet string) (string, error) {
	answer, err := call(ctx, t.client, "DescribeSubnets", 0, t.api.DescribeSubnets, &ec2.DescribeSubnetsInput{SubnetIds: []string{subnet}})
	if err != nil {
		return "", because(fmt.Sprintf("Error while searching for subnet %s parent VPC.", subnet), err)
	}
	if len(answer.Subnets) == 0 {
		return "", fmt.Errorf("Could not find subnet %s to associate security groups. Please check the vpc_subnet_id and security_groups parameters.", subnet)
	}
	return aws.ToString(answer.Subnets[0].VpcId), nil
}
