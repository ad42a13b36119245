package filelock_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/audit"
	"github.com/tutti-run/tutti/parallel/filelock"
)

// TestMain lets the tests run this program again as one of several processes.
func TestMain(m *testing.M) {
	if role := os.Getenv("FILELOCK_TEST_ROLE"); role != "" {
		if err := play(role, os.Getenv("FILELOCK_TEST_DIR")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var key = parallel.Key{Kind: parallel.GlobalExclusive, Name: "etcd"}

// play is what the other processes do.
func play(role, dir string) error {
	c, err := filelock.Open(dir, fmt.Sprint("user ", os.Getuid()))
	if err != nil {
		return err
	}
	what, rate, _ := strings.Cut(role, " ")
	switch what {
	case "hold": // until killed
		if _, err := c.Lock(context.Background(), []parallel.Key{key}, "the other process", func(parallel.Key, string) {}); err != nil {
			return err
		}
		fmt.Println("held")
		time.Sleep(time.Hour)
	case "pace": // make calls for three seconds, each a line with its time
		perSecond, err := strconv.ParseFloat(rate, 64)
		if err != nil {
			return err
		}
		m := parallel.New(parallel.Options{Coordinate: func(parallel.Key) parallel.Coordinator { return c }})
		out := bufio.NewWriter(os.Stdout)
		for end := time.Now().Add(paceFor); time.Now().Before(end); {
			if _, err := m.Acquire(context.Background(), parallel.Request{Hints: []parallel.Hint{parallel.Limited("api", perSecond, 1)}}); err != nil {
				return err
			}
			fmt.Fprintln(out, time.Now().UnixNano())
		}
		return out.Flush()
	}
	if what == "work" { // until killed, or for a while; each event a line
		seed, _ := strconv.ParseUint(rate, 10, 64)
		return work(c, seed)
	}
	return fmt.Errorf("no role %q", role)
}

// work holds keys at random and writes every event to standard output.
func work(c *filelock.Coordinator, seed uint64) error {
	rnd := rand.New(rand.NewPCG(seed, 3))
	var mu sync.Mutex
	var failed error
	out := json.NewEncoder(os.Stdout)
	m := parallel.New(parallel.Options{
		Coordinate: func(parallel.Key) parallel.Coordinator { return c },
		Observe: func(e parallel.Event) {
			mu.Lock()
			defer mu.Unlock()
			if err := out.Encode(e); err != nil {
				failed = err
			}
		},
	})
	names := []string{"", "x", "y"}
	var all sync.WaitGroup
	for worker := range 3 {
		picks := make([]int, 2000)
		for i := range picks {
			picks[i] = rnd.Int()
		}
		all.Go(func() {
			end := time.Now().Add(killFor)
			for i := 0; time.Now().Before(end) && i < len(picks); i++ {
				pick := picks[i]
				hints := []parallel.Hint{parallel.Global(names[pick%3])}
				if pick%2 == 0 {
					hints = append(hints, parallel.Host(names[pick/3%3]), parallel.Global(names[pick/9%3]))
				}
				_ = m.Do(context.Background(), parallel.Request{Host: "h", Hints: hints, Owner: fmt.Sprintf("%d.%d", worker, i)}, func(context.Context) error {
					time.Sleep(time.Duration(pick/30%2000) * time.Microsecond)
					return nil
				})
			}
		})
	}
	all.Wait()
	return failed
}

const killFor = 2 * time.Second

// TestKills lets processes hold keys at random while others are killed: nothing
// overlaps, and nobody is left waiting.
func TestKills(t *testing.T) {
	dir, uid := sharedDir(t)
	self := program(t, dir)
	var check audit.Checker
	cmds, outs := make([]*exec.Cmd, 6), make([]*bytes.Buffer, 6)
	for i := range cmds {
		outs[i] = &bytes.Buffer{}
		cmds[i] = process(t, self, dir, fmt.Sprint("work ", i), uid*uint32(i%2))
		cmds[i].Stdout = outs[i]
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		time.Sleep(killFor / 5)
		check.Dead(fmt.Sprint(i), time.Now()) // before: its keys are free before Kill returns
		if err := cmds[i].Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil && i >= 3 {
			t.Errorf("process %d: %v", i, err)
		}
		dec := json.NewDecoder(outs[i])
		for {
			var e parallel.Event
			if err := dec.Decode(&e); err != nil { // the last line may be cut
				break
			}
			check.Add(audit.Event{Event: e, Log: fmt.Sprint(i)})
		}
	}
	r := check.Check()
	for i, v := range r.Violations {
		if i < 5 {
			t.Error(v)
		}
	}
	if r.Acquired < 100 {
		t.Errorf("only %d keys were acquired", r.Acquired)
	}
}

const paceFor = 3 * time.Second

func process(t *testing.T, program, dir, role string, uid uint32) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "FILELOCK_TEST_ROLE="+role, "FILELOCK_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	return cmd
}

// TestKill kills a holder: whoever waits has the key at once. Where it can, the
// holder is another user.
func TestKill(t *testing.T) {
	dir, uid := sharedDir(t)
	c, err := filelock.Open(dir, "us")
	if err != nil {
		t.Fatal(err)
	}
	other := process(t, program(t, dir), dir, "hold", uid)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	waits := make(chan string, 1)
	granted := make(chan time.Time, 1)
	go func() {
		h, err := c.Lock(t.Context(), []parallel.Key{key}, "us", func(_ parallel.Key, holder string) { waits <- holder })
		if err != nil {
			t.Error(err)
			close(granted)
			return
		}
		granted <- time.Now()
		h.Unlock()
	}()
	if holder := <-waits; !strings.Contains(holder, "the other process") || !strings.Contains(holder, fmt.Sprint("process ", other.Process.Pid)) {
		t.Errorf("the holder is said to be %q", holder)
	}
	select {
	case <-granted:
		t.Fatal("granted while the other process holds it")
	case <-time.After(50 * time.Millisecond):
	}
	killed := time.Now()
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case at := <-granted:
		t.Logf("granted %s after the kill", at.Sub(killed).Round(time.Microsecond))
	case <-time.After(10 * time.Second):
		t.Fatal("the key is not free after its holder was killed")
	}
}

// sharedDir is a directory that all users reach, and another user, if we may
// become one.
func sharedDir(t *testing.T) (dir string, uid uint32) {
	t.Helper()
	if os.Geteuid() != 0 {
		return filepath.Join(t.TempDir(), "locks"), 0
	}
	base, err := os.MkdirTemp("", "filelock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(base, "locks"), 65534
}

// program is this program, for the other user in a place that he reaches.
func program(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(dir), "program")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRatesOfProcesses lets eight processes make calls at one rate: together
// they make as many as it allows, and never more.
func TestRatesOfProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	for _, rate := range []float64{10, 100, 1000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			dir, uid := sharedDir(t)
			self := program(t, dir)
			var all []int64
			outs := make([]*strings.Builder, 8)
			cmds := make([]*exec.Cmd, 8)
			for i := range cmds {
				outs[i] = &strings.Builder{}
				cmds[i] = process(t, self, dir, fmt.Sprint("pace ", rate), uid*uint32(i%2))
				cmds[i].Stdout = outs[i]
				if err := cmds[i].Start(); err != nil {
					t.Fatal(err)
				}
			}
			for i, cmd := range cmds {
				if err := cmd.Wait(); err != nil {
					t.Error(err)
				}
				for _, field := range strings.Fields(outs[i].String()) {
					n, err := strconv.ParseInt(field, 10, 64)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, n)
				}
			}
			sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
			took := time.Duration(all[len(all)-1] - all[0])
			got := float64(len(all)-1) / took.Seconds()
			t.Logf("%d calls of %d processes: %.2f a second, %+.2f%%", len(all), len(cmds), got, 100*(got/rate-1))
			// Too many is a fault on any machine; too few may be a busy one's.
			if got > 1.02*rate {
				t.Errorf("%.2f calls a second, more than %g", got, rate)
			}
			if got < 0.5*rate || math.IsNaN(got) {
				t.Errorf("%.2f calls a second, far fewer than %g", got, rate)
			}
		})
	}
}
