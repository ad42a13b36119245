package files

import (
	"fmt"
	"strings"
	"time"
)

// layouts are strptime's directives in Go's notation.
var layouts = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'I': "03", 'p': "PM",
	'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'j': "002", 'z': "-0700", 'Z': "MST",
	'T': "15:04:05", 'D': "01/02/06", 'F': "2006-01-02", 'R': "15:04", '%': "%",
}

// ParseTime reads a local time written in strptime's format.
func ParseTime(text, format string) (time.Time, error) {
	var layout strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			layout.WriteByte(format[i])
			continue
		}
		i++
		l, ok := layouts[format[i]]
		if !ok {
			return time.Time{}, fmt.Errorf("'%c' is a bad directive in format '%s'", format[i], format)
		}
		layout.WriteString(l)
	}
	// Go takes ".05" for a fraction of a second; the separator has to be another.
	l, t := layout.String(), text
	if strings.Contains(l, ".05") {
		l, t = strings.Replace(l, ".05", "\x0005", 1), lastDotToNUL(text)
	}
	at, err := time.ParseInLocation(l, t, time.Local)
	if err != nil {
		return time.Time{}, fmt.Errorf("time data '%s' does not match format '%s'", text, format)
	}
	return at, nil
}

func lastDotToNUL(s string) string {
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		return s[:i] + "\x00" + s[i+1:]
	}
	return s
}
