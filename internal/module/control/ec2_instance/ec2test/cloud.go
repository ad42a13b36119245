package ec2test

import (
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The network that is there: one default VPC with a default subnet in each of
// two zones, and another VPC.
const (
	DefaultVPC    = "vpc-0default"
	DefaultSubnet = "subnet-0a"
	OtherSubnet   = "subnet-0other"
	Group         = "sg-0a11"    // "web" in the default VPC
	DefaultGroup  = "sg-0defa"   // "default" there
	Image         = "ami-123456" // the only image
)

// cloud is the state of the service.
type cloud struct {
	moment    time.Duration
	instances []*instance
	tokens    map[string][]*instance // by client token
	subnets   []subnet
	vpcs      []vpc
	groups    []group
	serial    int
}

// machine is what is behind an instance's description.
type machine struct {
	from, to  string // states
	since     time.Time
	protected bool
}

func newCloud(moment time.Duration) cloud {
	return cloud{moment: moment, tokens: map[string][]*instance{},
		vpcs: []vpc{{DefaultVPC, true}, {"vpc-0other", false}},
		subnets: []subnet{{DefaultSubnet, DefaultVPC, "eu-test-1a", "available", true}, {"subnet-0b", DefaultVPC, "eu-test-1b", "available", true},
			{OtherSubnet, "vpc-0other", "eu-test-1a", "available", false}},
		groups: []group{{Group, "web", DefaultVPC}, {DefaultGroup, "default", DefaultVPC}, {"sg-0b22", "web", "vpc-0other"}}}
}

type apiError struct{ code, message string }

func fault(code, format string, args ...any) *apiError {
	return &apiError{code, fmt.Sprintf(format, args...)}
}

// state is the state of an instance now.
func (c *cloud) state(i *instance, now time.Time) string {
	if now.Sub(i.machine.since) < c.moment {
		return i.machine.from
	}
	return i.machine.to
}

// turn sets an instance on its way to another state.
func (c *cloud) turn(i *instance, from, to string, now time.Time) changeItem {
	old := c.state(i, now)
	i.machine.from, i.machine.to, i.machine.since = from, to, now
	return changeItem{i.InstanceID, stateOf(c.state(i, now)), stateOf(old)}
}

var codes = map[string]int{"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

func stateOf(name string) state { return state{codes[name], name} }

// values are the parameters prefix.1, prefix.2 and so on.
func values(params url.Values, prefix string) (out []string) {
	for n := 1; ; n++ {
		v, ok := params[prefix+"."+strconv.Itoa(n)]
		if !ok {
			return out
		}
		out = append(out, v[0])
	}
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // 0 is as wrong as anything
	return n
}

func (c *cloud) answer(action string, p url.Values, now time.Time) (any, *apiError) {
	switch action {
	case "RunInstances":
		return c.run(p, now)
	case "DescribeInstances":
		return c.describe(p, now)
	case "DescribeInstanceStatus":
		return c.status(p, now)
	case "StartInstances", "StopInstances", "TerminateInstances", "RebootInstances":
		return c.change(action, p, now)
	case "CreateTags", "DeleteTags":
		return c.tag(action, p)
	case "DescribeInstanceAttribute":
		return c.attribute(p)
	case "ModifyInstanceAttribute":
		return c.modify(p)
	case "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation", "DescribeIamInstanceProfileAssociations":
		return c.profile(action, p)
	case "AttachNetworkInterface":
		return c.attach(p)
	case "DescribeTags":
		return c.describeTags(p), nil
	case "DescribeVpcs":
		return vpcsAnswer{Items: pick(c.vpcs, p, func(v vpc, f string) []string {
			return map[string][]string{"vpc-id": {v.ID}, "isDefault": {strconv.FormatBool(v.Default)}, "is-default": {strconv.FormatBool(v.Default)}}[f]
		})}, nil
	case "DescribeSubnets":
		wanted := values(p, "SubnetId")
		l := pick(c.subnets, p, func(s subnet, f string) []string {
			return map[string][]string{"subnet-id": {s.ID}, "vpc-id": {s.VPC}, "state": {s.State}, "default-for-az": {strconv.FormatBool(s.Default)}}[f]
		})
		l = slices.DeleteFunc(l, func(s subnet) bool { return len(wanted) > 0 && !slices.Contains(wanted, s.ID) })
		if len(l) < len(wanted) {
			return nil, fault("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", strings.Join(wanted, ", "))
		}
		return subnetsAnswer{Items: l}, nil
	case "DescribeSecurityGroups":
		return groupsAnswer{Items: pick(c.groups, p, func(g group, f string) []string {
			return map[string][]string{"vpc-id": {g.VPC}, "group-name": {g.Name}, "group-id": {g.ID}}[f]
		})}, nil
	}
	return nil, fault("InvalidAction", "The action %s is not valid for this web service.", action)
}

// pick keeps what passes the call's filters.
func pick[T any](all []T, p url.Values, field func(T, string) []string) (out []T) {
	for _, e := range all {
		if passes(p, func(name string) []string { return field(e, name) }) {
			out = append(out, e)
		}
	}
	return out
}

func passes(p url.Values, field func(name string) []string) bool {
	for n := 1; ; n++ {
		prefix := fmt.Sprintf("Filter.%d.", n)
		name := p.Get(prefix + "Name")
		if name == "" {
			return true
		}
		have := field(name)
		if !slices.ContainsFunc(values(p, prefix+"Value"), func(v string) bool { return slices.Contains(have, v) }) {
			return false
		}
	}
}

func (c *cloud) run(p url.Values, now time.Time) (any, *apiError) {
	if again, ok := c.tokens[p.Get("ClientToken")]; ok && p.Get("ClientToken") != "" {
		return runAnswer{Instances: c.show(again, now)}, nil
	}
	if p.Get("ImageId") != Image {
		return nil, fault("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", p.Get("ImageId"))
	}
	n := number(p.Get("MaxCount"))
	if n < 1 || n != number(p.Get("MinCount")) {
		return nil, fault("InvalidParameterValue", "MinCount %q, MaxCount %q", p.Get("MinCount"), p.Get("MaxCount"))
	}
	net := p.Get("NetworkInterface.1.SubnetId")
	at := slices.IndexFunc(c.subnets, func(s subnet) bool { return s.ID == net })
	if at < 0 {
		return nil, fault("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", net)
	}
	var made []*instance
	for k := range n {
		made = append(made, c.launch(p, c.subnets[at], k, now))
	}
	c.instances = append(c.instances, made...)
	if token := p.Get("ClientToken"); token != "" {
		c.tokens[token] = made
	}
	return runAnswer{ReservationID: "r-1", Instances: c.show(made, now)}, nil
}

func (c *cloud) launch(p url.Values, sub subnet, index int, now time.Time) *instance {
	c.serial++
	ip := fmt.Sprintf("10.0.%d.%d", c.serial/250, c.serial%250+1)
	i := &instance{InstanceID: fmt.Sprintf("i-%017x", c.serial), ImageID: p.Get("ImageId"), Type: p.Get("InstanceType"), LaunchIndex: index, KeyName: p.Get("KeyName"),
		LaunchTime: now.UTC().Format("2006-01-02T15:04:05.000Z"), PrivateIP: ip, PrivateDNS: "ip-" + strings.ReplaceAll(ip, ".", "-") + ".test.internal",
		SubnetID: sub.ID, VPC: sub.VPC, Architecture: "x86_64", Hypervisor: "xen", RootDevice: "/dev/sda1", RootDeviceType: "ebs", SourceDestCheck: true,
		ClientToken: p.Get("ClientToken"), EbsOptimized: p.Get("EbsOptimized") == "true",
		Placement:  placement{sub.Zone, p.Get("Placement.Tenancy"), p.Get("Placement.GroupName")},
		Monitoring: monitoring{map[bool]string{true: "enabled", false: "disabled"}[p.Get("Monitoring.Enabled") == "true"]},
		CPU:        &cpu{max(1, number(p.Get("CpuOptions.CoreCount"))), max(1, number(p.Get("CpuOptions.ThreadsPerCore")))},
		machine:    machine{from: "pending", to: "running", since: now, protected: p.Get("DisableApiTermination") == "true"}}
	if i.Placement.Tenancy == "" {
		i.Placement.Tenancy = "default"
	}
	if p.Get("NetworkInterface.1.AssociatePublicIpAddress") == "true" {
		i.PublicIP = fmt.Sprintf("203.0.113.%d", c.serial%250+1)
		i.PublicDNS = "ec2-" + strings.ReplaceAll(i.PublicIP, ".", "-") + ".test.example"
	}
	groups := values(p, "NetworkInterface.1.SecurityGroupId")
	if len(groups) == 0 {
		groups = []string{DefaultGroup}
	}
	i.Groups = c.groupItems(groups)
	i.Interfaces = []netif{{ID: fmt.Sprintf("eni-%08x", c.serial), Subnet: sub.ID, VPC: sub.VPC, IP: ip, Status: "in-use"}}
	for n := 1; p.Has(fmt.Sprintf("BlockDeviceMapping.%d.DeviceName", n)); n++ {
		i.Disks = append(i.Disks, blockDevice{p.Get(fmt.Sprintf("BlockDeviceMapping.%d.DeviceName", n)), ebs{fmt.Sprintf("vol-%08x%d", c.serial, n), "attached", true}})
	}
	for n := 1; p.Has(fmt.Sprintf("TagSpecification.%d.ResourceType", n)); n++ {
		if p.Get(fmt.Sprintf("TagSpecification.%d.ResourceType", n)) == "instance" {
			for m := 1; p.Has(fmt.Sprintf("TagSpecification.%d.Tag.%d.Key", n, m)); m++ {
				i.setTag(p.Get(fmt.Sprintf("TagSpecification.%d.Tag.%d.Key", n, m)), p.Get(fmt.Sprintf("TagSpecification.%d.Tag.%d.Value", n, m)))
			}
		}
	}
	i.setProfile(p)
	if tokens := p.Get("MetadataOptions.HttpTokens"); tokens != "" {
		i.Metadata = &metadata{"applied", tokens, number(p.Get("MetadataOptions.HttpPutResponseHopLimit")), p.Get("MetadataOptions.HttpEndpoint")}
	}
	return i
}

func (i *instance) setProfile(p url.Values) {
	name, arn := p.Get("IamInstanceProfile.Name"), p.Get("IamInstanceProfile.Arn")
	if name != "" {
		arn = "arn:aws:iam::" + Account + ":instance-profile/" + name
	}
	if arn != "" {
		i.Profile = &iamProfile{arn, "AIPA" + strconv.Itoa(len(arn))}
	}
}

func (c *cloud) groupItems(ids []string) (out []groupItem) {
	for _, id := range ids {
		name := ""
		for _, g := range c.groups {
			if g.ID == id {
				name = g.Name
			}
		}
		out = append(out, groupItem{id, name})
	}
	return out
}

func (i *instance) setTag(key, value string) {
	i.dropTag(key)
	i.Tags = append(i.Tags, tag{key, value})
	sort.Slice(i.Tags, func(a, b int) bool { return i.Tags[a].Key < i.Tags[b].Key })
}

func (i *instance) dropTag(key string) {
	i.Tags = slices.DeleteFunc(slices.Clone(i.Tags), func(t tag) bool { return t.Key == key })
}

// show copies instances with their states of now.
func (c *cloud) show(l []*instance, now time.Time) (out []instance) {
	for _, i := range l {
		one := *i
		one.State = stateOf(c.state(i, now))
		if one.State.Name == "terminated" {
			one.Groups, one.Interfaces = nil, nil
		}
		out = append(out, one)
	}
	return out
}

// find finds instances by their ids.
func (c *cloud) find(ids []string) ([]*instance, *apiError) {
	var out []*instance
	for _, id := range ids {
		at := slices.IndexFunc(c.instances, func(i *instance) bool { return i.InstanceID == id })
		if at < 0 {
			return nil, fault("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
		}
		out = append(out, c.instances[at])
	}
	return out, nil
}

func (c *cloud) describe(p url.Values, now time.Time) (any, *apiError) {
	from := c.instances
	if ids := values(p, "InstanceId"); len(ids) > 0 {
		if p.Has("MaxResults") {
			return nil, fault("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
		}
		var err *apiError
		if from, err = c.find(ids); err != nil {
			return nil, err
		}
	}
	all := pick(c.show(from, now), p, func(i instance, name string) []string {
		if key, ok := strings.CutPrefix(name, "tag:"); ok {
			for _, t := range i.Tags {
				if t.Key == key {
					return []string{t.Value}
				}
			}
			return nil
		}
		var interfaces []string
		for _, n := range i.Interfaces {
			interfaces = append(interfaces, n.ID)
		}
		return map[string][]string{"instance-id": {i.InstanceID}, "instance-state-name": {i.State.Name}, "subnet-id": {i.SubnetID}, "image-id": {i.ImageID},
			"key-name": {i.KeyName}, "instance-type": {i.Type}, "network-interface.network-interface-id": interfaces}[name]
	})
	a := describeAnswer{}
	if most := number(p.Get("MaxResults")); most > 0 {
		begin := min(number(p.Get("NextToken")), len(all))
		end := min(begin+most, len(all))
		if end < len(all) {
			a.NextToken = strconv.Itoa(end)
		}
		all = all[begin:end]
	}
	for _, i := range all {
		a.Reservations = append(a.Reservations, reservation{"r-" + i.InstanceID[2:], []instance{i}})
	}
	return a, nil
}

// status says that an instance is well a moment after it runs.
func (c *cloud) status(p url.Values, now time.Time) (any, *apiError) {
	found, err := c.find(values(p, "InstanceId"))
	if err != nil {
		return nil, err
	}
	a := statusAnswer{}
	for _, i := range found {
		name := c.state(i, now)
		if name != "running" && p.Get("IncludeAllInstances") != "true" {
			continue
		}
		health := "initializing"
		if name == "running" && now.Sub(i.machine.since) > 2*c.moment {
			health = "ok"
		}
		a.Items = append(a.Items, statusItem{i.InstanceID, stateOf(name), health, health})
	}
	return a, nil
}

func (c *cloud) change(action string, p url.Values, now time.Time) (any, *apiError) {
	found, err := c.find(values(p, "InstanceId"))
	if err != nil {
		return nil, err
	}
	a := changeAnswer{}
	for _, i := range found {
		now2 := c.state(i, now)
		wrong := fault("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be changed: %s", i.InstanceID, now2)
		switch action {
		case "StartInstances":
			if now2 != "stopped" && now2 != "running" && now2 != "pending" {
				return nil, wrong
			}
			if now2 == "stopped" {
				a.Items = append(a.Items, c.turn(i, "pending", "running", now))
			}
		case "StopInstances":
			if now2 != "running" && now2 != "stopped" && now2 != "stopping" {
				return nil, wrong
			}
			if now2 == "running" {
				a.Items = append(a.Items, c.turn(i, "stopping", "stopped", now))
			}
		case "RebootInstances":
			if now2 != "running" {
				return nil, wrong
			}
		case "TerminateInstances":
			if i.machine.protected {
				return nil, fault("OperationNotPermitted", "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", i.InstanceID)
			}
			if now2 != "terminated" && now2 != "shutting-down" {
				a.Items = append(a.Items, c.turn(i, "shutting-down", "terminated", now))
			}
		}
	}
	return a, nil
}

func (c *cloud) tag(action string, p url.Values) (any, *apiError) {
	found, err := c.find(values(p, "ResourceId"))
	if err != nil {
		return nil, err
	}
	for _, i := range found {
		for n := 1; p.Has(fmt.Sprintf("Tag.%d.Key", n)); n++ {
			key := p.Get(fmt.Sprintf("Tag.%d.Key", n))
			if action == "DeleteTags" {
				i.dropTag(key)
			} else {
				i.setTag(key, p.Get(fmt.Sprintf("Tag.%d.Value", n)))
			}
		}
	}
	return done{Return: true}, nil
}

func (c *cloud) describeTags(p url.Values) any {
	a := tagsAnswer{}
	for _, i := range c.instances {
		for _, t := range i.Tags {
			if passes(p, func(name string) []string {
				return map[string][]string{"resource-id": {i.InstanceID}, "resource-type": {"instance"}, "key": {t.Key}}[name]
			}) {
				a.Items = append(a.Items, tagItem{i.InstanceID, "instance", t.Key, t.Value})
			}
		}
	}
	return a
}

func (c *cloud) attribute(p url.Values) (any, *apiError) {
	found, err := c.find([]string{p.Get("InstanceId")})
	if err != nil {
		return nil, err
	}
	i := found[0]
	a := attributeAnswer{InstanceID: i.InstanceID}
	switch p.Get("Attribute") {
	case "disableApiTermination":
		a.Protected = &boolean{i.machine.protected}
	case "ebsOptimized":
		a.EbsOptimized = &boolean{i.EbsOptimized}
	case "groupSet":
		a.Groups = i.Groups
	default:
		return nil, fault("InvalidParameterValue", "Value (%s) for parameter attribute is invalid.", p.Get("Attribute"))
	}
	return a, nil
}

func (c *cloud) modify(p url.Values) (any, *apiError) {
	found, err := c.find([]string{p.Get("InstanceId")})
	if err != nil {
		return nil, err
	}
	i := found[0]
	if p.Has("DisableApiTermination.Value") {
		i.machine.protected = p.Get("DisableApiTermination.Value") == "true"
	}
	if p.Has("EbsOptimized.Value") {
		i.EbsOptimized = p.Get("EbsOptimized.Value") == "true"
	}
	if p.Has("SourceDestCheck.Value") {
		i.SourceDestCheck = p.Get("SourceDestCheck.Value") == "true"
	}
	if groups := values(p, "GroupId"); len(groups) > 0 {
		i.Groups = c.groupItems(groups)
	}
	return done{Return: true}, nil
}

func (c *cloud) profile(action string, p url.Values) (any, *apiError) {
	a := profileAnswer{}
	for _, i := range c.instances {
		id := "iip-assoc-" + i.InstanceID[2:]
		switch {
		case action == "DescribeIamInstanceProfileAssociations":
			if i.Profile != nil && passes(p, func(string) []string { return []string{i.InstanceID} }) {
				a.Items = append(a.Items, association{id, i.InstanceID, *i.Profile})
			}
		case p.Get("InstanceId") == i.InstanceID || p.Get("AssociationId") == id:
			i.setProfile(p)
			a.One = &association{id, i.InstanceID, *i.Profile}
		}
	}
	return a, nil
}

func (c *cloud) attach(p url.Values) (any, *apiError) {
	found, err := c.find([]string{p.Get("InstanceId")})
	if err != nil {
		return nil, err
	}
	i := found[0]
	i.Interfaces = append(i.Interfaces, netif{ID: p.Get("NetworkInterfaceId"), Subnet: i.SubnetID, VPC: i.VPC, Status: "in-use"})
	return attachAnswer{ID: "eni-attach-1"}, nil
}
