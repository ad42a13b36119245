package filelock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/parallel"
)

// bucket is the record of a rate key. Times are nanoseconds since boot, a clock
// that all processes share and nobody sets; Boot tells records of an earlier one.
type bucket struct {
	Boot   uint64
	Due    int64   // when the next call may begin, burst left out
	Rate   float64 // the lowest asked for since the key was last idle
	Burst  int64
	Share  float64 // of the rate: less than 1 after the service refused calls
	Slowed int64   // when Share was worked out
}

const bucketSize = 48

// forget is how long a key has to be idle until its lowest rate is forgotten.
const forget = time.Minute

// Reserve implements parallel.Pacer.
func (c *Coordinator) Reserve(h parallel.Hint, waited time.Duration) (in time.Duration, rate float64, cancel func(), err error) {
	err = c.update(h.Name, func(b *bucket, now int64) {
		if b.Rate == 0 {
			b.Share, b.Slowed = 1, now
		}
		if b.Rate == 0 || now-b.Due > int64(forget) {
			b.Rate, b.Burst = h.Rate, int64(h.Burst)
		}
		b.Rate, b.Burst = math.Min(b.Rate, h.Rate), min(b.Burst, int64(h.Burst))
		interval := b.interval(now)
		earliest := now - int64(min(max(waited, 0), parallel.Lateness))
		b.Due = max(b.Due, earliest)
		credit := (b.Burst - 1) * interval
		start := b.Due - credit
		b.Due += interval
		mine := b.Due
		in, rate = time.Duration(max(0, start-now)), b.Rate*b.Share
		cancel = func() {
			_ = c.update(h.Name, func(b *bucket, _ int64) {
				if b.Due == mine {
					b.Due -= interval
				}
			})
		}
	})
	return in, rate, cancel, err
}

// Throttled implements parallel.Pacer.
func (c *Coordinator) Throttled(name string) {
	_ = c.update(name, func(b *bucket, now int64) { // best effort: the call itself is tried again
		if b.Rate == 0 {
			return
		}
		b.interval(now)
		b.Share = parallel.SlowDown(b.Share)
		b.Due = max(b.Due, now+b.interval(now))
	})
}

// interval is the time between two calls now.
func (b *bucket) interval(now int64) int64 {
	if b.Share < 1 {
		b.Share = parallel.SpeedUp(b.Share, time.Duration(now-b.Slowed))
	}
	b.Slowed = now
	return int64(float64(time.Second) / (b.Rate * b.Share))
}

// update changes the record of a key while nobody else does.
func (c *Coordinator) update(name string, change func(b *bucket, now int64)) error {
	c.mu.Lock()
	defer c.mu.Unlock() // also: a flock does not part goroutines that share a file
	f, err := c.rateFile(name)
	if err != nil {
		return err
	}
	for {
		// Held for microseconds, so that waiting needs no way out.
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("cannot lock %s: %w", f.Name(), err)
		}
	}
	defer func() { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) }()
	var raw [bucketSize]byte
	var b bucket
	if n, _ := f.ReadAt(raw[:], 0); n == bucketSize {
		_, _ = binary.Decode(raw[:], binary.LittleEndian, &b)
	}
	now := sinceBoot()
	if !b.sane(now) {
		b = bucket{Boot: bootID()}
	}
	change(&b, now)
	if b.Rate == 0 {
		return nil
	}
	if _, err := binary.Encode(raw[:], binary.LittleEndian, &b); err != nil {
		return err
	}
	_, err = f.WriteAt(raw[:], 0)
	return err
}

// sane reports whether a record can be what one of us wrote in this boot. One
// that lies far ahead would stop everybody.
func (b *bucket) sane(now int64) bool {
	return b.Boot == bootID() && b.Rate > 0 && !math.IsInf(b.Rate, 0) && b.Burst >= 1 && b.Share > 0 && b.Share <= 1 &&
		float64(b.Due-now) <= 1e5*float64(time.Second)/(b.Rate*b.Share)
}

func (c *Coordinator) rateFile(name string) (*os.File, error) {
	if f := c.rates[name]; f != nil && current(f) {
		return f, nil
	} else if f != nil {
		_ = f.Close()
		delete(c.rates, name)
	}
	f, err := open(c.fileName(parallel.Key{Kind: parallel.RateLimited, Name: name}))
	if err == nil {
		c.rates[name] = f
	}
	return f, err
}

func sinceBoot() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // never fails
	return ts.Nano()
}

// bootID tells this boot from others, and from other network-mounted machines.
var bootID = sync.OnceValue(func() uint64 {
	data, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // elsewhere all boots look alike
	h := uint64(14695981039346656037)
	for _, b := range data {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
})
