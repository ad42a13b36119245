package template

import (
	"errors"
	"fmt"

	"github.com/tutti-run/tutti/internal/diag"
)

// Error is what went wrong in a template.
type Error struct {
	Pos diag.Pos // of the expression, as far as known
	Msg string
	// Kind is the name that Python gives this kind of failure: TypeError,
	// ValueError, TemplateSyntaxError, TemplateNotFound, UndefinedError...
	Kind string
	// Undefined is set if a variable or attribute that is not there was used.
	Undefined bool
	Name      string // of the undefined variable or attribute
	Cause     error
}

// Error gives the message alone; the position is a field for who shows it.
func (e *Error) Error() string { return e.Msg }

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.Cause }

// IsUndefined reports whether err says that something undefined was used.
func IsUndefined(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Undefined
}

func typeErr(format string, args ...any) error {
	return &Error{Kind: "TypeError", Msg: fmt.Sprintf(format, args...)}
}

func valueErr(format string, args ...any) error {
	return &Error{Kind: "ValueError", Msg: fmt.Sprintf(format, args...)}
}

func filterErr(format string, args ...any) error {
	return &Error{Kind: "AnsibleFilterError", Msg: fmt.Sprintf(format, args...)}
}

func lookupErr(format string, args ...any) error {
	return &Error{Kind: "AnsibleLookupError", Msg: fmt.Sprintf(format, args...)}
}

func limitErr(format string, args ...any) error {
	return &Error{Kind: "LimitError", Msg: fmt.Sprintf(format, args...)}
}

// at gives err a position if it has none yet.
func at(err error, pos diag.Pos) error {
	if e, ok := err.(*Error); ok && e.Pos.Line == 0 && pos.Line != 0 {
		c := *e
		c.Pos = pos
		return &c
	}
	return err
}

// isKind reports whether err is one of the named kinds of failure.
func isKind(err error, kinds ...string) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, k := range kinds {
		if e.Kind == k {
			return true
		}
	}
	return false
}
