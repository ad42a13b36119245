package files

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/value"
)

// numbers are strptime's numeric directives and how many digits they take.
var numbers = map[byte]int{'Y': 4, 'm': 2, 'd': 2, 'H': 2, 'I': 2, 'M': 2, 'S': 2, 'y': 2, 'j': 3, 'f': 6}

// composed are directives that stand for several others.
var composed = strings.NewReplacer("%T", "%H:%M:%S", "%D", "%m/%d/%y", "%F", "%Y-%m-%d", "%R", "%H:%M")

// ParseTime reads a time of the zone local written in strptime's format. Numbers may have
// fewer digits than usual, and white space stands for any white space.
func ParseTime(text, format string, local *time.Location) (time.Time, error) {
	n := map[byte]int{'Y': 1900, 'm': 1, 'd': 1}
	pm, hasPM, zone := false, false, local
	mismatch := fmt.Errorf("time data %s does not match format %s", value.Repr(text), value.Repr(format))
	rest, layout := text, composed.Replace(format)
	for i := 0; i < len(layout); i++ {
		c := layout[i]
		if c == ' ' || c == '\t' || c == '\n' {
			rest = strings.TrimLeft(rest, " \t\n")
			continue
		}
		if c != '%' || i+1 == len(layout) {
			if rest == "" || rest[0] != c {
				return time.Time{}, mismatch
			}
			rest = rest[1:]
			continue
		}
		i++
		ok := false
		switch d := layout[i]; {
		case numbers[d] > 0:
			n[d], rest, ok = digits(rest, numbers[d], d)
		case d == 'b' || d == 'B':
			n['m'], rest, ok = word(rest, 12, func(k int) string { return time.Month(k).String() })
		case d == 'a' || d == 'A':
			_, rest, ok = word(rest, 7, func(k int) string { return time.Weekday(k % 7).String() })
		case d == 'p' && len(rest) >= 2:
			pm, hasPM, ok = strings.EqualFold(rest[:2], "pm"), true, strings.EqualFold(rest[1:2], "m")
			rest = rest[2:]
		case d == 'z':
			zone, rest, ok = offset(rest)
		case d == '%':
			rest, ok = strings.CutPrefix(rest, "%")
		case strings.IndexByte("pzZ", d) < 0:
			return time.Time{}, fmt.Errorf("'%c' is a bad directive in format '%s'", d, format)
		case d == 'Z' && (strings.HasPrefix(rest, "UTC") || strings.HasPrefix(rest, "GMT")):
			zone, rest, ok = time.UTC, rest[3:], true
		}
		if !ok {
			return time.Time{}, mismatch
		}
	}
	if y, ok := n['y']; ok {
		n['Y'] = 1900 + y
		if y < 69 {
			n['Y'] = 2000 + y
		}
	}
	if h, ok := n['I']; ok {
		n['H'] = h % 12
	}
	if hasPM && pm {
		n['H'] = n['H']%12 + 12
	}
	if day, ok := n['j']; ok {
		n['m'], n['d'] = 1, day
	}
	at := time.Date(n['Y'], time.Month(n['m']), n['d'], n['H'], n['M'], n['S'], 0, zone)
	if rest != "" || n['H'] > 23 || n['M'] > 59 || n['S'] > 61 || n['j'] == 0 && (int(at.Month()) != n['m'] && n['S'] < 60) {
		return time.Time{}, mismatch
	}
	return at, nil
}

// digits reads a number of at most width digits; for a fraction missing digits
// are zeros at its end.
func digits(s string, width int, directive byte) (n int, rest string, ok bool) {
	end := 0
	for end < len(s) && end < width && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end == 0 || directive == 'Y' && end != width {
		return 0, s, false
	}
	n, err := strconv.Atoi(s[:end])
	return n, s[end:], err == nil
}

// word reads one of the names 1 to last, in full or by its first three letters.
func word(s string, last int, name func(int) string) (int, string, bool) {
	for k := 1; k <= last; k++ {
		for _, w := range []string{name(k), name(k)[:3]} {
			if len(s) >= len(w) && strings.EqualFold(s[:len(w)], w) {
				return k, s[len(w):], true
			}
		}
	}
	return 0, s, false
}

// offset reads +0100, +01:00 or Z.
func offset(s string) (*time.Location, string, bool) {
	if strings.HasPrefix(s, "Z") {
		return time.UTC, s[1:], true
	}
	for _, layout := range []string{"-07:00", "-0700"} {
		if len(s) >= len(layout) {
			if t, err := time.Parse(layout, s[:len(layout)]); err == nil {
				_, seconds := t.Zone()
				return time.FixedZone("", seconds), s[len(layout):], true
			}
		}
	}
	return nil, s, false
}
