package filelock_test

import (
	"testing"

	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/filelock"
	"github.com/tutti-run/tutti/parallel/paralleltest"
)

// users opens one more user of a directory each time.
func users(dir string) func(t *testing.T) parallel.Pacer {
	return func(t *testing.T) parallel.Pacer {
		t.Helper()
		c, err := filelock.Open(dir, "somebody")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		return c
	}
}

func TestContract(t *testing.T) {
	open := users(t.TempDir() + "/locks")
	paralleltest.Coordinators(t, func(t *testing.T) parallel.Coordinator { return open(t) })
	paralleltest.Pacers(t, open)
}
