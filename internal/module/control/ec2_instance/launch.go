package ec2instance

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// launch makes n instances beside those that are there.
func (t *task) launch(ctx context.Context, found []types.Instance, n int, state string) (*module.Result, error) {
	r, err := t.launched(ctx, found, n, state)
	if err != nil {
		return nil, because("Failed to create new EC2 instance", err)
	}
	return r, nil
}

func (t *task) launched(ctx context.Context, found []types.Instance, n int, state string) (*module.Result, error) {
	in, err := t.runInput(ctx, n)
	if err != nil {
		return nil, err
	}
	r := (&module.Result{Changed: true}).Set("spec", t.shownSpec(in))
	if t.check {
		r.Msg = "Would have launched instances if not in check_mode."
		if len(found) > 0 {
			r.Set("instance_ids", anys(ids(found))).Set("instances", instances(found))
		}
		return r, nil
	}
	answer, err := t.runInstances(ctx, in)
	if err != nil {
		return nil, err
	}
	fresh := ids(answer.Instances)
	if err := t.appear(ctx, fresh); err != nil {
		return nil, err
	}
	for _, i := range answer.Instances {
		// RunInstances took the rest along.
		if check, ok := t.args.Dict("network").At("source_dest_check").(bool); ok && aws.ToBool(i.SourceDestCheck) != check {
			if err := t.modify(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: i.InstanceId, SourceDestCheck: &types.AttributeBooleanValue{Value: aws.Bool(check)}}); err != nil {
				return nil, because("Could not apply change to new instance", err)
			}
		}
	}
	r.Set("instance_ids", anys(append(ids(found), fresh...)))
	if len(found) > 0 {
		r.Set("changed_ids", anys(fresh))
	}
	if !t.args.Bool("wait") {
		return r, nil
	}
	if err := t.await(ctx, fresh, goals[state]); err != nil {
		return nil, err
	}
	now, err := t.byID(ctx, fresh)
	if err != nil {
		return nil, err
	}
	return r.Set("instances", instances(append(slices.Clip(found), now...))), nil
}

// runInstances makes the call, and makes it again where a profile is so new
// that the service does not know it yet. The client token keeps two tries from
// making instances twice.
func (t *task) runInstances(ctx context.Context, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
	n := int(aws.ToInt32(in.MaxCount))
	answer, err := call(ctx, t.client, "RunInstances", n, t.api.RunInstances, in)
	if err == nil || !strings.Contains(err.Error(), "Invalid IAM Instance Profile") {
		return answer, err
	}
	if err := sleep(ctx, 10*time.Second); err != nil {
		return nil, err
	}
	return call(ctx, t.client, "RunInstances", n, t.api.RunInstances, in)
}

// runInput is what RunInstances is asked for.
func (t *task) runInput(ctx context.Context, n int) (*ec2.RunInstancesInput, error) {
	a := t.args
	text := func(name string) *string {
		if s := a.String(name); s != "" {
			return aws.String(s)
		}
		return nil
	}
	flag := func(name string) *bool {
		if a.Has(name) {
			return aws.Bool(a.Bool(name))
		}
		return nil
	}
	count, err := int32of("count", n)
	if err != nil {
		return nil, err
	}
	in := &ec2.RunInstancesInput{
		ClientToken: aws.String(rand.Text()), MinCount: count, MaxCount: count,
		KeyName: text("key_name"), EbsOptimized: flag("ebs_optimized"), DisableApiTermination: flag("termination_protection"),
		InstanceInitiatedShutdownBehavior: types.ShutdownBehavior(a.String("instance_initiated_shutdown_behavior")),
	}
	if id := t.imageID(); id != "" {
		in.ImageId = aws.String(id)
	}
	if image := a.Dict("image"); image != nil {
		in.RamdiskId, in.KernelId = textIn(image, "ramdisk"), textIn(image, "kernel")
	}
	if m := a.Dict("launch_template"); m != nil {
		in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateId: textIn(m, "id"), LaunchTemplateName: textIn(m, "name"), Version: textIn(m, "version")}
		if in.LaunchTemplate.LaunchTemplateId == nil && in.LaunchTemplate.LaunchTemplateName == nil {
			return nil, errors.New("Could not create instance with launch template. Either launch_template.name or launch_template.id parameters are required")
		}
	} else if in.ImageId == nil {
		return nil, errors.New("You must include an image_id or image.id parameter to create an instance, or use a launch_template.")
	}
	switch {
	case a.String("instance_type") != "":
		in.InstanceType = types.InstanceType(a.String("instance_type"))
	case in.LaunchTemplate == nil:
		in.InstanceType = types.InstanceTypeT2Micro
	}
	if a.Has("user_data") {
		in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(a.String("user_data"))))
	}
	if a.Bool("detailed_monitoring") {
		in.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)}
	}
	if a.Has("cpu_credit_specification") {
		in.CreditSpecification = &types.CreditSpecificationRequest{CpuCredits: text("cpu_credit_specification")}
	}
	if a.Has("tenancy") || a.String("placement_group") != "" {
		in.Placement = &types.Placement{Tenancy: types.Tenancy(a.String("tenancy")), GroupName: text("placement_group")}
	}
	if name := a.String("iam_instance_profile"); name != "" {
		in.IamInstanceProfile = profile(name)
	}
	if err := t.hardware(in); err != nil {
		return nil, err
	}
	if tags := t.tags(); len(tags) > 0 {
		for _, kind := range []types.ResourceType{types.ResourceTypeVolume, types.ResourceTypeInstance} {
			in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: kind, Tags: tags})
		}
	}
	if in.BlockDeviceMappings, err = volumes(a.List("volumes")); err != nil {
		return nil, err
	}
	in.NetworkInterfaces, err = t.interfaces(ctx)
	return in, err
}

// hardware fills in options of the machine itself.
func (t *task) hardware(in *ec2.RunInstancesInput) error {
	var err error
	number := func(m *value.Map, name string) *int32 {
		n, e := int32of(name, m.At(name))
		if err == nil {
			err = e
		}
		return n
	}
	word := func(m *value.Map, name string) string { s, _ := m.At(name).(string); return s }
	if m := t.args.Dict("cpu_options"); m != nil {
		in.CpuOptions = &types.CpuOptionsRequest{CoreCount: number(m, "core_count"), ThreadsPerCore: number(m, "threads_per_core")}
	}
	if m := t.args.Dict("metadata_options"); m != nil {
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{
			HttpEndpoint: types.InstanceMetadataEndpointState(word(m, "http_endpoint")), HttpTokens: types.HttpTokensState(word(m, "http_tokens")),
			HttpPutResponseHopLimit: number(m, "http_put_response_hop_limit"), HttpProtocolIpv6: types.InstanceMetadataProtocolState(word(m, "http_protocol_ipv6")),
			InstanceMetadataTags: types.InstanceMetadataTagsState(word(m, "instance_metadata_tags"))}
	}
	if t.args.Bool("hibernation_options") && len(t.args.List("volumes")) > 0 {
		for _, v := range t.args.List("volumes") {
			m, _ := v.(*value.Map)
			ebs, _ := m.At("ebs").(*value.Map)
			if on, _ := module.ParseBool(value.Str(ebs.At("encrypted"))); !on {
				return errors.New("Hibernation prerequisites not satisfied. Refer https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html")
			}
		}
		in.HibernationOptions = &types.HibernationOptionsRequest{Configured: aws.Bool(true)}
	}
	return err
}

// profile names an instance profile, by ARN or name: the service takes both.
func profile(name string) *types.IamInstanceProfileSpecification {
	if strings.HasPrefix(name, "arn:") {
		return &types.IamInstanceProfileSpecification{Arn: aws.String(name)}
	}
	return &types.IamInstanceProfileSpecification{Name: aws.String(name)}
}

// tags are those that are asked for, the name among them.
func (t *task) tags() []types.Tag {
	var out []types.Tag
	name := t.args.String("name")
	for k, v := range t.args.Dict("tags").All() {
		key, text := value.Str(k), ""
		if v != nil {
			text = value.Str(v)
		}
		if key != "Name" || name == "" {
			out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(text)})
		}
	}
	if name != "" {
		out = append(out, types.Tag{Key: aws.String("Name"), Value: aws.String(name)})
	}
	return out
}

// networkOptions are what network: may hold.
var networkOptions = []string{"assign_public_ip", "delete_on_termination", "description", "device_index", "groups", "interfaces", "ipv6_addresses",
	"private_ip_address", "private_ip_addresses", "source_dest_check", "subnet_id"}

// interfaces are the network interfaces of a new instance.
func (t *task) interfaces(ctx context.Context) ([]types.InstanceNetworkInterfaceSpecification, error) {
	network := t.args.Dict("network")
	for _, name := range unknown(network, networkOptions) {
		t.warn("network.%s is no option of network and has no effect", name)
	}
	if l := list(network.At("interfaces")); len(l) > 0 {
		var out []types.InstanceNetworkInterfaceSpecification
		for i, e := range l {
			one, err := t.listed(i, e)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		}
		return out, nil
	}
	one, err := interfaceSpec(network, 0)
	if err != nil {
		return nil, err
	}
	switch {
	case t.args.String("vpc_subnet_id") != "":
		one.SubnetId = aws.String(t.args.String("vpc_subnet_id"))
	case one.SubnetId == nil:
		subnet, err := t.defaultSubnet(ctx)
		if err != nil {
			return nil, err
		}
		one.SubnetId = subnet.SubnetId
	}
	groups, err := t.groups(ctx, func() (string, error) { return t.vpcOf(ctx, aws.ToString(one.SubnetId)) })
	if err != nil {
		return nil, err
	}
	if groups != nil {
		one.Groups = groups
	}
	return []types.InstanceNetworkInterfaceSpecification{one}, nil
}

// listed is one of network.interfaces: an id, or a dict that describes one.
func (t *task) listed(i int, e any) (types.InstanceNetworkInterfaceSpecification, error) {
	var none types.InstanceNetworkInterfaceSpecification
	index, err := int32of("device_index", i)
	if err != nil {
		return none, err
	}
	m, ok := e.(*value.Map)
	if !ok {
		return types.InstanceNetworkInterfaceSpecification{DeviceIndex: index, NetworkInterfaceId: aws.String(value.Str(e))}, nil
	}
	if id := textIn(m, "id"); id != nil {
		return types.InstanceNetworkInterfaceSpecification{DeviceIndex: index, NetworkInterfaceId: id}, nil
	}
	one, err := interfaceSpec(m, i)
	if err != nil {
		return none, err
	}
	if one.DeleteOnTermination == nil {
		one.DeleteOnTermination = aws.Bool(true)
	}
	if one.SubnetId == nil && t.args.String("vpc_subnet_id") != "" {
		one.SubnetId = aws.String(t.args.String("vpc_subnet_id"))
	}
	if one.SubnetId == nil {
		return none, fmt.Errorf("Failed to assign subnet to interface %s", value.Str(m))
	}
	return one, nil
}

func interfaceSpec(m *value.Map, index int) (types.InstanceNetworkInterfaceSpecification, error) {
	one := types.InstanceNetworkInterfaceSpecification{SubnetId: textIn(m, "subnet_id"), PrivateIpAddress: textIn(m, "private_ip_address"), Description: textIn(m, "description")}
	var err error
	if m.At("device_index") != nil {
		one.DeviceIndex, err = int32of("network.device_index", m.At("device_index"))
	} else {
		one.DeviceIndex, err = int32of("network.device_index", index)
	}
	if err == nil {
		one.AssociatePublicIpAddress, err = flagIn(m, "assign_public_ip")
	}
	if err == nil {
		one.DeleteOnTermination, err = flagIn(m, "delete_on_termination")
	}
	for _, g := range list(m.At("groups")) {
		one.Groups = append(one.Groups, value.Str(g))
	}
	for _, ip := range list(m.At("ipv6_addresses")) {
		one.Ipv6Addresses = append(one.Ipv6Addresses, types.InstanceIpv6Address{Ipv6Address: aws.String(value.Str(ip))})
	}
	for i, ip := range list(m.At("private_ip_addresses")) {
		first := i == 0 && one.PrivateIpAddress == nil
		one.PrivateIpAddresses = append(one.PrivateIpAddresses, types.PrivateIpAddressSpecification{PrivateIpAddress: aws.String(value.Str(ip)), Primary: aws.Bool(first)})
	}
	return one, err
}

// What a volume may say.
var (
	volumeOptions = []string{"device_name", "virtual_name", "no_device", "ebs"}
	ebsOptions    = []string{"volume_type", "volume_size", "iops", "throughput", "encrypted", "kms_key_id", "snapshot_id", "delete_on_termination", "outpost_arn"}
)

func volumes(l []any) ([]types.BlockDeviceMapping, error) {
	out := []types.BlockDeviceMapping{}
	for _, e := range l {
		m, ok := e.(*value.Map)
		if !ok {
			return nil, fmt.Errorf("a volume must be a dictionary, not %s", value.Repr(e))
		}
		one := types.BlockDeviceMapping{DeviceName: textIn(m, "device_name"), VirtualName: textIn(m, "virtual_name"), NoDevice: textIn(m, "no_device")}
		if ebs, ok := m.At("ebs").(*value.Map); ok {
			var err error
			if one.Ebs, err = disk(ebs); err != nil {
				return nil, err
			}
		}
		out = append(out, one)
	}
	return out, nil
}

func disk(m *value.Map) (*types.EbsBlockDevice, error) {
	kind, _ := m.At("volume_type").(string)
	d := &types.EbsBlockDevice{VolumeType: types.VolumeType(kind), KmsKeyId: textIn(m, "kms_key_id"), SnapshotId: textIn(m, "snapshot_id"), OutpostArn: textIn(m, "outpost_arn")}
	var first error
	number := func(name string) *int32 {
		if m.At(name) == nil {
			return nil
		}
		n, err := int32of("ebs."+name, m.At(name))
		first = errors.Join(first, err)
		return n
	}
	flag := func(name string) *bool {
		b, err := flagIn(m, name)
		first = errors.Join(first, err)
		return b
	}
	d.VolumeSize, d.Iops, d.Throughput = number("volume_size"), number("iops"), number("throughput")
	d.Encrypted, d.DeleteOnTermination = flag("encrypted"), flag("delete_on_termination")
	if d.VolumeType == types.VolumeTypeGp3 {
		if aws.ToInt32(d.Iops) == 0 {
			d.Iops = aws.Int32(3000)
		}
		if d.Throughput == nil {
			d.Throughput = aws.Int32(125)
		}
	}
	return d, first
}

func textIn(m *value.Map, name string) *string {
	if v := m.At(name); v != nil && v != "" {
		return aws.String(value.Str(v))
	}
	return nil
}

func flagIn(m *value.Map, name string) (*bool, error) {
	switch v := m.At(name).(type) {
	case nil:
		return nil, nil
	case bool:
		return aws.Bool(v), nil
	default:
		b, ok := module.ParseBool(value.Str(v))
		if !ok {
			return nil, fmt.Errorf("%s is %s: it must be a boolean", name, value.Repr(v))
		}
		return aws.Bool(b), nil
	}
}

func int32of(name string, v any) (*int32, error) {
	n, ok := v.(int)
	if !ok {
		var err error
		if n, err = strconv.Atoi(strings.TrimSpace(value.Str(v))); err != nil {
			return nil, fmt.Errorf("%s is %s: it must be a number", name, value.Repr(v))
		}
	}
	if n < 0 || n > math.MaxInt32 {
		return nil, fmt.Errorf("%s is %d: out of range", name, n)
	}
	return aws.Int32(int32(n)), nil
}
