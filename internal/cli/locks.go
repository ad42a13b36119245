package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/runs"
)

func newLocksCommand(s Streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "locks",
		Short: "Show what all runs on this controller hold and wait for",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := runs.List(lockDir())
			if err != nil {
				return err
			}
			if asJSON {
				return locksJSON(s.Out, all)
			}
			locksText(s.Out, all, time.Now())
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.AddCommand(&cobra.Command{
		Use:   "free RUN",
		Short: "Clear away what a run that died has left behind",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := runs.Free(lockDir(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "%s is cleared away\n", args[0])
			return nil
		},
	})
	return cmd
}

func locksText(w io.Writer, all []runs.Run, now time.Time) {
	if len(all) == 0 {
		fmt.Fprintln(w, "no run is under way on this controller")
	}
	for _, r := range all {
		switch {
		case r.Dead:
			fmt.Fprintf(w, "run %s of %s is dead; what it held is free (clear it away with: tutti locks free %s)\n", r.ID, r.User, r.ID)
			continue
		case r.Error != "":
			fmt.Fprintf(w, "run %s of %s: %s\n", r.ID, r.User, r.Error)
			continue
		}
		fmt.Fprintf(w, "run %s of %s, process %d, %s: %s\n", r.ID, r.User, r.PID, age(now.Sub(r.Begin)), r.Command)
		for _, h := range r.Holders {
			queue := ""
			if h.Queue > 0 {
				queue = fmt.Sprintf(", %d waiting", h.Queue)
			}
			fmt.Fprintf(w, "  holds     %-34s %8s  %s%s\n", h.Key, age(h.Age), h.Owner, queue)
		}
		for _, h := range r.Waiting {
			fmt.Fprintf(w, "  waits for %-34s %8s  %s\n", h.Key, age(h.Age), h.Owner)
		}
	}
}

func age(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// locksJSON is for programs; names stay as they are, ages are seconds.
func locksJSON(w io.Writer, all []runs.Run) error {
	type held struct {
		Key   string  `json:"key"`
		Owner string  `json:"owner"`
		Age   float64 `json:"age_s"`
		Queue int     `json:"queue,omitempty"`
	}
	type run struct {
		ID      string    `json:"run_id"`
		User    string    `json:"user"`
		PID     int       `json:"pid,omitempty"`
		Command string    `json:"command,omitempty"`
		Begin   time.Time `json:"begin"`
		Dead    bool      `json:"dead,omitempty"`
		Error   string    `json:"error,omitempty"`
		Holds   []held    `json:"holds"`
		Waits   []held    `json:"waits"`
	}
	out := make([]run, 0, len(all))
	for _, r := range all {
		o := run{ID: r.ID, User: r.User, PID: r.PID, Command: r.Command, Begin: r.Begin.UTC(), Dead: r.Dead, Error: r.Error, Holds: []held{}, Waits: []held{}}
		if r.Begin.IsZero() {
			o.Begin = r.Since.UTC()
		}
		for _, h := range r.Holders {
			o.Holds = append(o.Holds, held{h.Key, h.Owner, h.Age.Seconds(), h.Queue})
		}
		for _, h := range r.Waiting {
			o.Waits = append(o.Waits, held{Key: h.Key, Owner: h.Owner, Age: h.Age.Seconds()})
		}
		out = append(out, o)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}
