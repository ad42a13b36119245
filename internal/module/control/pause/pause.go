// Package pause is the module that waits for a time or for the user.
package pause

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module waits for a time or for the user.
var Module = module.Control{
	Spec: module.Spec{
		Name:        "ansible.builtin.pause",
		Summary:     "Waits for a time, or until the user presses return.",
		OncePerPlay: true,
		Params: []module.Param{
			{Name: "minutes", Type: module.Int, Doc: "How long to wait."},
			{Name: "seconds", Type: module.Int, Doc: "How long to wait."},
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
	start, unit, echo := time.Now(), "minutes", args.Bool("echo")
	hidden := ""
	if !echo {
		hidden = " (output is hidden)"
	}
	r := module.OK()
	input := ""
	if args.Has("minutes") || args.Has("seconds") {
		seconds := math.Trunc(args.Float("minutes")) * 60
		if args.Has("seconds") {
			seconds, unit = math.Trunc(args.Float("seconds")), "seconds"
		}
		seconds = max(seconds, 1)
		c.Say("Pausing for " + strconv.Itoa(int(seconds)) + " seconds" + hidden)
		if args.Has("prompt") {
			c.Say("[pause]\n" + args.String("prompt") + hidden + ":")
		}
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	} else {
		text := "Press enter to continue, Ctrl+C to interrupt"
		if args.Has("prompt") {
			text = args.String("prompt")
		}
		var err error
		if input, err = c.Prompt(ctx, "[pause]\n"+text+hidden+":", echo); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			r.Warnings = append(r.Warnings, "Not waiting for response to prompt as stdin is not interactive")
		}
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
