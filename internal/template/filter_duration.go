package template

import (
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// milliseconds are the units of time by their short names.
var milliseconds = map[string]float64{
	"ms": 1, "s": 1e3, "m": 60e3, "h": 3600e3, "d": 86400e3, "w": 7 * 86400e3, "mo": 30 * 86400e3, "y": 365 * 86400e3,
}

var shortUnits = map[string]string{
	"millisecond": "ms", "msec": "ms", "msecond": "ms", "sec": "s", "second": "s", "hour": "h", "min": "m", "minute": "m",
	"day": "d", "week": "w", "month": "mo", "year": "y",
}

func shortUnit(s string) string {
	if short, ok := shortUnits[strings.TrimRight(s, "s")]; ok {
		return short
	}
	return s
}

var timePart = lazyregexp.New(`^(-?\d+)([\pL\pN_]+)`)

// durationFilters are community.general's filters that turn "1h 30m" into numbers.
func durationFilters() []*def {
	all := []*def{define("community.general.to_time_unit", "human_time unit='ms' **kwargs", func(c *call) (any, error) { return timeIn(c, c.str(1)) })}
	for name, unit := range map[string]string{
		"milliseconds": "ms", "seconds": "s", "minutes": "m", "hours": "h", "days": "d", "weeks": "w", "months": "mo", "years": "y",
	} {
		all = append(all, define("community.general.to_"+name, "human_time **kwargs", func(c *call) (any, error) { return timeIn(c, unit) }))
	}
	return all
}

// timeIn is a time in a unit; year and month are how many days these have.
func timeIn(c *call, unit string) (any, error) {
	text, err := c.needStr(0)
	if err != nil {
		return nil, err
	}
	if text == "0" {
		return 0, nil
	}
	lengths := map[string]float64{}
	for u, n := range milliseconds {
		lengths[u] = n
	}
	if _, ok := lengths[shortUnit(unit)]; !ok {
		return nil, filterErr("to_time_unit() can not convert to the following unit: %s", unit)
	}
	for k, days := range c.kw.Strings() {
		u, ok := map[string]string{"year": "y", "month": "mo"}[k]
		if !ok {
			return nil, filterErr("to_time_unit() got unknown keyword arguments: %s", k)
		}
		f, ok := asFloat(days)
		if !ok || f == 0 {
			return nil, filterErr("to_time_unit(): %s must be a number of days, not %s", k, Repr(days))
		}
		lengths[u] = f * milliseconds["d"]
	}
	var total float64
	for _, part := range strings.Fields(text) {
		m := timePart.FindStringSubmatch(part)
		if m == nil {
			return nil, filterErr("to_time_unit() can not interpret following string: %s", text)
		}
		n, err := strconv.ParseFloat(m[1], 64)
		length, ok := lengths[shortUnit(m[2])]
		if err != nil || !ok {
			return nil, filterErr("to_time_unit() can not interpret following string: %s", text)
		}
		total += n * length
	}
	return strconv.ParseFloat(strconv.FormatFloat(total/lengths[shortUnit(unit)], 'f', 12, 64), 64)
}
