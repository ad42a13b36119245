package ec2instance

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

func spec() module.Spec {
	return module.Spec{
		Name:    "amazon.aws.ec2_instance",
		Groups:  []string{"group/aws", "group/amazon.aws.aws"},
		Summary: "Makes, changes, starts, stops and ends EC2 instances.",
		Notes: []string{
			"It runs on the controller, whatever host the task is for, with the controller's configuration files; environment: is honoured.",
			"A service that answers RequestLimitExceeded slows down all tasks that use the same key, and the call is made again.",
			"aap_callback and aws_config are refused.",
		},
		Params: append(parameters(), connection()...),
		Rules: module.Rules{MutuallyExclusive: [][]string{{"security_groups", "security_group"}, {"availability_zone", "vpc_subnet_id"},
			{"aap_callback", "user_data"}, {"image_id", "image"}, {"exact_count", "count"}, {"exact_count", "instance_ids"}}},
		Hints:   []parallel.Hint{parallel.Free()},
		HintDoc: "RateLimited(ec2/ACCOUNT/REGION/CLASS), a token for each call of the API",
		Check:   module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "instances", Type: module.List, When: "instances are there, and were waited for", Doc: "The instances, as the API describes them, in snake_case."},
			{Name: "instance_ids", Type: module.List, When: "present", Doc: "The ids of all instances that match."},
			{Name: "changed_ids", Type: module.List, When: "instances were added to others", Doc: "The ids of the new instances."},
			{Name: "terminated_ids", Type: module.List, When: "exact_count ended instances", Doc: "The ids of the instances that were ended."},
			{Name: "terminate_success", Type: module.List, When: "absent", Doc: "The ids of the instances that were ended."},
			{Name: "start_success", Type: module.List, When: "running, started", Doc: "The ids of the instances that were started."},
			{Name: "stop_success", Type: module.List, When: "stopped", Doc: "The ids of the instances that were stopped."},
			{Name: "reboot_success", Type: module.List, When: "restarted, rebooted", Doc: "The ids of the instances that were started again."},
			{Name: "spec", Type: module.Dict, When: "instances were launched", Doc: "What was asked of RunInstances."},
			{Name: "changes", Type: module.List, When: "instances were there", Doc: "What was asked of ModifyInstanceAttribute."},
		},
	}
}

func parameters() []module.Param {
	onOff := []any{"enabled", "disabled"}
	return []module.Param{
		{Name: "state", Default: "present", Choices: []any{"present", "terminated", "running", "started", "stopped", "restarted", "rebooted", "absent"},
			Doc: "present: there; running: also not stopped; started: also healthy by EC2's own checks; restarted and rebooted: stopped, then started or running; absent is terminated."},
		{Name: "wait", Type: module.Bool, Default: true, Doc: "Wait until the instances are in the state."},
		{Name: "wait_timeout", Type: module.Int, Default: 600, Doc: "Seconds to wait; a wait that takes longer is a warning."},
		{Name: "count", Type: module.Int, Doc: "How many instances to launch, in any case."},
		{Name: "exact_count", Type: module.Int, Doc: "How many instances that match there shall be: more are launched, or the oldest ended."},
		{Name: "instance_ids", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "The instances that are meant."},
		{Name: "filters", Type: module.Dict, Doc: "Which instances match, by DescribeInstances' filters; else by name, image and subnet."},
		{Name: "image", Type: module.Dict, Doc: "The image.", Options: []module.Param{
			{Name: "id", Doc: "The AMI's id."},
			{Name: "kernel", Doc: "A kernel (AKI) instead of the image's."},
			{Name: "ramdisk", Doc: "A RAM disk instead of the image's."}}},
		{Name: "image_id", Doc: "The AMI's id."},
		{Name: "instance_type", Doc: "The type; t2.micro where neither it nor a launch template is given."},
		{Name: "key_name", Doc: "The name of the SSH key pair."},
		{Name: "name", Doc: "The tag Name."},
		{Name: "tags", Type: module.Dict, Aliases: []string{"resource_tags"}, Doc: "The tags."},
		{Name: "purge_tags", Type: module.Bool, Default: true, Doc: "Remove tags that are not in tags, if tags is given."},
		{Name: "security_group", Doc: "A security group, by id or name."},
		{Name: "security_groups", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "Security groups, by id or name."},
		{Name: "vpc_subnet_id", Aliases: []string{"subnet_id"}, Doc: "The subnet; else the default one of the default VPC."},
		{Name: "availability_zone", Doc: "The zone whose default subnet to use."},
		{Name: "network", Type: module.Dict, Doc: "One network interface, or interfaces: a list of the ids of some. Options: assign_public_ip, delete_on_termination, description, device_index, groups, ipv6_addresses, private_ip_address, private_ip_addresses, source_dest_check, subnet_id."},
		{Name: "volumes", Type: module.List, Elements: module.Dict, Doc: "Block devices: device_name, virtual_name, no_device and ebs, with volume_type, volume_size, iops, throughput, encrypted, kms_key_id, snapshot_id, delete_on_termination."},
		{Name: "user_data", Doc: "What the instance is given to read when it boots."},
		{Name: "iam_instance_profile", Aliases: []string{"instance_role"}, Doc: "The ARN or the name of the instance profile."},
		{Name: "launch_template", Type: module.Dict, Doc: "A launch template: id or name, and version."},
		{Name: "ebs_optimized", Type: module.Bool, Doc: "Whether EBS has a network of its own."},
		{Name: "detailed_monitoring", Type: module.Bool, Doc: "Whether CloudWatch collects detailed numbers."},
		{Name: "termination_protection", Type: module.Bool, Doc: "Whether the instance is kept from being ended."},
		{Name: "tenancy", Choices: []any{"dedicated", "default"}, Doc: "Whether the hardware is shared."},
		{Name: "placement_group", Doc: "The placement group."},
		{Name: "instance_initiated_shutdown_behavior", Choices: []any{"stop", "terminate"}, Doc: "What a shutdown from inside does."},
		{Name: "hibernation_options", Type: module.Bool, Default: false, Doc: "Whether the instance can hibernate; needs encrypted volumes."},
		{Name: "cpu_credit_specification", Choices: []any{"unlimited", "standard"}, Doc: "How a T instance uses CPU credits."},
		{Name: "cpu_options", Type: module.Dict, Doc: "How many CPUs to show.", Options: []module.Param{
			{Name: "core_count", Type: module.Int, Required: true, Doc: "How many cores."},
			{Name: "threads_per_core", Type: module.Int, Required: true, Choices: []any{1, 2}, Doc: "How many threads a core has."}}},
		{Name: "metadata_options", Type: module.Dict, Doc: "The instance's metadata service.", Options: []module.Param{
			{Name: "http_endpoint", Default: "enabled", Choices: onOff, Doc: "Whether it is there."},
			{Name: "http_tokens", Default: "optional", Choices: []any{"optional", "required"}, Doc: "Whether requests need a token."},
			{Name: "http_put_response_hop_limit", Type: module.Int, Default: 1, Doc: "How far a token's answer may travel."},
			{Name: "http_protocol_ipv6", Default: "disabled", Choices: onOff, Doc: "Whether it answers on IPv6."},
			{Name: "instance_metadata_tags", Default: "disabled", Choices: onOff, Doc: "Whether it tells the tags."}}},
		{Name: "aap_callback", Type: module.Dict, Aliases: []string{"tower_callback"}, NoLog: true, Doc: "Not supported."},
	}
}

// connection are the parameters that all modules of the collection have.
func connection() []module.Param {
	return []module.Param{
		{Name: "region", Aliases: []string{"aws_region", "ec2_region"}, Doc: "The region; else AWS_REGION, AWS_DEFAULT_REGION, EC2_REGION, or the profile's."},
		{Name: "profile", Aliases: []string{"aws_profile"}, Doc: "A profile of the configuration files; else AWS_PROFILE."},
		{Name: "access_key", Aliases: []string{"aws_access_key_id", "aws_access_key", "ec2_access_key"}, Doc: "The access key's id; else AWS_ACCESS_KEY_ID, AWS_ACCESS_KEY, EC2_ACCESS_KEY."},
		{Name: "secret_key", Aliases: []string{"aws_secret_access_key", "aws_secret_key", "ec2_secret_key"}, NoLog: true, Doc: "The access key; else AWS_SECRET_ACCESS_KEY, AWS_SECRET_KEY, EC2_SECRET_KEY."},
		{Name: "session_token", Aliases: []string{"aws_session_token", "security_token", "aws_security_token", "access_token"}, NoLog: true, Doc: "The token of temporary keys; else AWS_SESSION_TOKEN, AWS_SECURITY_TOKEN, EC2_SECURITY_TOKEN."},
		{Name: "endpoint_url", Aliases: []string{"ec2_url", "aws_endpoint_url", "s3_url"}, Doc: "Where the service is, if not at Amazon's; else AWS_URL, EC2_URL, S3_URL."},
		{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "Check the service's certificate."},
		{Name: "aws_ca_bundle", Type: module.Path, Doc: "A file of certificates to trust; else AWS_CA_BUNDLE."},
		{Name: "aws_config", Type: module.Dict, Doc: "Not supported."},
		{Name: "debug_botocore_endpoint_logs", Type: module.Bool, Default: false, Doc: "Return the set of calls that were made, as resource_actions; else ANSIBLE_DEBUG_BOTOCORE_LOGS."},
	}
}
