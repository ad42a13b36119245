package ping

import (
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{
		{Name: "pong", Args: `{}`},
		{Name: "crash", Args: `{"data": "crash"}`, Fails: "boom"},
	})
}
