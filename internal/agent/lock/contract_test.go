package lock_test

import (
	"context"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tutti-run/tutti/internal/agent/lock"
	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/paralleltest"
)

// machines are the locks of machines as a coordinator: a folder for each. The
// kind of a key makes another machine of it.
type machines struct{ dir string }

func (m machines) Lock(ctx context.Context, keys []parallel.Key, owner string, waiting func(parallel.Key, string)) (parallel.Held, error) {
	k := keys[0]
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
	}
	l, err := lock.Acquire(ctx, names, lock.Options{
		Dir: filepath.Join(m.dir, k.Kind.String()+"-"+url.PathEscape(k.Host)), Holder: owner,
		Notice: func(n wire.Notice) {
			if n.Waiting {
				waiting(parallel.Key{Kind: k.Kind, Host: k.Host, Name: n.Resource}, n.Holder)
			}
		},
	})
	return &held{l: l}, err
}

type held struct {
	once sync.Once
	l    *lock.Lock
}

func (*held) Lost() <-chan struct{} { return nil }
func (h *held) Unlock()             { h.once.Do(h.l.Release) }

func TestMachinesKeepTheContract(t *testing.T) {
	dir := t.TempDir()
	paralleltest.Coordinators(t, func(*testing.T) parallel.Coordinator { return machines{dir} })
}
