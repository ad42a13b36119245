package local

import (
	"testing"

	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/transport/transporttest"
)

func TestContract(t *testing.T) {
	transporttest.Run(t, func(t *testing.T) transport.Conn {
		c, err := Dialer{}.Dial(t.Context(), transport.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}
