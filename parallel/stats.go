package parallel

import (
	"math"
	"sort"
	"time"
)

// Stats is what a Manager does at one moment.
type Stats struct {
	Holders []Holder
	Waiters int
	// Waiting are those of them who wait for keys and rates, the longest first.
	Waiting []Waiter
	Slots   []SlotStats
	Rates   []RateStats
	// Waits are the waits that ended with a grant, by kind.
	Waits map[Kind]WaitStats
}

// Holder is one key that is held.
type Holder struct {
	Key   string
	Owner string
	Age   time.Duration
	Queue int // how many wait for this key
}

// Waiter is a request that waits for one key.
type Waiter struct {
	Key   string
	Owner string
	Age   time.Duration
}

// SlotStats is one pool of slots.
type SlotStats struct {
	Pool              string
	Size, Used, Queue int
}

// RateStats is one rate key as of now.
type RateStats struct {
	Key    string
	Rate   float64 // in force now, requests a second
	Tokens float64 // how many calls may begin at once
	Queue  int
}

// WaitStats sums up waits of one kind. Buckets counts those of at most
// WaitBuckets[i], and in the last place the longer ones.
type WaitStats struct {
	Count   int
	Total   time.Duration
	Max     time.Duration
	Buckets [len(WaitBuckets) + 1]int
}

// WaitBuckets are the upper bounds of the histogram of waits.
var WaitBuckets = [...]time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute}

type waitTotals [GlobalExclusive + 1]WaitStats

func (w *waitTotals) add(k Kind, d time.Duration) {
	s := &w[k]
	s.Count++
	s.Total += d
	s.Max = max(s.Max, d)
	i := 0
	for i < len(WaitBuckets) && d > WaitBuckets[i] {
		i++
	}
	s.Buckets[i]++
}

// Stats tells who holds what, who waits, and how long waits were.
func (m *Manager) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	s := Stats{Waits: map[Kind]WaitStats{}}
	addAll := func(d *domain) {
		if d.users == 0 {
			return
		}
		add := func(l *lockState) {
			s.Waiters += l.count
			key := Key{Kind: d.id.kind, Host: d.id.host, Name: l.name}.String()
			for p := l.first; p != nil; p = p.next {
				s.Waiting = append(s.Waiting, Waiter{Key: key, Owner: p.w.grant.h.owner, Age: m.now() - p.w.grant.since})
			}
			switch {
			case l.holder == nil:
			case d.id.kind == RateLimited || l.holder.asking: // first in line for what is shared
				s.Waiters++
				s.Waiting = append(s.Waiting, Waiter{Key: key, Owner: l.holder.h.owner, Age: m.now() - l.holder.since})
			default:
				s.Holders = append(s.Holders, Holder{Key: key, Owner: l.holder.h.owner, Age: m.now() - l.holder.since, Queue: l.count})
			}
		}
		add(&d.whole)
		for _, l := range d.keys {
			add(l)
		}
	}
	addAll(&m.global)
	addAll(&m.shared)
	for _, d := range m.machines {
		addAll(d)
	}
	for _, p := range m.pools {
		s.Slots = append(s.Slots, SlotStats{Pool: p.name, Size: p.size, Used: p.used, Queue: p.queue})
		s.Waiters += p.queue
	}
	for name, l := range m.rates {
		interval := l.interval(now)
		tokens := math.Min(float64(l.burst), math.Max(0, float64(l.burst)-float64(l.due.Sub(now))/float64(interval)))
		s.Rates = append(s.Rates, RateStats{Key: name, Rate: l.rate * l.factor, Tokens: tokens, Queue: l.queue})
		s.Waiters += l.queue
		key := Key{Kind: RateLimited, Name: name}.String()
		for w := l.first; w != nil; w = w.next {
			s.Waiting = append(s.Waiting, Waiter{Key: key, Owner: w.owner, Age: m.now() - w.since})
		}
	}
	for k, w := range m.waits {
		if w.Count > 0 {
			s.Waits[Kind(k)] = w
		}
	}
	sort.Slice(s.Holders, func(i, j int) bool { return s.Holders[i].Key < s.Holders[j].Key })
	sort.Slice(s.Slots, func(i, j int) bool { return s.Slots[i].Pool < s.Slots[j].Pool })
	sort.Slice(s.Rates, func(i, j int) bool { return s.Rates[i].Key < s.Rates[j].Key })
	sort.SliceStable(s.Waiting, func(i, j int) bool { return s.Waiting[i].Age > s.Waiting[j].Age })
	return s
}
