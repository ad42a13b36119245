package ec2instance

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/control/ec2_instance/ec2test"
	"github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

func TestSpec(t *testing.T) { s := spec(); moduletest.Spec(t, &s) }

// bench is a server and the module in front of it.
type bench struct {
	*testing.T
	server *ec2test.Server
	module *module.Control
	check  bool
}

func newBench(t *testing.T) *bench {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("HOME", t.TempDir())
	for _, n := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_URL"} {
		t.Setenv(n, "")
	}
	return &bench{T: t, server: ec2test.New(t, ec2test.Options{Moment: 200 * time.Millisecond}), module: New()}
}

// do runs the module with the server's address and keys.
func (b *bench) do(pairs ...any) *module.Result {
	b.Helper()
	raw := value.MapOf("endpoint_url", b.server.URL, "region", ec2test.Region, "access_key", ec2test.Key, "secret_key", ec2test.Secret)
	raw.Update(value.MapOf(pairs...))
	return moduletest.Task(b.T, &moduletest.Controller{CheckMode: b.check}, b.module, nil, raw)
}

// ok is do that must succeed, changing something or not.
func (b *bench) ok(changed bool, pairs ...any) *module.Result {
	b.Helper()
	r := b.do(pairs...)
	if r.Failed || r.Changed != changed {
		b.Fatalf("changed is not %v: %s", changed, value.ToJSON(r.ToMap()))
	}
	return r
}

// both predicts, then does: the prediction calls nothing that changes.
func (b *bench) both(changed bool, pairs ...any) *module.Result {
	b.Helper()
	b.check = true
	b.server.Reset()
	b.ok(changed, pairs...)
	for _, c := range b.server.Calls() {
		if !strings.HasPrefix(c.Action, "Describe") && c.Action != "GetCallerIdentity" {
			b.Errorf("check mode called %s", c.Action)
		}
	}
	b.check = false
	return b.ok(changed, pairs...)
}

func (b *bench) fails(part string, pairs ...any) *module.Result {
	b.Helper()
	r := b.do(pairs...)
	if !r.Failed || !strings.Contains(r.Msg, part) {
		b.Errorf("want a failure with %q, got %s", part, value.ToJSON(r.ToMap()))
	}
	return r
}

func first(t *testing.T, r *module.Result) *value.Map {
	t.Helper()
	l := list(r.Get("instances"))
	if len(l) == 0 {
		t.Fatalf("no instances: %s", value.ToJSON(r.ToMap()))
	}
	return l[0].(*value.Map)
}

func at(v any, path string) any {
	for _, name := range strings.Split(path, ".") {
		m, ok := v.(*value.Map)
		if !ok {
			return nil
		}
		v = m.At(name)
	}
	return v
}

// one is an instance by name.
var one = []any{"name", "web", "image_id", ec2test.Image, "instance_type", "t3.small", "vpc_subnet_id", ec2test.DefaultSubnet}

func with(base []any, more ...any) []any { return append(slices.Clone(base), more...) }

func TestLifeOfAnInstance(t *testing.T) {
	b := newBench(t)
	r := b.both(true, with(one, "state", "running", "tags", value.MapOf("env", "test", "n", 3), "security_group", "web",
		"network", value.MapOf("assign_public_ip", true), "detailed_monitoring", true, "user_data", "#!/bin/sh",
		"iam_instance_profile", "web-profile", "tenancy", "default",
		"cpu_options", value.MapOf("core_count", 2, "threads_per_core", 1), "metadata_options", value.MapOf("http_tokens", "required"),
		"volumes", []any{value.MapOf("device_name", "/dev/sdb", "ebs", value.MapOf("volume_size", "20", "volume_type", "gp3", "encrypted", true))})...)
	i := first(t, r)
	for path, want := range map[string]any{"state.name": "running", "tags.Name": "web", "tags.env": "test", "tags.n": "3", "instance_type": "t3.small",
		"monitoring.state": "enabled", "cpu_options.core_count": 2, "metadata_options.http_tokens": "required", "source_dest_check": true,
		"placement.availability_zone": "eu-test-1a", "iam_instance_profile.arn": "arn:aws:iam::123456789012:instance-profile/web-profile"} {
		if got := at(i, path); got != want {
			t.Errorf("%s is %v, not %v", path, got, want)
		}
	}
	if g := list(i.At("security_groups")); len(g) != 1 || at(g[0], "group_id") != ec2test.Group {
		t.Errorf("security groups %s", value.Str(g))
	}
	if d := list(i.At("block_device_mappings")); len(d) != 1 || at(d[0], "device_name") != "/dev/sdb" {
		t.Errorf("devices %s", value.Str(d))
	}
	if at(r.Get("spec"), "UserData") != "#!/bin/sh" || at(r.Get("spec"), "InstanceType") != "t3.small" {
		t.Errorf("spec %s", value.Str(r.Get("spec")))
	}
	id := i.At("instance_id")

	b.both(false, with(one, "state", "running")...)
	b.both(false, with(one, "state", "present", "tags", value.MapOf("env", "test", "n", 3), "iam_instance_profile", "web-profile", "security_group", "web")...)
	r = b.both(true, with(one, "state", "stopped")...)
	if at(first(t, r), "state.name") != "stopped" || value.Str(r.Get("stop_success")) != value.Str([]any{id}) {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	b.both(false, with(one, "state", "stopped")...)
	b.check = true
	b.ok(true, with(one, "state", "restarted")...)
	b.check = false
	r = b.both(true, with(one, "state", "started")...)
	if at(first(t, r), "state.name") != "running" || b.server.Count("DescribeInstanceStatus") == 0 {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	r = b.both(true, with(one, "state", "rebooted")...)
	if at(first(t, r), "state.name") != "running" || value.Str(r.Get("reboot_success")) != value.Str([]any{id}) {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	r = b.both(true, "instance_ids", []any{id}, "state", "absent")
	if at(first(t, r), "state.name") != "terminated" || value.Str(r.Get("terminate_success")) != value.Str([]any{id}) {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	if r = b.both(false, "instance_ids", []any{id}, "state", "absent"); r.Msg != "No matching instances found" {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
}

func TestChanges(t *testing.T) {
	b := newBench(t)
	b.ok(true, with(one, "tags", value.MapOf("old", "1", "keep", "2"))...)
	r := b.both(true, with(one, "tags", value.MapOf("keep", "2", "new", "3"))...)
	if tags := value.Str(at(first(t, r), "tags")); tags != "{'Name': 'web', 'keep': '2', 'new': '3'}" {
		t.Errorf("tags %s", tags)
	}
	r = b.both(true, with(one, "tags", value.MapOf("more", "4"), "purge_tags", false)...)
	if tags := value.Str(at(first(t, r), "tags")); tags != "{'Name': 'web', 'keep': '2', 'more': '4', 'new': '3'}" {
		t.Errorf("tags %s", tags)
	}
	r = b.both(true, with(one, "termination_protection", true, "ebs_optimized", true, "security_groups", []any{"web", ec2test.DefaultGroup},
		"network", value.MapOf("source_dest_check", false))...)
	if i := first(t, r); i.At("ebs_optimized") != true || i.At("source_dest_check") != false || len(list(i.At("security_groups"))) != 2 || len(list(r.Get("changes"))) != 4 {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	b.both(false, with(one, "termination_protection", true, "ebs_optimized", true, "security_groups", []any{"web", ec2test.DefaultGroup})...)
	r = b.fails("Unable to terminate instances: An error occurred (OperationNotPermitted) when calling the TerminateInstances operation", with(one, "state", "absent")...)
	if len(list(r.Get("terminate_failed"))) != 1 || at(r.Get("error"), "code") != "OperationNotPermitted" {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	b.both(true, with(one, "iam_instance_profile", "first")...)
	b.both(false, with(one, "iam_instance_profile", "arn:aws:iam::123456789012:instance-profile/first")...)
	b.both(true, with(one, "iam_instance_profile", "second")...)
	r = b.ok(false, with(one, "iam_instance_profile", "second", "network", value.MapOf("assign_public_ip", true))...)
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "public ip assignment") {
		t.Errorf("warnings %q", r.Warnings)
	}
	r = b.both(true, with(one, "network", value.MapOf("interfaces", []any{"eni-0f00"}), "filters", value.MapOf("tag:Name", "web"))...)
	if len(list(first(t, r).At("network_interfaces"))) != 2 {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
}

func TestCounts(t *testing.T) {
	b := newBench(t)
	r := b.both(true, with(one, "exact_count", 3)...)
	if len(list(r.Get("instances"))) != 3 || b.server.Count("RunInstances") != 1 {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	if r = b.both(false, with(one, "exact_count", 3)...); r.Msg != "3 instances already running, nothing to do." {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	r = b.both(true, with(one, "exact_count", 5)...)
	if len(list(r.Get("changed_ids"))) != 2 || len(list(r.Get("instance_ids"))) != 5 {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	r = b.both(true, with(one, "exact_count", 2)...)
	if gone := list(r.Get("terminated_ids")); len(gone) != 3 || gone[0] != "i-00000000000000001" {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	// count makes new ones in any case.
	b.both(true, with(one, "count", 2, "wait", false)...)
	r = b.ok(false, with(one, "exact_count", 4)...)
	b.ok(true, "filters", value.MapOf("image_id", ec2test.Image, "instance_state_name", []any{"running", "pending"}), "state", "terminated", "vpc_subnet_id", ec2test.DefaultSubnet)
	b.ok(false, with(one, "state", "absent")...)
	if b.server.Throttled() > 0 {
		t.Error("calls were throttled")
	}
}

// The default network is found, and the zone's subnet in it.
func TestDefaults(t *testing.T) {
	b := newBench(t)
	r := b.ok(true, "name", "a", "image", value.MapOf("id", ec2test.Image))
	if i := first(t, r); i.At("subnet_id") != ec2test.DefaultSubnet || i.At("instance_type") != "t2.micro" {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	r = b.ok(true, "name", "b", "image_id", ec2test.Image, "availability_zone", "eu-test-1b")
	if i := first(t, r); i.At("subnet_id") != "subnet-0b" {
		t.Errorf("%s", value.ToJSON(r.ToMap()))
	}
	b.ok(false, "name", "b", "image_id", ec2test.Image, "availability_zone", "eu-test-1b")
}

func TestMistakes(t *testing.T) {
	b := newBench(t)
	b.fails("not supported by Tutti's ec2_instance: aap_callback, aws_config, volumes[0].ebs.size", with(one, "aap_callback", value.MapOf("windows", true), "aws_config", value.MapOf("a", 1),
		"volumes", []any{value.MapOf("device_name", "x", "ebs", value.MapOf("size", 1))})...)
	b.fails("count is 0: it must be at least 1", with(one, "count", 0)...)
	b.fails("exact_count is -1", with(one, "exact_count", -1)...)
	b.fails("parameters are mutually exclusive: exact_count|count", with(one, "count", 1, "exact_count", 1)...)
	b.fails("Passing both a profile and access tokens is not supported.", with(one, "profile", "x")...)
	b.fails("can't be used with security_group", with(one, "security_group", "web", "network", value.MapOf("interfaces", []any{"eni-1"}))...)
	if n := b.server.Count(); n != 0 {
		t.Errorf("%d calls before the mistakes were found", n)
	}
	b.fails("Failed to create new EC2 instance: An error occurred (InvalidAMIID.NotFound) when calling the RunInstances operation", "image_id", "ami-wrong", "vpc_subnet_id", ec2test.DefaultSubnet)
	b.fails("You must include an image_id or image.id", "name", "x", "vpc_subnet_id", ec2test.DefaultSubnet)
	b.fails("The following group names are not valid: nobody", with(one, "security_group", "nobody")...)
	b.fails("AuthFailure", with(one, "access_key", "AKIDWRONG")...)
	b.fails("requires a region", with(one, "region", nil)...)
	b.fails("Partial credentials", with(one, "secret_key", nil)...)
	b.fails("Unable to locate credentials", with(one, "secret_key", nil, "access_key", nil)...)
	b.fails("The config profile (nobody) could not be found", with(one, "secret_key", nil, "access_key", nil, "profile", "nobody")...)
	b.fails("connection refused", with(one, "endpoint_url", "http://127.0.0.1:1")...)
}

// Keys, region and address come from the task's environment too, and from
// profiles.
func TestEnvironment(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	file := moduletest.Write(t, dir, "credentials", "[ops]\naws_access_key_id="+ec2test.Key+"\naws_secret_access_key=x\n")
	conf := moduletest.Write(t, dir, "config", "[profile ops]\nregion="+ec2test.Region+"\n")
	for name, env := range map[string]map[string]string{
		"keys":    {"AWS_ACCESS_KEY_ID": ec2test.Key, "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": ec2test.Region, "AWS_URL": b.server.URL},
		"profile": {"AWS_PROFILE": "ops", "AWS_CONFIG_FILE": conf, "AWS_SHARED_CREDENTIALS_FILE": file, "EC2_URL": b.server.URL},
	} {
		r := moduletest.Task(t, &moduletest.Controller{Env: env}, b.module, nil, value.MapOf("state", "absent", "name", "x", "vpc_subnet_id", ec2test.DefaultSubnet))
		if r.Failed {
			t.Errorf("%s: %s", name, value.ToJSON(r.ToMap()))
		}
	}
	if n := b.server.Count("DescribeInstances"); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// A session is made once, and a service that knows no accounts is served too.
func TestIdentity(t *testing.T) {
	b := newBench(t)
	b.ok(false, "name", "x", "state", "absent", "vpc_subnet_id", ec2test.DefaultSubnet)
	r := b.ok(false, "name", "y", "state", "absent", "vpc_subnet_id", ec2test.DefaultSubnet, "debug_botocore_endpoint_logs", true)
	if b.server.Count("GetCallerIdentity") != 1 || value.Str(r.Get("resource_actions")) != "['ec2:DescribeInstances']" {
		t.Errorf("%d, %s", b.server.Count("GetCallerIdentity"), value.ToJSON(r.ToMap()))
	}
	b.server = ec2test.New(t, ec2test.Options{NoIdentity: true})
	b.ok(false, "name", "x", "state", "absent", "vpc_subnet_id", ec2test.DefaultSubnet)
}

// The service's certificate is checked, against a bundle if one is given.
func TestCertificates(t *testing.T) {
	b := newBench(t)
	b.server = ec2test.New(t, ec2test.Options{TLS: true})
	bundle := moduletest.Write(t, t.TempDir(), "ca.pem", string(b.server.Certificate))
	task := []any{"name", "x", "state", "absent", "vpc_subnet_id", ec2test.DefaultSubnet}
	b.fails("x509: ", task...)
	b.fails("aws_ca_bundle: ", with(task, "aws_ca_bundle", "/no/such/file")...)
	if n := b.server.Count(); n != 0 {
		t.Errorf("%d calls got through", n)
	}
	b.ok(false, with(task, "aws_ca_bundle", bundle)...)
	b.ok(false, with(task, "validate_certs", false)...)
}

// ledger is a pacer that notes who asked for what.
type ledger struct {
	module.Pacer
	tokens    []parallel.Hint
	throttled []string
}

func (l *ledger) Token(ctx context.Context, h parallel.Hint) error {
	l.tokens = append(l.tokens, h)
	return l.Pacer.Token(ctx, h)
}

func (l *ledger) Throttled(key string) {
	l.throttled = append(l.throttled, key)
	l.Pacer.Throttled(key)
}

// Each try of each call takes a token of its key, and a refusal slows the key.
func TestTokens(t *testing.T) {
	b := newBench(t)
	// A bucket that lets only every second call through, and more of them later.
	b.server = ec2test.New(t, ec2test.Options{Requests: map[string]ec2test.Bucket{"DescribeInstances": {Capacity: 1, Refill: 4}}})
	m := parallel.New(parallel.Options{})
	l := &ledger{Pacer: moduletest.Pacer{Manager: m}}
	s := spec()
	args, err := s.Parse(value.MapOf("endpoint_url", b.server.URL, "region", ec2test.Region, "access_key", ec2test.Key, "secret_key", "x",
		"name", "x", "state", "absent", "vpc_subnet_id", ec2test.DefaultSubnet))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := b.module.Plan(t.Context(), &moduletest.Controller{}, args)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if r, err := plan.Work.Do(t.Context(), l); err != nil || r.Failed {
			t.Fatal(r, err)
		}
	}
	key := "ec2/" + ec2test.Account + "/" + b.server.URL + "/" + ec2test.Region + "/non-mutating"
	n := 0
	for _, h := range l.tokens {
		if h == parallel.Limited(key, 16, 1) {
			n++
		}
	}
	if n != b.server.Count("DescribeInstances") || n < 5 {
		t.Errorf("%d tokens of %s for %d calls: %v", n, key, b.server.Count("DescribeInstances"), l.tokens)
	}
	if len(l.throttled) != b.server.Throttled() || len(l.throttled) == 0 || l.throttled[0] != key {
		t.Errorf("throttled %v, %d times at the server", l.throttled, b.server.Throttled())
	}
	// One call for many instances takes as many resource tokens.
	call, resource, n := hints("ec2/1/r/", "RunInstances", 7)
	if call != parallel.Limited("ec2/1/r/RunInstances", 1.6, 1) || resource != parallel.Limited("ec2/1/r/RunInstances/instances", 1.6, 500) || n != 7 {
		t.Error(call, resource, n)
	}
}

// A wait for a token ends with the task, and leaves nothing waiting.
func TestCancel(t *testing.T) {
	b := newBench(t)
	m := parallel.New(parallel.Options{})
	p := moduletest.Pacer{Manager: m}
	s := spec()
	args, err := s.Parse(value.MapOf("endpoint_url", b.server.URL, "region", ec2test.Region, "access_key", ec2test.Key, "secret_key", "x", "name", "x", "state", "absent", "vpc_subnet_id", ec2test.DefaultSubnet))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := b.module.Plan(t.Context(), &moduletest.Controller{}, args)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Work.Do(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	key := "ec2/" + ec2test.Account + "/" + b.server.URL + "/" + ec2test.Region + "/non-mutating"
	for range 8 { // the next token is seconds away
		m.Throttled(key)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	r, err := plan.Work.Do(ctx, p)
	if err != nil {
		r = module.Fail("%s", err)
	}
	if took := time.Since(begin); !r.Failed || took > 3*time.Second || !strings.Contains(r.Msg, "gave up waiting for rate:"+key) {
		t.Errorf("after %s: %s", took, value.ToJSON(r.ToMap()))
	}
}

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{"InstanceId": "instance_id", "PublicDnsName": "public_dns_name", "Ipv6Address": "ipv6_address",
		"EbsOptimized": "ebs_optimized", "HttpPutResponseHopLimit": "http_put_response_hop_limit", "TargetGroupARNs": "target_group_arns", "VpcId": "vpc_id"} {
		if got := snake(in); got != want {
			t.Errorf("%s is %s, not %s", in, got, want)
		}
	}
}
