package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
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

// expandRange expands every [a:b:step] in a host name. Where a bracket stands
// there has to be a range.
func expandRange(name string) ([]string, error) {
	if !strings.Contains(name, "[") {
		return []string{name}, nil
	}
	parts := strings.Split(strings.Replace(strings.Replace(name, "[", "|", 1), "]", "|", 1), "|")
	if len(parts) != 3 {
		return nil, fmt.Errorf("host range must be begin:end or begin:end:step between brackets, not %s", name)
	}
	head, body, tail := parts[0], parts[1], parts[2]
	bounds := strings.Split(body, ":")
	if begin, end, ok := strings.Cut(body, "-"); ok && len(bounds) == 1 && begin != "" && end != "" {
		return nil, fmt.Errorf("host range must be begin:end or begin:end:step, not [%s]: write [%s:%s]", body, begin, end)
	}
	if len(bounds) != 2 && len(bounds) != 3 {
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
	if err != nil || len(rest) == 0 {
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

// letters are in the order of letter ranges: [x:C] is x, y, z, A, B, C.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func sequence(begin, end string, step int) ([]string, error) {
	if i, j := strings.Index(letters, begin), strings.Index(letters, end); len(begin) == 1 && len(end) == 1 && i >= 0 && j >= 0 {
		if i > j {
			return nil, fmt.Errorf("host range must have begin <= end: [%s:%s]", begin, end)
		}
		var out []string
		for n := range (j-i)/step + 1 {
			out = append(out, letters[i+n*step:i+n*step+1])
		}
		return out, nil
	}
	from, err1 := strconv.Atoi(begin)
	to, err2 := strconv.Atoi(end)
	if err1 != nil || err2 != nil {
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
		return nil, nil // nobody, as in Ansible
	}
	if (to-from)/step >= maxRange || to-from < 0 {
		return nil, fmt.Errorf("the host range [%s:%s] is larger than %d hosts", begin, end, maxRange)
	}
	var out []string
	for i := range (to-from)/step + 1 { // by count: from + step may be more than an int holds
		out = append(out, fmt.Sprintf("%0*d", width, from+i*step))
	}
	return out, nil
}

var (
	bracketedPort = lazyregexp.New(`^\[(.+)\]:([0-9]+)$`)
	trailingPort  = lazyregexp.New(`^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$`)
	// hostLabel is a part of a host name between dots, ranges included.
	hostLabel = lazyregexp.New(`^(?i:[\p{L}\p{N}_]|\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\])(?i:[\p{L}\p{N}_-]|\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\])*$`)
	hexRange  = lazyregexp.New(`\[[0-9a-fA-F]+:[0-9a-fA-F]+(?::[0-9]+)?\]`)
)

// splitPort takes a :port off a host name; IPv6 addresses need brackets for it.
// What is left has to look like a name or an address, else nothing is taken off.
func splitPort(text string) (host string, port int) {
	host = text
	for _, form := range []*lazyregexp.Regexp{bracketedPort, trailingPort} {
		if m := form.FindStringSubmatch(host); m != nil {
			host = m[1]
			port, _ = strconv.Atoi(m[2])
		}
	}
	if !isHostName(host) {
		return text, 0
	}
	return host, port
}

// isHostName reports whether text could be a host's name or address, or several
// of them written with ranges.
func isHostName(text string) bool {
	if ip, err := netip.ParseAddr(hexRange.ReplaceAllString(text, "1")); err == nil && ip.Is6() && ip.Zone() == "" {
		return true
	}
	for label := range strings.SplitSeq(text, ".") {
		if !hostLabel.MatchString(label) || strings.HasSuffix(label, "-") || strings.HasSuffix(label, "_") {
			return false
		}
	}
	return true
}
