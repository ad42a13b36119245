// Package parallel answers one question: what may run at the same time?
//
// Work states Hints (run freely, alone on a machine, alone anywhere, so many
// times a second) and asks a Manager for a Lease before it begins:
//
//	lease, err := m.Acquire(ctx, parallel.Request{
//		Host:  "web1",
//		Hints: []parallel.Hint{parallel.Host("dpkg")},
//		Owner: "web1: Install nginx",
//	})
//	if err != nil {
//		return err // ctx ended; the error names who holds what was waited for
//	}
//	defer lease.Release()
//	... work under lease.Context() ...
//
// # What may overlap
//
//	                  FullyParallel  HostExclusive     GlobalExclusive   RateLimited
//	                                 same machine,     overlapping       same key
//	                                 overlapping       name
//	                                 resource
//	FullyParallel     yes            yes               yes               yes
//	HostExclusive     yes            no                yes               yes
//	GlobalExclusive   yes            yes               no                yes
//	RateLimited       yes            yes               yes               spaced
//
// An empty resource overlaps every resource of its machine; an empty name
// overlaps every name.
//
// # Order of waiting
//
// A request waits for its global names, then for those of its machine, then for
// its slots, then for its rate tokens. The names of one kind are taken at once,
// and nobody who holds a later kind waits for an earlier one, so there is no
// deadlock. Slots come after
// keys, so that nobody who waits for a lock keeps a slot from others. Tokens
// come last, so that a call begins when its token is due and not in a bunch.
//
// Each key is first come, first served: a request is granted when nobody who
// holds, and nobody who waited longer, overlaps it. A context ends a wait at
// once and leaves no trace.
//
// Waiting costs no CPU. A request that holds a key and asks for it again in
// another request waits for itself: ask for all that a piece of work needs at
// once.
//
// # Beyond one process
//
// A Coordinator shares keys, and a Pacer rates as well: package filelock does so
// for all processes and users of a machine, with no server. The Manager asks it
// once a key is free here, so at most one local holder, and one reservation of a
// rate, of each key reaches it. Package paralleltest is the contract that a
// coordinator has to keep, package audit finds forbidden overlaps in logs.
//
// # Seeing it
//
// Options.Observe is told of every wait, grant and release, with the holder and
// the length of the queue. Stats gives holders, waiters, slots and tokens as of
// now, and how long waits were. A *WaitError names who was in the way.
//
// # What is not promised
//
// A Lease is advice to those who ask. A process that stalls while it holds a
// lease from a coordinator, and wakes after the lease was given away, can do
// harm until it looks at lease.Context(). A rate bounds when calls begin here;
// it does not know about other users of the same account. A call that waited may
// begin late, by up to Lateness, without those behind it being put off: then two
// calls are that much closer. A request with several rates begins when its last
// token has come: the tokens of each key are evenly spaced, the beginnings of
// such requests need not be.
package parallel
