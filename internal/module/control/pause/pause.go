// Package pause is the module that waits for a time or for the user.
package pause

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module waits for a time or for the user.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.pause", Action: true,
		Summary:     "Waits for a time, or until the user presses return.",
		OncePerPlay: true,
		Params: []module.Param{
			{Name: "minutes", Type: module.Raw, Doc: "How long to wait."},
			{Name: "seconds", Type: module.Raw, Doc: "How long to wait."},
			{Name: "prompt", Doc: "What to tell the user."},
			{Name: "echo", Type: module.Bool, Default: true, Doc: "Show what the user types."},
		},
		Rules: module.Rules{MutuallyExclusive: [][]string{{"minutes", "seconds"}}},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "user_input", When: "without a time", Doc: "What the user typed."},
			{Name: "start", When: "always", Doc: "When the wait began."},
			{Name: "stop", When: "always", Doc: "When it ended."},
			{Name: "delta", Type: module.Int, When: "always", Doc: "How many seconds it took."},
			{Name: "stdout", When: "always", Doc: "The wait in words."},
			{Name: "echo", Type: module.Bool, When: "always", Doc: "Whether input was shown."},
		},
	},
	Plan: plan,
}

const timeFormat = "2006-01-02 15:04:05.000000"

func plan(ctx context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	var seconds int
	unit, timed := "minutes", false
	for name, factor := range map[string]int{"minutes": 60, "seconds": 1} {
		if !args.Has(name) {
			continue
		}
		n, err := whole(name, args.Any(name))
		if err != nil {
			return nil, err
		}
		unit, timed, seconds = name, true, max(n*factor, 1)
	}
	start, echo := time.Now(), args.Bool("echo")
	r := module.OK()
	input, err := c.Pause(ctx, module.Pause{Prompt: args.String("prompt"), Seconds: seconds, Echo: echo})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && !errors.Is(err, module.ErrNotInteractive):
		return nil, err
	case err != nil && !timed:
		c.Say("[WARNING]: Not waiting for response to prompt as stdin is not interactive")
	}
	took := time.Since(start)
	length := took.Seconds()
	if unit == "minutes" {
		length = took.Minutes()
	}
	r.Set("rc", 0).Set("stderr", "").Set("start", start.Format(timeFormat)).Set("stop", time.Now().Format(timeFormat))
	r.Set("delta", int(took.Seconds())).Set("echo", echo).Set("user_input", input)
	r.Set("stdout", "Paused for "+value.FormatFloat(math.Round(length*100)/100)+" "+unit)
	return &module.Plan{Done: r}, nil
}

// whole reads a time, which may be a fraction: what follows the point is
// dropped. Text must be a whole number.
func whole(name string, v any) (int, error) {
	switch v := v.(type) {
	case int:
		return v, nil
	case float64:
		return int(v), nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return n, nil
		}
		return 0, fmt.Errorf("argument '%s' is of type <class 'str'> and we were unable to convert to int: invalid literal for int() with base 10: %s", name, value.Repr(v))
	}
	return 0, fmt.Errorf("argument '%s' is of type <class '%s'> and we were unable to convert to int: it must be a number", name, value.TypeName(v))
}
