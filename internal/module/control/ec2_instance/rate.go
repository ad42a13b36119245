package ec2instance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

// margin is the share of Amazon's rates that we use: others use the account
// too, and calls that left evenly spaced need not arrive so.
const margin = 0.8

// class is a class of calls that Amazon counts together, or that we do to be
// on the safe side: it counts most of them for each action on its own.
type class struct {
	name string
	// refill is how many tokens Amazon documents to come back a second.
	refill float64
	// resources, if not 0, is the same for the instances that a call names, of
	// which the documented bucket holds a thousand.
	resources float64
}

// The classes of "Request throttling for the Amazon EC2 API" in the EC2 Developer
// Guide, as far as this module calls them. A list is always asked for with a
// filter or in pages, which the slower class of lists without either is not
// about. Accounts may have other limits: what the service refuses slows the key.
var (
	reading     = class{name: "non-mutating", refill: 20}
	mutating    = class{name: "mutating", refill: 5}
	tagging     = class{name: "tags", refill: 10}
	running     = class{name: "RunInstances", refill: 2, resources: 2}
	starting    = class{name: "StartInstances", refill: 2, resources: 2}
	stopping    = class{name: "mutating", refill: 5, resources: 20}
	terminating = class{name: "TerminateInstances", refill: 5, resources: 20}
)

// resourceBurst is how many instances may be named at once after a pause: half
// of the documented bucket. A burst of one would make a call for 50 instances
// wait for half a minute, though it is one call and Amazon means it to be made.
const resourceBurst = 500

var classes = map[string]class{
	"RunInstances": running, "StartInstances": starting, "StopInstances": stopping, "TerminateInstances": terminating,
	"CreateTags": tagging, "DeleteTags": tagging,
	"ModifyInstanceAttribute": mutating, "AttachNetworkInterface": mutating,
	"AssociateIamInstanceProfile": mutating, "ReplaceIamInstanceProfileAssociation": mutating,
}

// hints are the tokens that a call takes: one for the call, and one for each
// instance that it names where Amazon counts those.
func hints(prefix, action string, instances int) (call, resource parallel.Hint, resources int) {
	c, ok := classes[action]
	if !ok {
		c = reading
	}
	call = parallel.Limited(prefix+c.name, c.refill*margin, 1)
	if c.resources > 0 {
		resource, resources = parallel.Limited(prefix+action+"/instances", c.resources*margin, resourceBurst), instances
	}
	return call, resource, resources
}

// client calls the API of one account and region.
type client struct {
	api    *ec2.Client
	pace   module.Pacer
	prefix string // of rate keys: "ec2/<account>/<region>/"

	mu   sync.Mutex
	made []string // the actions that were called
}

func (c *client) actions() []any {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.made)
	var out []any
	for _, a := range slices.Compact(c.made) {
		out = append(out, "ec2:"+a)
	}
	return out
}

// How often a call is made again: while the service says that it is too much,
// patiently, since each time all slow down; for other passing errors a few times.
const (
	throttledTries = 50
	passingTries   = 5
)

// call makes one call of the API, again if need be. Each try takes its token.
func call[I, O any](ctx context.Context, c *client, action string, instances int, op func(context.Context, *I, ...func(*ec2.Options)) (*O, error), in *I) (*O, error) {
	c.mu.Lock()
	c.made = append(c.made, action)
	c.mu.Unlock()
	one, resource, resources := hints(c.prefix, action, instances)
	for throttled, passing := 0, 0; ; {
		for range resources {
			if err := c.pace.Token(ctx, resource); err != nil {
				return nil, err
			}
		}
		// The call's own token last, so that it begins when that is due.
		if err := c.pace.Token(ctx, one); err != nil {
			return nil, err
		}
		out, err := op(ctx, in)
		switch {
		case err == nil:
			return out, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case isThrottle(err) && throttled < throttledTries:
			throttled++
			c.pace.Throttled(one.Name)
			if resources > 0 {
				c.pace.Throttled(resource.Name)
			}
			// Each at another time: nobody can tell how far the others are.
			if err := sleep(ctx, backoff(min(throttled, 4))); err != nil {
				return nil, err
			}
		case isPassing(err) && passing < passingTries:
			passing++
			if err := sleep(ctx, backoff(passing)); err != nil {
				return nil, err
			}
		default:
			return nil, &callError{action: action, err: err}
		}
	}
}

var (
	throttles  = retry.IsErrorThrottles(retry.DefaultThrottles)
	retryables = retry.IsErrorRetryables(retry.DefaultRetryables)
)

func isThrottle(err error) bool { return throttles.IsErrorThrottle(err) == aws.TrueTernary }

// isPassing tells of errors that go away by themselves: of the network, of the
// service, and of an instance on its way to another state.
func isPassing(err error) bool {
	return code(err) == "IncorrectState" || retryables.IsErrorRetryable(err) == aws.TrueTernary
}

// backoff is a time that grows and differs for each who waits.
func backoff(n int) time.Duration {
	longest := min(time.Second/4<<n, 20*time.Second) / 2
	return longest/2 + rand.N(longest)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// callError is the service's refusal of a call.
type callError struct {
	action string
	err    error
}

// Error says what people know from other tools.
func (e *callError) Error() string {
	var api smithy.APIError
	if errors.As(e.err, &api) {
		return fmt.Sprintf("An error occurred (%s) when calling the %s operation: %s", api.ErrorCode(), e.action, api.ErrorMessage())
	}
	return fmt.Sprintf("calling %s: %s", e.action, rootText(e.err))
}

func (e *callError) Unwrap() error { return e.err }

// rootText leaves out what the SDK says about itself.
func rootText(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "request send failed, "); i >= 0 {
		return text[i+len("request send failed, "):]
	}
	return text
}

// code is the service's code of an error, "" if it has none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// because puts what was tried in front of an error.
func because(msg string, err error) error { return fmt.Errorf("%s: %w", msg, err) }

// failure is the result for an error, with the service's own words.
func failure(err error) *module.Result {
	r := module.Fail("%s", err)
	var api smithy.APIError
	if errors.As(err, &api) {
		r.Set("error", mapOf("code", api.ErrorCode(), "message", api.ErrorMessage()))
	}
	var state *stateError
	if errors.As(err, &state) {
		for k, v := range state.fields.All() {
			r.Set(k.(string), v)
		}
	}
	return r
}
