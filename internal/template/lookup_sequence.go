package template

import (
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

var sequenceShortcut = lazyregexp.New(`(?i)^((0?x?[0-9a-f]+)-)?(0?x?[0-9a-f]+)(/(0?x?[0-9a-f]+))?(:(.+))?$`)

// sequenceNumber reads decimal, 0x and octal with a leading 0.
func sequenceNumber(s string) (int, error) {
	s = strings.TrimSpace(s)
	digits := strings.TrimLeft(s, "+-")
	base := 0
	if len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "01234567") == "" {
		base = 8
	}
	n, err := strconv.ParseInt(s, base, 64)
	if err != nil {
		return 0, &Error{Kind: "AnsibleError", Msg: "can't parse " + Repr(s) + " as integer"}
	}
	return int(n), nil
}

func lookupSequence(l *look) ([]any, error) {
	out := []any{}
	for _, t := range flat(l.terms) {
		part, err := l.sequence(Str(t))
		if err != nil {
			return nil, err
		}
		if len(out)+len(part) > maxRange {
			return nil, limitErr("the sequence is longer than %d", maxRange)
		}
		out = append(out, part...)
	}
	return out, nil
}

func (l *look) sequence(term string) ([]any, error) {
	fail := func(msg string) error { return &Error{Kind: "AnsibleError", Msg: msg} }
	start, stride, format := 1, 1, "%d"
	var end, count *int
	set := func(name, text string) error {
		if name == "format" {
			format = text
			return nil
		}
		n, err := sequenceNumber(text)
		if err != nil {
			return fail("can't parse " + name + "=" + text + " as integer")
		}
		switch name {
		case "start":
			start = n
		case "end":
			end = &n
		case "count":
			count = &n
		case "stride":
			stride = n
		default:
			return fail("unrecognized arguments to with_sequence: " + Repr([]any{name}))
		}
		return nil
	}
	opts := value.NewMap(0)
	if m := sequenceShortcut.FindStringSubmatch(term); m != nil {
		for _, p := range [...][2]string{{"start", m[2]}, {"end", m[3]}, {"stride", m[5]}, {"format", m[7]}} {
			if p[1] != "" {
				opts.Set(p[0], p[1])
			}
		}
	} else {
		_, opts = params(term)
	}
	for k, v := range opts.Strings() {
		if err := set(k, Str(v)); err != nil {
			return nil, err
		}
	}
	switch {
	case count == nil && end == nil:
		return nil, fail("must specify count or end in with_sequence")
	case count != nil && end != nil:
		return nil, fail("can't specify both count and end in with_sequence")
	case count != nil:
		// So many elements, by the stride.
		e := 0
		if *count != 0 {
			e = start + *count*stride - stride
		} else {
			start, stride = 0, 0
		}
		end = &e
	}
	switch {
	case stride > 0 && *end < start:
		return nil, fail("to count backwards make stride negative")
	case stride < 0 && *end > start:
		return nil, fail("to count forward don't make stride negative")
	case strings.Count(format, "%") != 1:
		return nil, fail("bad formatting string: " + format)
	case stride == 0:
		return []any{}, nil
	}
	stop := *end + 1
	if stride < 0 {
		stop = *end - 1
	}
	s := span{start, stop, stride}
	if s.len() > maxRange {
		return nil, limitErr("the sequence is longer than %d", maxRange)
	}
	out := make([]any, 0, s.len())
	for _, n := range s.list() {
		text, err := percent(l.st, format, n)
		if err != nil {
			return nil, fail("problem formatting " + Repr(n) + " with " + Repr(format))
		}
		out = append(out, text)
	}
	return out, nil
}
