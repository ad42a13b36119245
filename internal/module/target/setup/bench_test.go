package setup

import (
	"context"
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// BenchmarkGather is what all facts cost a host; twenty milliseconds is the
// most they may take on one that is not busy.
func BenchmarkGather(b *testing.B) {
	args, err := Module.Spec.Parse(value.NewMap(0))
	if err != nil {
		b.Fatal(err)
	}
	env := &module.Env{Environ: os.Environ()}
	for b.Loop() {
		if res := Module.Run(context.Background(), env, args); res.Failed {
			b.Fatal(res.Msg)
		}
	}
}
