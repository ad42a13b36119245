package inventory

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// errUnfinished is about a range without an end.
var errUnfinished = errors.New("host range must specify end value")

// expandHost takes a host pattern apart: the names that it stands for, and the
// port, 0 if there is none.
func expandHost(text string) ([]string, int, error) {
	pattern, port := splitPort(text)
	names, err := expandRange(pattern)
	return names, port, err
}

// expandRange expands every [a:b:step] in a host name.
func expandRange(name string) ([]string, error) {
	open := strings.IndexByte(name, '[')
	if open < 0 {
		return []string{name}, nil
	}
	length := strings.IndexByte(name[open:], ']')
	if length < 0 || !strings.Contains(name[open:open+length], ":") {
		return []string{name}, nil
	}
	head, body, tail := name[:open], name[open+1:open+length], name[open+length+1:]
	bounds := strings.Split(body, ":")
	if len(bounds) > 3 {
		return nil, fmt.Errorf("host range must be begin:end or begin:end:step, not [%s]", body)
	}
	step := 1
	if len(bounds) == 3 {
		n, err := strconv.Atoi(bounds[2])
		if err != nil || n < 1 {
			return nil, fmt.Errorf("the step of the host range [%s] must be a positive number", body)
		}
		step = n
	}
	begin, end := bounds[0], bounds[1]
	if begin == "" {
		begin = "0"
	}
	if end == "" {
		return nil, fmt.Errorf("%w: [%s]", errUnfinished, body)
	}
	middle, err := sequence(begin, end, step)
	if err != nil {
		return nil, err
	}
	rest, err := expandRange(tail)
	if err != nil {
		return nil, err
	}
	if len(middle) > maxRange/len(rest) {
		return nil, fmt.Errorf("the host pattern %s is larger than %d hosts", name, maxRange)
	}
	out := make([]string, 0, len(middle)*len(rest))
	for _, m := range middle {
		for _, r := range rest {
			out = append(out, head+m+r)
		}
	}
	return out, nil
}

// maxRange bounds what one host pattern may expand to.
const maxRange = 1_000_000

func sequence(begin, end string, step int) ([]string, error) {
	if isLetter(begin) && isLetter(end) {
		if begin[0] > end[0] {
			return nil, fmt.Errorf("host range must have begin <= end: [%s:%s]", begin, end)
		}
		var out []string
		for i := range (int(end[0])-int(begin[0]))/step + 1 {
			out = append(out, string(rune(int(begin[0])+i*step)))
		}
		return out, nil
	}
	from, err1 := strconv.Atoi(begin)
	to, err2 := strconv.Atoi(end)
	if err1 != nil || err2 != nil || from < 0 {
		return nil, fmt.Errorf("host range must be numbers or single letters: [%s:%s]", begin, end)
	}
	width := 0
	if len(begin) > 1 && begin[0] == '0' {
		width = len(begin)
		if len(begin) != len(end) {
			return nil, fmt.Errorf("host range must specify equal-length begin and end formats: [%s:%s]", begin, end)
		}
	}
	if from > to {
		return nil, fmt.Errorf("host range must have begin <= end: [%s:%s]", begin, end)
	}
	if (to-from)/step >= maxRange {
		return nil, fmt.Errorf("the host range [%s:%s] is larger than %d hosts", begin, end, maxRange)
	}
	var out []string
	for i := range (to-from)/step + 1 { // by count: from + step may be more than an int holds
		out = append(out, fmt.Sprintf("%0*d", width, from+i*step))
	}
	return out, nil
}

func isLetter(s string) bool {
	return len(s) == 1 && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
}

// splitPort takes a :port off a host name; IPv6 addresses need brackets for it.
func splitPort(name string) (host string, port int) {
	if strings.HasPrefix(name, "[") {
		if end := strings.Index(name, "]:"); end > 0 && strings.Contains(name[:end], ":") && !strings.Contains(name[:end], "::") || end > 0 && strings.Contains(name[1:end], "::") {
			if n, err := strconv.Atoi(name[end+2:]); err == nil {
				return name[1:end], n
			}
		}
	}
	if strings.Count(strings.NewReplacer("[", "", "]", "").Replace(stripRanges(name)), ":") == 1 {
		i := strings.LastIndexByte(name, ':')
		if n, err := strconv.Atoi(name[i+1:]); err == nil && !strings.Contains(name[i:], "]") {
			return name[:i], n
		}
	}
	return name, 0
}

// stripRanges removes [a:b] so that its colon is not taken for a port's.
func stripRanges(name string) string {
	for {
		open := strings.IndexByte(name, '[')
		if open < 0 {
			return name
		}
		length := strings.IndexByte(name[open:], ']')
		if length < 0 {
			return name
		}
		name = name[:open] + name[open+length+1:]
	}
}
