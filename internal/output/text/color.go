package text

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// Colors are the colours of what is shown, as codes of the terminal ("0;32").
type Colors struct {
	OK, Changed, Skip, Error, Unreachable, Warn, Deprecate, Debug, Verbose, DiffAdd, DiffRemove, DiffLines string
}

// Paint gives each line of s a colour.
func Paint(s, color string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = "\x1b[" + color + "m" + l + "\x1b[0m"
	}
	return strings.Join(lines, "\n")
}

var colorNames = map[string]string{
	"black": "0;30", "bright gray": "0;37", "blue": "0;34", "white": "1;37", "green": "0;32", "bright blue": "1;34",
	"cyan": "0;36", "bright green": "1;32", "red": "0;31", "bright cyan": "1;36", "purple": "0;35", "bright red": "1;31",
	"yellow": "0;33", "bright purple": "1;35", "dark gray": "1;30", "bright yellow": "1;33", "magenta": "0;35",
	"bright magenta": "1;35", "normal": "0",
}

var colorNumber = lazyregexp.New(`^(?:color([0-9]+)|rgb([0-5])([0-5])([0-5])|gray([0-9]+))`)

// ColorCode finds the code of a colour: a name such as "bright red", color0 to
// color255, rgb000 to rgb555, gray0 to gray23.
func ColorCode(name string) (string, error) {
	m := colorNumber.FindStringSubmatch(name)
	if m == nil {
		code, ok := colorNames[name]
		if !ok {
			return "", fmt.Errorf("there is no colour %q", name)
		}
		return code, nil
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v } // digits
	switch {
	case m[1] != "":
		return fmt.Sprintf("38;5;%d", n(1)), nil
	case m[2] != "":
		return fmt.Sprintf("38;5;%d", 16+36*n(2)+6*n(3)+n(4)), nil
	}
	return fmt.Sprintf("38;5;%d", 232+n(5)), nil
}
