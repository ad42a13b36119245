package yaml

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// The forms of YAML 1.1 as PyYAML knows them.
var (
	intForm       = lazyregexp.New(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	floatForm     = lazyregexp.New(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	timestampForm = lazyregexp.New(`^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|[-+]\d\d?(?::\d\d)?))?)?$`)
	dateForm      = lazyregexp.New(`^\d{4}-\d\d-\d\d$`)
)

// resolve gives the meaning of a plain scalar.
func resolve(s string) any {
	if s == "" {
		return nil
	}
	switch s {
	case "~", "null", "Null", "NULL":
		return nil
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false
	}
	if c := s[0]; c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return s
	}
	switch {
	case intForm.MatchString(s):
		return integer(s)
	case floatForm.MatchString(s):
		return float(s)
	case dateForm.MatchString(s) || len(s) > 10 && timestampForm.MatchString(s):
		return timestamp(s)
	}
	return s
}

func integer(s string) any {
	s = strings.ReplaceAll(s, "_", "")
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	n := new(big.Int)
	switch {
	case s == "0":
	case strings.HasPrefix(s, "0b"):
		n.SetString(s[2:], 2)
	case strings.HasPrefix(s, "0x"):
		n.SetString(s[2:], 16)
	case strings.HasPrefix(s, "0"):
		n.SetString(s, 8)
	case strings.Contains(s, ":"):
		for _, part := range strings.Split(s, ":") {
			digit, _ := strconv.Atoi(part)
			n.Mul(n, big.NewInt(60)).Add(n, big.NewInt(int64(digit)))
		}
	default:
		n.SetString(s, 10)
	}
	if negative {
		n.Neg(n)
	}
	return value.Int(n)
}

func float(s string) any {
	s = strings.ToLower(strings.ReplaceAll(s, "_", ""))
	sign := 1.0
	if strings.HasPrefix(s, "-") {
		sign = -1
	}
	s = strings.TrimLeft(s, "+-")
	switch {
	case s == ".inf":
		return sign * math.Inf(1)
	case s == ".nan":
		return math.NaN()
	case strings.Contains(s, ":"):
		total := 0.0
		for _, part := range strings.Split(s, ":") {
			f, _ := strconv.ParseFloat(part, 64)
			total = total*60 + f
		}
		return sign * total
	}
	f, _ := strconv.ParseFloat(s, 64)
	return sign * f
}

// timestamp gives a date or time as the text that Python prints for it.
func timestamp(s string) any {
	m := timestampForm.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	year, _ := strconv.Atoi(m[1])
	month, _ := strconv.Atoi(m[2])
	day, _ := strconv.Atoi(m[3])
	d := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if d.Day() != day || int(d.Month()) != month {
		return s
	}
	if m[4] == "" {
		return d.Format("2006-01-02")
	}
	hour, _ := strconv.Atoi(m[4])
	minute, _ := strconv.Atoi(m[5])
	second, _ := strconv.Atoi(m[6])
	text := fmt.Sprintf("%s %02d:%02d:%02d", d.Format("2006-01-02"), hour, minute, second)
	if fraction := strings.TrimRight(m[7], "0"); fraction != "" {
		text += "." + (m[7] + "000000")[:6]
	}
	switch zone := m[8]; {
	case zone == "Z":
		text += "+00:00"
	case zone != "":
		text += normalZone(zone)
	}
	return text
}

func normalZone(zone string) string {
	hours, minutes, _ := strings.Cut(zone[1:], ":")
	if len(hours) == 1 {
		hours = "0" + hours
	}
	if minutes == "" {
		minutes = "00"
	}
	return zone[:1] + hours + ":" + minutes
}
