package template

import (
	"fmt"
	"strings"
	"time"
)

// DateTime is Python's datetime, with or without a time zone.
type DateTime struct {
	t     time.Time
	aware bool
}

// naive is t's clock reading without its zone, as Python's datetime.now().
func naive(t time.Time) DateTime {
	return DateTime{t: time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1000*1000, time.UTC)}
}

func (d DateTime) PythonType() string { return "datetime" }
func (d DateTime) JSONValue() any     { return d.iso(" ") }
func (d DateTime) PythonStr() string  { return d.iso(" ") }
func (d DateTime) PythonRepr() string {
	s := fmt.Sprintf("datetime.datetime(%d, %d, %d, %d, %d", d.t.Year(), d.t.Month(), d.t.Day(), d.t.Hour(), d.t.Minute())
	us := d.t.Nanosecond() / 1000
	if d.t.Second() != 0 || us != 0 {
		s += fmt.Sprintf(", %d", d.t.Second())
	}
	if us != 0 {
		s += fmt.Sprintf(", %d", us)
	}
	return s + ")"
}

func (d DateTime) iso(sep string) string {
	s := d.t.Format("2006-01-02" + sep + "15:04:05")
	if us := d.t.Nanosecond() / 1000; us != 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	if d.aware {
		s += d.t.Format("-07:00")
	}
	return s
}

func (d DateTime) attr(name string) (any, bool) {
	switch name {
	case "year":
		return d.t.Year(), true
	case "month":
		return int(d.t.Month()), true
	case "day":
		return d.t.Day(), true
	case "hour":
		return d.t.Hour(), true
	case "minute":
		return d.t.Minute(), true
	case "second":
		return d.t.Second(), true
	case "microsecond":
		return d.t.Nanosecond() / 1000, true
	case "tzinfo":
		if d.aware {
			return d.t.Format("UTC-07:00"), true
		}
		return nil, true
	}
	return nil, false
}

// Delta is Python's timedelta, in microseconds.
type Delta int64

const (
	second = 1_000_000
	day    = 86400 * second
)

// parts gives days, seconds and microseconds; only days may be negative.
func (d Delta) parts() (days, seconds, micros int) {
	days = int(d) / day
	rest := int(d) % day
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	return days, rest / second, rest % second
}

func (d Delta) PythonType() string { return "timedelta" }
func (d Delta) JSONValue() any     { return d.PythonStr() }
func (d Delta) PythonStr() string {
	days, s, us := d.parts()
	out := fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	if us != 0 {
		out += fmt.Sprintf(".%06d", us)
	}
	switch days {
	case 0:
		return out
	case 1, -1:
		return fmt.Sprintf("%d day, %s", days, out)
	}
	return fmt.Sprintf("%d days, %s", days, out)
}

func (d Delta) PythonRepr() string {
	days, s, us := d.parts()
	var parts []string
	for _, p := range [...]struct {
		name string
		n    int
	}{{"days", days}, {"seconds", s}, {"microseconds", us}} {
		if p.n != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", p.name, p.n))
		}
	}
	if parts == nil {
		return "datetime.timedelta(0)"
	}
	return "datetime.timedelta(" + strings.Join(parts, ", ") + ")"
}

func (d Delta) attr(name string) (any, bool) {
	days, s, us := d.parts()
	switch name {
	case "days":
		return days, true
	case "seconds":
		return s, true
	case "microseconds":
		return us, true
	}
	return nil, false
}

// timeOp is arithmetic with dates and differences of dates.
func timeOp(op string, l, r any) (any, bool, error) {
	switch a := l.(type) {
	case DateTime:
		switch b := r.(type) {
		case DateTime:
			if op == "-" {
				if a.aware != b.aware {
					return nil, true, typeErr("can't subtract offset-naive and offset-aware datetimes")
				}
				return Delta(a.t.Sub(b.t) / time.Microsecond), true, nil
			}
		case Delta:
			if op == "-" {
				b = -b
			}
			if op == "+" || op == "-" {
				return DateTime{a.t.Add(time.Duration(b) * time.Microsecond), a.aware}, true, nil
			}
		}
	case Delta:
		switch b := r.(type) {
		case DateTime:
			if op == "+" {
				return timeOp("+", b, a)
			}
		case Delta:
			switch op {
			case "+":
				return a + b, true, nil
			case "-":
				return a - b, true, nil
			case "/", "//", "%":
				v, err := binary(nil, op, int(a), int(b))
				if n, ok := v.(int); ok && op == "%" {
					return Delta(n), true, nil
				}
				return v, true, err
			}
		case int, float64:
			f, _ := asFloat(b)
			switch op {
			case "*":
				return Delta(float64(a) * f), true, nil
			case "/", "//":
				if f == 0 {
					return nil, true, zeroDivision("integer division or modulo by zero")
				}
				return Delta(float64(a) / f), true, nil
			}
		}
	case int, float64:
		if b, ok := r.(Delta); ok && op == "*" {
			return timeOp("*", b, a)
		}
	}
	return nil, false, nil
}

func datetimeMethods() []*def {
	self := func(c *call) DateTime { return c.a[0].(DateTime) }
	return []*def{
		define("strftime", "self format", func(c *call) (any, error) { return strftime(c.str(1), self(c).t), nil }),
		define("isoformat", "self sep='T'", func(c *call) (any, error) { return self(c).iso(c.str(1)), nil }),
		define("timestamp", "self", func(c *call) (any, error) {
			t := self(c).t
			if !self(c).aware {
				t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.Local)
			}
			return float64(t.UnixMicro()) / second, nil
		}),
		define("weekday", "self", func(c *call) (any, error) { return (int(self(c).t.Weekday()) + 6) % 7, nil }),
		define("isoweekday", "self", func(c *call) (any, error) { return (int(self(c).t.Weekday())+6)%7 + 1, nil }),
		define("toordinal", "self", func(c *call) (any, error) {
			y, m, d := self(c).t.Date()
			return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/86400) + 719163, nil
		}),
		define("date", "self", func(c *call) (any, error) { return self(c).t.Format("2006-01-02"), nil }),
		define("time", "self", func(c *call) (any, error) { return self(c).iso(" ")[11:], nil }),
		define("replace", "self year=None month=None day=None hour=None minute=None second=None microsecond=None", func(c *call) (any, error) {
			t := self(c).t
			n := [...]int{0, t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond() / 1000}
			for i := 1; i < len(n); i++ {
				if c.a[i] != nil {
					v, err := c.int(i)
					if err != nil {
						return nil, err
					}
					n[i] = v
				}
			}
			return DateTime{time.Date(n[1], time.Month(n[2]), n[3], n[4], n[5], n[6], n[7]*1000, t.Location()), self(c).aware}, nil
		}),
	}
}

func timedeltaMethods() []*def {
	return []*def{define("total_seconds", "self", func(c *call) (any, error) { return float64(c.a[0].(Delta)) / second, nil })}
}

// strftime formats t by C's rules.
func strftime(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 >= len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		pad := byte(0)
		if i+1 < len(format) && strings.IndexByte("-_0^", format[i]) >= 0 {
			pad = format[i]
			i++
		}
		text := strftimeField(format[i], t)
		switch pad {
		case '-':
			if trimmed := strings.TrimLeft(text, "0 "); trimmed != "" {
				text = trimmed
			} else {
				text = "0"
			}
		case '_':
			if n := strings.TrimLeft(text[:max(len(text)-1, 0)], "0"); len(text) > 0 {
				text = strings.Repeat(" ", len(text)-1-len(n)) + n + text[len(text)-1:]
			}
		case '^':
			text = strings.ToUpper(text)
		}
		b.WriteString(text)
	}
	return b.String()
}

func strftimeField(verb byte, t time.Time) string {
	two := func(n int) string { return fmt.Sprintf("%02d", n) }
	hour12 := (t.Hour()+11)%12 + 1
	weekday := int(t.Weekday())
	switch verb {
	case 'a':
		return t.Format("Mon")
	case 'A':
		return t.Format("Monday")
	case 'b', 'h':
		return t.Format("Jan")
	case 'B':
		return t.Format("January")
	case 'c':
		return t.Format("Mon Jan _2 15:04:05 2006")
	case 'C':
		return two(t.Year() / 100)
	case 'd':
		return two(t.Day())
	case 'D', 'x':
		return t.Format("01/02/06")
	case 'e':
		return fmt.Sprintf("%2d", t.Day())
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000)
	case 'F':
		return t.Format("2006-01-02")
	case 'g':
		y, _ := t.ISOWeek()
		return two(y % 100)
	case 'G':
		y, _ := t.ISOWeek()
		return fmt.Sprintf("%d", y)
	case 'H':
		return two(t.Hour())
	case 'I':
		return two(hour12)
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay())
	case 'k':
		return fmt.Sprintf("%2d", t.Hour())
	case 'l':
		return fmt.Sprintf("%2d", hour12)
	case 'm':
		return two(int(t.Month()))
	case 'M':
		return two(t.Minute())
	case 'n':
		return "\n"
	case 'p':
		return t.Format("PM")
	case 'P':
		return strings.ToLower(t.Format("PM"))
	case 'r':
		return t.Format("03:04:05 PM")
	case 'R':
		return t.Format("15:04")
	case 's':
		return fmt.Sprintf("%d", t.Unix())
	case 'S':
		return two(t.Second())
	case 't':
		return "\t"
	case 'T', 'X':
		return t.Format("15:04:05")
	case 'u':
		return fmt.Sprintf("%d", (weekday+6)%7+1)
	case 'U':
		return two((t.YearDay() + 6 - weekday) / 7)
	case 'V':
		_, w := t.ISOWeek()
		return two(w)
	case 'w':
		return fmt.Sprintf("%d", weekday)
	case 'W':
		return two((t.YearDay() + 6 - (weekday+6)%7) / 7)
	case 'y':
		return two(t.Year() % 100)
	case 'Y':
		return fmt.Sprintf("%d", t.Year())
	case 'z':
		return t.Format("-0700")
	case 'Z':
		return t.Format("MST")
	case '%':
		return "%"
	}
	return "%" + string(verb)
}
