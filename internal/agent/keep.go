package agent

import (
	"io"
	"sync"
)

// keeper holds what calls share as long as the runner lives: helper processes.
type keeper struct {
	mu   sync.Mutex // guards the following
	kept map[string]*keeping
	over bool
}

// keeping is one helper, or the wait for it.
type keeping struct {
	ready chan struct{}
	c     io.Closer
	err   error
}

// keep returns the helper of that key, started if there is none. One that could
// not be started is tried again by the next call.
func (k *keeper) keep(key string, start func() (io.Closer, error)) (io.Closer, error) {
	k.mu.Lock()
	if k.over {
		k.mu.Unlock()
		return nil, errGone
	}
	h := k.kept[key]
	if h != nil {
		k.mu.Unlock()
		<-h.ready
		return h.c, h.err
	}
	if k.kept == nil {
		k.kept = map[string]*keeping{}
	}
	h = &keeping{ready: make(chan struct{})}
	k.kept[key] = h
	k.mu.Unlock()
	h.c, h.err = start()
	if h.err != nil {
		k.drop(key)
	}
	close(h.ready)
	return h.c, h.err
}

// drop forgets a helper that is of no use any more.
func (k *keeper) drop(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.kept, key)
}

// close ends all helpers.
func (k *keeper) close() {
	k.mu.Lock()
	kept := k.kept
	k.kept, k.over = nil, true
	k.mu.Unlock()
	for _, h := range kept {
		<-h.ready
		if h.err == nil {
			_ = h.c.Close()
		}
	}
}
