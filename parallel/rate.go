package parallel

import (
	"context"
	"math"
	"time"
)

// How a key answers to being throttled by the service: the rate is halved at
// once, down to a floor, and comes back a little every second.
const (
	slowFactor   = 0.5
	slowFloor    = 1.0 / 64
	recoverShare = 0.05 // of the full rate, a second
)

// Lateness is how much later than due a call that waited may begin without its
// successors being put off as well. The scheduler wakes nobody on the dot, and
// at a thousand calls a second what it takes would be missing from the rate.
// Coordinators that share rates allow the same.
const Lateness = 5 * time.Millisecond

// limiter spaces the calls of one key evenly. Only the first in line waits for
// time to pass; the others wait for him, so a wait costs nothing and a request
// that gives up takes no token with it.
type limiter struct {
	rate   float64 // the lowest asked for
	burst  int
	factor float64   // 1 unless the service said to slow down
	slowed time.Time // when factor was last worked out
	due    time.Time // when the next call may begin, burst left out
	first  *rateWaiter
	last   *rateWaiter
	queue  int
	timer  *time.Timer
}

type rateWaiter struct {
	prev, next *rateWaiter
	owner      string
	since      time.Duration
	ready      chan struct{}
	granted    bool
	at         time.Time // when it was granted
}

// interval is the time between two calls now.
func (l *limiter) interval(now time.Time) time.Duration {
	if l.factor < 1 {
		l.factor = SpeedUp(l.factor, now.Sub(l.slowed))
		l.slowed = now
	}
	return time.Duration(float64(time.Second) / (l.rate * l.factor))
}

// wait tells how long until the next call may begin.
func (l *limiter) wait(now time.Time) time.Duration {
	credit := time.Duration(l.burst-1) * l.interval(now)
	return l.due.Add(-credit).Sub(now)
}

// take spends a token; waited tells that the call was in line when it was due.
func (l *limiter) take(now time.Time, waited bool) {
	interval := l.interval(now)
	earliest := now
	if waited {
		earliest = now.Add(-Lateness)
	}
	if l.due.Before(earliest) {
		l.due = earliest
	}
	l.due = l.due.Add(interval)
}

func (m *Manager) limiter(h Hint) *limiter {
	l := m.rates[h.Name]
	if l == nil {
		l = &limiter{rate: h.Rate, burst: h.Burst, factor: 1}
		m.rates[h.Name] = l
		if m.sweeper == nil {
			m.sweeper = time.AfterFunc(sweepEvery, m.sweep)
		}
	}
	l.rate, l.burst = math.Min(l.rate, h.Rate), min(l.burst, h.Burst)
	return l
}

// sweepEvery is how often keys whose tokens are all back are looked for, while
// there are any keys.
const sweepEvery = 10 * time.Second

func (m *Manager) sweep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for name, l := range m.rates {
		if l.queue == 0 && l.due.Before(now) {
			if l.interval(now); l.factor >= 1 {
				delete(m.rates, name)
			}
		}
	}
	m.sweeper = nil
	if len(m.rates) > 0 {
		m.sweeper = time.AfterFunc(sweepEvery, m.sweep)
	}
}

func (m *Manager) takeToken(ctx context.Context, h Hint, owner string, wait bool) error {
	key := Key{Kind: RateLimited, Name: h.Name}
	if m.options.Coordinate != nil {
		if p, ok := m.options.Coordinate(key).(Pacer); ok {
			return m.takeShared(ctx, p, h, owner, wait)
		}
	}
	m.mu.Lock()
	l := m.limiter(h)
	now := time.Now()
	if l.queue == 0 && l.wait(now) <= 0 {
		l.take(now, false)
		e := Event{Kind: Acquired, Time: now, Owner: owner, Rate: l.rate * l.factor, Burst: l.burst}
		m.mu.Unlock()
		if m.options.Observe != nil {
			e.Key = key.String()
			m.tell(e)
		}
		return nil
	}
	if !wait {
		m.mu.Unlock()
		return errWouldWait
	}
	w := &rateWaiter{owner: owner, since: m.now(), ready: make(chan struct{})}
	if l.last == nil {
		l.first, l.last = w, w
		m.arm(l, now)
	} else {
		w.prev, l.last.next = l.last, w
		l.last = w
	}
	l.queue++
	queue := l.queue
	m.mu.Unlock()
	m.tell(Event{Kind: Waiting, Key: key.String(), Owner: owner, Queue: queue})
	select {
	case <-w.ready:
		waited := time.Since(now)
		m.mu.Lock()
		m.waits.add(RateLimited, waited)
		e := Event{Kind: Acquired, Time: w.at, Key: key.String(), Owner: owner, Waited: waited, Rate: l.rate * l.factor, Burst: l.burst}
		m.mu.Unlock()
		m.tell(e)
		return nil
	case <-ctx.Done():
		m.mu.Lock()
		if w.granted {
			// The token is spent: nobody can tell whether the call began.
			m.mu.Unlock()
			return ctx.Err()
		}
		l.remove(w)
		m.arm(l, time.Now())
		m.mu.Unlock()
		waited := time.Since(now)
		m.tell(Event{Kind: Canceled, Key: key.String(), Owner: owner, Waited: waited})
		return &WaitError{Key: key.String(), Owner: owner, Waited: waited, Err: context.Cause(ctx)}
	}
}

func (l *limiter) remove(w *rateWaiter) {
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	l.queue--
}

// arm sets the timer for the first in line.
func (m *Manager) arm(l *limiter, now time.Time) {
	if l.first == nil {
		if l.timer != nil {
			l.timer.Stop()
			l.timer = nil
		}
		return
	}
	wait := max(0, l.wait(now))
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, func() { m.due(l) })
		return
	}
	l.timer.Reset(wait)
}

// due gives the first in line his token.
func (m *Manager) due(l *limiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for l.first != nil && l.wait(now) <= 0 {
		w := l.first
		l.remove(w)
		l.take(now, true)
		w.granted, w.at = true, now
		close(w.ready)
	}
	m.arm(l, now)
}

// Throttled tells that the service behind a rate key answered "too many
// requests": every holder of the key slows down at once and speeds up again
// little by little.
func (m *Manager) Throttled(name string) {
	if m.options.Coordinate != nil {
		if p, ok := m.options.Coordinate(Key{Kind: RateLimited, Name: name}).(Pacer); ok {
			p.Throttled(name)
			return
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.rates[name]
	if l == nil {
		return
	}
	now := time.Now()
	l.interval(now)
	l.factor, l.slowed = SlowDown(l.factor), now
	if next := now.Add(l.interval(now)); l.due.Before(next) {
		l.due = next
	}
	if l.timer != nil {
		m.arm(l, now)
	}
}

// SlowDown and SpeedUp are how a rate answers to being throttled, for
// coordinators that share rates: the share of the full rate after one more
// refusal, and after some time without one.
func SlowDown(share float64) float64 { return math.Max(slowFloor, share*slowFactor) }

// SpeedUp is the counterpart of SlowDown.
func SpeedUp(share float64, d time.Duration) float64 {
	return math.Min(1, share+recoverShare*d.Seconds())
}
