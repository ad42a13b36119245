// Package all lists the ways to reach a host.
package all

import (
	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/transport/local"
)

// Dialers returns the dialers by Config.Kind.
func Dialers() map[string]transport.Dialer {
	return map[string]transport.Dialer{"local": local.Dialer{}}
}
