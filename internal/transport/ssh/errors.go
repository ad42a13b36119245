package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/transport"
)

// authError tells that no method worked.
type authError struct {
	settings *settings
	err      error
	troubles []error
	banner   string
}

func (e *authError) Error() string {
	_, tried, _ := strings.Cut(e.err.Error(), "attempted methods [")
	tried, _, _ = strings.Cut(tried, "]")
	tried = strings.TrimSpace(strings.TrimPrefix(tried, "none"))
	if tried == "" {
		tried = "none: the host accepts none of ours"
	}
	text := fmt.Sprintf("%s@%s: Permission denied (tried: %s).", e.settings.user, e.settings.hostname, strings.ReplaceAll(tried, " ", ","))
	for _, t := range e.troubles {
		text += " " + t.Error() + "."
	}
	return text
}

func (e *authError) Unwrap() error { return e.err }

// unreachable puts an error into the words that ssh has for it.
func (d *Dialer) unreachable(ctx context.Context, s *settings, c transport.Config, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	u := &transport.UnreachableError{Host: c.Host, Addr: s.addr(), Reason: transport.Broken, Err: err}
	connect := func(reason transport.Reason, text string) {
		u.Reason = reason
		u.Detail = fmt.Sprintf("ssh: connect to host %s port %d: %s", s.hostname, s.port, text)
		if len(s.proxyJump) > 0 {
			u.Detail += " (" + err.Error() + ")"
		}
	}
	var auth *authError
	var key *hostKeyError
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &auth):
		u.Reason, u.Detail = transport.Auth, auth.Error()
	case errors.As(err, &key):
		u.Reason, u.Detail = transport.HostKey, key.text
	case errors.As(err, &dns):
		u.Reason = transport.NoName
		u.Detail = fmt.Sprintf("ssh: Could not resolve hostname %s: Name or service not known", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		connect(transport.Refused, "Connection refused")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		connect(transport.NoRoute, "No route to host")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		connect(transport.TimedOut, "Connection timed out")
	case strings.Contains(err.Error(), "EOF"), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		u.Reason = transport.Lost
		u.Detail = fmt.Sprintf("%s closed the connection before the login (is something else listening on port %d, or are there too many connections?): %v", s.hostname, s.port, err)
	default:
		u.Detail = err.Error()
	}
	u.Detail = "Failed to connect to the host via ssh: " + u.Detail
	return u
}
