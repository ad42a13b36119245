package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/audit"
)

func newVerifyCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "verify LOG...",
		Short: "Check event logs (play --events) for forbidden overlaps and rates exceeded",
		Long: `Check event logs, as play --events writes them, for work that overlapped and
must not, and for windows with more calls than a rate allows.

Several logs of one controller are checked together: global names and rates are
shared between its runs. What is exclusive on a machine is checked within each
log; between runs, the lock on the machine itself keeps it apart.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return runVerify(s, args) },
	}
}

func runVerify(s Streams, logs []string) error {
	c := audit.Checker{Private: func(k parallel.Key) bool { return k.Kind == parallel.HostExclusive }}
	for _, path := range logs {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = readLocks(f, path, &c)
		_ = f.Close()
		if err != nil {
			return err
		}
	}
	r := c.Check()
	for _, v := range r.Violations {
		fmt.Fprintln(s.Out, v)
	}
	fmt.Fprintf(s.Out, "%d acquired, %d different keys, %d violations\n", r.Acquired, r.Keys, len(r.Violations))
	if len(r.Violations) > 0 {
		return exitCode(exitFailed)
	}
	return nil
}

// lockLine is the part of an event's line that says what was locked.
type lockLine struct {
	Time   time.Time `json:"time"`
	Event  string    `json:"event"`
	Step   string    `json:"step"`
	Key    string    `json:"key"`
	Owner  string    `json:"owner"`
	Waited float64   `json:"waited_s"`
	Rate   float64   `json:"rate"`
	Burst  int       `json:"burst"`
}

// readLocks adds a log's events to the checker.
func readLocks(in io.Reader, path string, c *audit.Checker) error {
	kinds := map[string]parallel.EventKind{}
	for k := parallel.Waiting; k <= parallel.Canceled; k++ {
		kinds[k.String()] = k
	}
	lines := bufio.NewReaderSize(in, 1<<20)
	var last time.Time
	ended := false
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 && err == io.EOF {
			if !ended { // killed: what it held was free then
				c.Dead(path, last)
			}
			return nil
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("%s: %w", path, err)
		}
		var l lockLine
		if err := json.Unmarshal(line, &l); err != nil {
			return fmt.Errorf("%s:%d: this is no event: %w", path, n, err)
		}
		last, ended = l.Time, ended || l.Event == "recap"
		if l.Event != "lock" {
			continue
		}
		c.Add(audit.Event{Log: path, Event: parallel.Event{Kind: kinds[l.Step], Time: l.Time, Key: l.Key, Owner: l.Owner,
			Waited: time.Duration(l.Waited * float64(time.Second)), Rate: l.Rate, Burst: l.Burst}})
	}
}
