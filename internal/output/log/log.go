// Package log writes a part of a run's events as lines of a log, for whoever
// looks for the reason of a wait: TUTTI_LOG=parallel=debug.
package log

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/tutti-run/tutti/internal/event"
)

// New returns a sink that writes what setting asks for, AREA=LEVEL with commas
// between; nil if that is nothing. The only area is parallel: every wait, grant
// and release, at the level debug.
func New(out io.Writer, setting string) (event.Sink, error) {
	if setting == "" {
		return nil, nil
	}
	level := slog.LevelError
	for _, part := range strings.Split(setting, ",") {
		area, name, _ := strings.Cut(strings.TrimSpace(part), "=")
		if area != "parallel" {
			return nil, fmt.Errorf("TUTTI_LOG: nothing is called '%s'; use parallel=debug", area)
		}
		if err := level.UnmarshalText([]byte(name)); err != nil {
			return nil, fmt.Errorf("TUTTI_LOG: '%s' is no level; use parallel=debug", name)
		}
	}
	if level > slog.LevelDebug {
		return nil, nil
	}
	l := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
	return func(e event.Event) {
		lock, ok := e.(event.Lock)
		if !ok {
			return
		}
		attrs := []slog.Attr{slog.String("key", lock.Key), slog.String("owner", lock.Owner)}
		if lock.Holder != "" {
			attrs = append(attrs, slog.String("holder", lock.Holder), slog.Duration("held", lock.Held))
		}
		if lock.Queue > 0 {
			attrs = append(attrs, slog.Int("queue", lock.Queue))
		}
		if lock.Waited > 0 {
			attrs = append(attrs, slog.Duration("waited", lock.Waited))
		}
		l.LogAttrs(context.Background(), slog.LevelDebug, lock.Step, attrs...)
	}, nil
}
