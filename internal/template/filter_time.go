package template

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// timeFilters are Ansible's filters for dates.
func timeFilters() []*def {
	return []*def{
		define("to_datetime", "string format='%Y-%m-%d\\s%H:%M:%S'", func(c *call) (any, error) {
			s, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			return strptime(s, c.str(1))
		}),
		define("strftime", "string_format second=None utc=False", func(c *call) (any, error) {
			format, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			t := time.Now()
			if c.a[1] != nil {
				f, ok := toFloat(c.a[1])
				if !ok || math.IsNaN(f) || math.Abs(f) > 1e15 {
					if err := c.need(1); err != nil {
						return nil, err
					}
					return nil, filterErr("Invalid value for epoch value (%s)", c.str(1))
				}
				t = time.Unix(int64(math.Floor(f)), 0)
			}
			if c.bool(2) {
				t = t.UTC()
			}
			return strftime(format, t), nil
		}),
		define("to_uuid", "string namespace='361E6D51-FAEC-444A-9079-341386DA8E2E'", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			ns, err := hex.DecodeString(strings.NewReplacer("urn:", "", "uuid:", "", "-", "", "{", "", "}", "").Replace(c.str(1)))
			if err != nil || len(ns) != 16 {
				return nil, filterErr("Invalid value '%s' for 'namespace': badly formed hexadecimal UUID string", c.str(1))
			}
			sum := sha1.Sum(append(ns, c.str(0)...))
			sum[6] = sum[6]&0x0f | 0x50
			sum[8] = sum[8]&0x3f | 0x80
			return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]), nil
		}),
	}
}

// strptime reads a date by Python's rules.
func strptime(s, format string) (any, error) {
	fail := valueErr("time data %s does not match format %s", Repr(s), Repr(format))
	year, month, dayOf, hour, minute, sec, micro := 1900, 1, 1, 0, 0, 0, 0
	var pm, twelve, aware bool
	zone := time.UTC
	yearDay := 0
	rest := s
	number := func(least, most int, width int, to *int) bool {
		n := 0
		for n < len(rest) && n < width && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		for ; n > 0; n-- { // a number that is too great may be two
			if v, _ := strconv.Atoi(rest[:n]); v >= least && v <= most {
				*to, rest = v, rest[n:]
				return true
			}
		}
		return false
	}
	word := func(names func(i int) string, n int, to *int) bool {
		best := -1
		for i := range n {
			if w := names(i); len(rest) >= len(w) && strings.EqualFold(rest[:len(w)], w) && (best < 0 || len(w) > len(names(best))) {
				best = i
			}
		}
		if best < 0 {
			return false
		}
		*to, rest = best, rest[len(names(best)):]
		return true
	}
	var ignored int
	var read func(format string) bool
	read = func(format string) bool {
		for i := 0; i < len(format); i++ {
			c := format[i]
			if c == ' ' || c == '\t' || c == '\n' {
				trimmed := strings.TrimLeft(rest, " \t\n\r")
				if trimmed == rest {
					return false
				}
				rest = trimmed
				for i+1 < len(format) && (format[i+1] == ' ' || format[i+1] == '\t' || format[i+1] == '\n') {
					i++
				}
				continue
			}
			if c != '%' || i+1 >= len(format) {
				if rest == "" || !strings.EqualFold(rest[:1], string(c)) {
					return false
				}
				rest = rest[1:]
				continue
			}
			i++
			ok := false
			switch format[i] {
			case 'Y':
				if ok = len(rest) >= 4 && strings.Trim(rest[:4], "0123456789") == ""; ok {
					year, _ = strconv.Atoi(rest[:4])
					rest = rest[4:]
				}
			case 'y':
				if ok = number(0, 99, 2, &year); ok {
					if year < 69 {
						year += 100
					}
					year += 1900
				}
			case 'm':
				ok = number(1, 12, 2, &month)
			case 'd', 'e':
				rest = strings.TrimLeft(rest, " ")
				ok = number(1, 31, 2, &dayOf)
			case 'H':
				ok = number(0, 23, 2, &hour)
			case 'I':
				ok, twelve = number(1, 12, 2, &hour), true
			case 'M':
				ok = number(0, 59, 2, &minute)
			case 'S':
				ok = number(0, 61, 2, &sec)
			case 'j':
				ok = number(1, 366, 3, &yearDay)
			case 'f':
				n := 0
				for n < len(rest) && n < 6 && rest[n] >= '0' && rest[n] <= '9' {
					n++
				}
				if ok = n > 0; ok {
					micro, _ = strconv.Atoi((rest[:n] + "000000")[:6])
					rest = rest[n:]
				}
			case 'p':
				var i int
				ok, twelve = word(func(i int) string { return [...]string{"AM", "PM"}[i] }, 2, &i), true
				pm = i == 1
			case 'b', 'h':
				var i int
				if ok = word(func(i int) string { return time.Month(i + 1).String()[:3] }, 12, &i); ok {
					month = i + 1
				}
			case 'B':
				var i int
				if ok = word(func(i int) string { return time.Month(i + 1).String() }, 12, &i); ok {
					month = i + 1
				}
			case 'a':
				ok = word(func(i int) string { return time.Weekday(i).String()[:3] }, 7, &ignored)
			case 'A':
				ok = word(func(i int) string { return time.Weekday(i).String() }, 7, &ignored)
			case 'w':
				ok = number(0, 6, 1, &ignored)
			case 'u':
				ok = number(1, 7, 1, &ignored)
			case 'U', 'W':
				ok = number(0, 53, 2, &ignored)
			case 'T':
				ok = read("%H:%M:%S")
			case 'D':
				ok = read("%m/%d/%y")
			case 'F':
				ok = read("%Y-%m-%d")
			case 'R':
				ok = read("%H:%M")
			case 'c':
				ok = read("%a %b %d %H:%M:%S %Y")
			case 'x':
				ok = read("%m/%d/%y")
			case 'X':
				ok = read("%H:%M:%S")
			case 'z':
				zone, ok = readZone(&rest)
				aware = true
			case 'Z':
				for _, name := range []string{"UTC", "GMT", time.Now().Format("MST")} {
					if strings.HasPrefix(strings.ToUpper(rest), name) {
						rest, ok = rest[len(name):], true
						break
					}
				}
			case '%':
				if ok = strings.HasPrefix(rest, "%"); ok {
					rest = rest[1:]
				}
			default:
				return false
			}
			if !ok {
				return false
			}
		}
		return true
	}
	if !read(format) {
		return nil, fail
	}
	if rest != "" {
		return nil, valueErr("unconverted data remains: %s", rest)
	}
	if twelve {
		hour %= 12
		if pm {
			hour += 12
		}
	}
	if yearDay > 0 {
		month, dayOf = 1, yearDay
	}
	t := time.Date(year, time.Month(month), dayOf, hour, minute, sec, micro*1000, zone)
	if yearDay == 0 && (int(t.Month()) != month || t.Day() != dayOf) {
		return nil, valueErr("day is out of range for month")
	}
	return DateTime{t, aware}, nil
}

// readZone reads +hh:mm, +hhmm or Z.
func readZone(rest *string) (*time.Location, bool) {
	s := *rest
	if strings.HasPrefix(s, "Z") {
		*rest = s[1:]
		return time.UTC, true
	}
	for _, layout := range []string{"-07:00:00", "-07:00", "-0700"} {
		if len(s) >= len(layout) {
			if t, err := time.Parse(layout, s[:len(layout)]); err == nil {
				*rest = s[len(layout):]
				_, offset := t.Zone()
				return time.FixedZone("", offset), true
			}
		}
	}
	return nil, false
}
