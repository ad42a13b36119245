package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module/control/ec2_instance/ec2test"
)

// manyInstances is a play that asks for 50 instances in one loop, 20 at a time.
const manyInstances = `
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Launch
      amazon.aws.ec2_instance:
        name: "web-{{ item }}"
        image_id: ami-123456
        instance_type: t3.small
        vpc_subnet_id: subnet-0a
        wait: false
      loop: "{{ range(50) | list }}"
      vars:
        tutti_loop_parallel: 20
      register: made
    - assert:
        that: made.results | map(attribute='instance_ids') | flatten | unique | length == 50
`

// ec2Play runs a command of this test's own program in front of an EC2 server.
func ec2Play(t *testing.T, s *ec2test.Server, command, play string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "site.yml"), []byte(play), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command, append([]string{"play", "site.yml"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "TUTTI_LOCK_DIR="+filepath.Join(dir, "locks"), "AWS_EC2_METADATA_DISABLED=true",
		"AWS_URL="+s.URL, "AWS_REGION="+ec2test.Region, "AWS_ACCESS_KEY_ID="+ec2test.Key, "AWS_SECRET_ACCESS_KEY="+ec2test.Secret)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), ec2test.Secret) {
		t.Error("the secret key was shown")
	}
	return string(out)
}

// rate is Amazon's documented rate of RunInstances, and spare how many calls
// that were held up on the way may arrive together with the next.
const (
	rate  = 2
	spare = 1
)

// TestEC2Rate asks for 50 instances in one loop. The server never sees more
// calls in any window of time than Amazon allows, without a single refusal.
func TestEC2Rate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("50 launches at Amazon's rate take half a minute")
	}
	s := ec2test.New(t, ec2test.Options{Moment: 300 * time.Millisecond})
	events := filepath.Join(t.TempDir(), "events.jsonl")
	out := ec2Play(t, s, "tutti", manyInstances, "-v", "--forks", "20", "--events", events)
	if n := s.Launches(); n != 50 {
		t.Errorf("%d launches", n)
	}
	if bad := s.Exceeded("RunInstances", rate, spare); bad != "" {
		t.Error(bad)
	}
	if n := s.Throttled(); n > 0 {
		t.Errorf("%d calls were refused", n)
	}
	// The run's own log says the same.
	if out, err := exec.Command("tutti", "verify", events).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	// Whoever watches sees what is waited for.
	if want := fmt.Sprintf("waiting for RateLimited(ec2/%s/%s/%s/RunInstances)", ec2test.Account, s.URL, ec2test.Region); !strings.Contains(out, want) {
		t.Errorf("nothing says %q:\n%s", want, out)
	}
}

// TestEC2RateUnheld is the test of the test: with enforcement off, the same play
// breaks the rate.
func TestEC2RateUnheld(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("see TestEC2Rate")
	}
	s := ec2test.New(t, ec2test.Options{})
	ec2Play(t, s, "tutti-unheld", manyInstances, "--forks", "20")
	if s.Exceeded("RunInstances", rate, spare) == "" || s.Throttled() == 0 {
		t.Errorf("with enforcement off nothing was wrong: the test sees nothing")
	}
}

// TestEC2Throttled runs against a service that allows less than it says: all
// that use the key slow down and every task succeeds.
func TestEC2Throttled(t *testing.T) {
	t.Parallel()
	s := ec2test.New(t, ec2test.Options{Requests: map[string]ec2test.Bucket{"DescribeInstances": {Capacity: 2, Refill: 5}}})
	ec2Play(t, s, "tutti", `
- hosts: localhost
  gather_facts: false
  tasks:
    - amazon.aws.ec2_instance: {name: "web-{{ item }}", vpc_subnet_id: subnet-0a, state: absent}
      loop: "{{ range(40) | list }}"
      vars:
        tutti_loop_parallel: 20
`)
	refused := s.Throttled()
	if n := s.Count("DescribeInstances"); n-refused != 40 {
		t.Errorf("%d calls succeeded", n-refused)
	}
	if refused == 0 || refused > 20 {
		t.Errorf("%d calls were refused before the key was slow enough", refused)
	}
}

// TestEC2Timeout has a task's timeout end work on the controller as it ends work
// on a target, and async bound it.
func TestEC2Timeout(t *testing.T) {
	t.Parallel()
	s := ec2test.New(t, ec2test.Options{Moment: time.Hour})
	begin := time.Now()
	ec2Play(t, s, "tutti", `
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/aws: {region: eu-test-1}
    amazon.aws.ec2_instance: {image_id: ami-123456, vpc_subnet_id: subnet-0a, state: running}
  tasks:
    - amazon.aws.ec2_instance: {name: a}
      timeout: 1
      ignore_errors: true
      register: limited
    - amazon.aws.ec2_instance: {name: b}
      async: 1
      poll: 1
      ignore_errors: true
      register: bounded
    - amazon.aws.ec2_instance: {name: c}
      async: 1
      poll: 0
      ignore_errors: true
      register: refused
    - assert:
        that:
          - limited.msg is search('failed to execute in the expected time frame \(1\)')
          - bounded.msg == 'async task did not complete within the requested time - 1s'
          - refused.msg is search('cannot outlive its task')
`)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestEC2Example plays the example that is shipped.
func TestEC2Example(t *testing.T) {
	t.Parallel()
	s := ec2test.New(t, ec2test.Options{Moment: 200 * time.Millisecond})
	play, err := os.ReadFile("../examples/ec2/site.yml")
	if err != nil {
		t.Fatal(err)
	}
	vars := []string{"-e", "image=" + ec2test.Image, "-e", "subnet=" + ec2test.DefaultSubnet, "-e", "how_many=3"}
	ec2Play(t, s, "tutti", string(play), vars...)
	if out := ec2Play(t, s, "tutti", string(play), vars...); !strings.Contains(out, "changed=0") {
		t.Errorf("the second time:\n%s", out)
	}
	if n := s.Launches(); n != 4 {
		t.Errorf("%d launches", n)
	}
}
