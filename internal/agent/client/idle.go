package client

import "time"

// idleFor is how long the agent of a user whom tasks become, other than root,
// stays without a call. Such users come and go with the play: a process of one
// that is about to be removed, or looked for, would be in the way.
const idleFor = 3 * time.Second

// passing reports whether the target's agent ends when it is idle.
func (t *Target) passing() bool { return t.become != (Become{}) && t.become.User != "root" }

// enter counts a call, before its session is looked up, and leave its end.
func (t *Target) enter() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.using++
	if t.idle != nil {
		t.idle.Stop()
	}
}

func (t *Target) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.using--
	if t.using > 0 || !t.passing() {
		return
	}
	if t.idle == nil {
		t.idle = time.AfterFunc(idleFor, t.rest)
	} else {
		t.idle.Reset(idleFor)
	}
}

// rest ends the session unless a call has come meanwhile.
func (t *Target) rest() {
	if !t.pool.begin() {
		return
	}
	defer t.pool.work.Done()
	t.mu.Lock()
	s := t.session
	if t.using > 0 {
		s = nil
	} else {
		t.session = nil
	}
	t.mu.Unlock()
	if s != nil {
		s.close()
	}
}
