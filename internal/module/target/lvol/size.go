package lvol

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// size is the argument of that name, taken apart.
type size struct {
	operator string // "+" or "-", where it says by how much to change
	number   string // "" if no size was given; with its per cent sign and what follows it
	unit     string
	percent  int
	whole    string // VG, PVS or FREE, of which percent is meant
}

func parseSize(text string) (size, *module.Result) {
	s := size{unit: "m"}
	if text == "" {
		return s, nil
	}
	if text[0] == '+' || text[0] == '-' {
		s.operator, text = text[:1], text[1:]
	}
	bad := func() (size, *module.Result) { return s, module.Fail("Bad size specification of '%s'", text) }
	if number, whole, ok := strings.Cut(text, "%"); ok {
		n, err := strconv.Atoi(strings.TrimSpace(number))
		switch {
		case err != nil:
			return bad()
		case n > 100:
			return s, module.Fail("Size percentage cannot be larger than 100%%")
		case whole == "ORIGIN":
			return s, module.Fail("Snapshot Volumes are not supported")
		case !slices.Contains([]string{"VG", "PVS", "FREE"}, whole):
			return s, module.Fail("Specify extents as a percentage of VG|PVS|FREE")
		}
		s.number, s.unit, s.percent, s.whole = text, "", n, whole
		return s, nil
	}
	if text != "" && strings.ContainsRune("bskmgtpe", rune(text[len(text)-1]|0x20)) {
		s.unit, text = text[len(text)-1:], text[:len(text)-1]
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil || text[0] < '0' || text[0] > '9' {
		return bad()
	}
	s.number = text
	return s, nil
}

// lookUnit is the unit that LVM shall answer in.
func (s size) lookUnit() string {
	if s.unit == "" {
		return "m"
	}
	return s.unit
}

func (s size) option() string {
	if s.whole != "" {
		return "-l"
	}
	return "-L"
}

func (s size) text() string { return s.number + s.unit }

// resize gives the volume its size. A result ends the task.
func (t *task) resize(v *volume) (changed bool, end *module.Result) {
	if t.size.number == "" {
		return false, nil
	}
	program, failed := t.resizer(v)
	if program == nil || failed != nil {
		return false, failed
	}
	if t.args.Bool("resizefs") {
		program = append(program, "--resizefs")
	}
	argv := slices.Concat(program, t.test(), []string{t.size.option(), t.size.operator + t.size.text(), t.vg + "/" + v.name}, t.pvs())
	out, failed := t.tool(argv...)
	if failed != nil {
		return false, failed
	}
	same := module.OK().Set("vg", t.vg).Set("lv", v.name).Set("size", v.size)
	unable := module.Fail("Unable to resize %s to %s", value.Str(t.args.Any("lv")), t.size.text()).Set("rc", out.RC).Set("err", out.Stderr)
	switch {
	case strings.Contains(out.Stdout, "Reached maximum COW size"):
		return false, unable.Set("out", out.Stdout)
	case out.RC == 0:
		return true, nil
	case strings.Contains(out.Stderr, "matches existing size"):
		return false, same
	case strings.Contains(out.Stderr, "not larger than existing size"):
		return false, same.Set("msg", "Original size is larger than requested size").Set("err", out.Stderr)
	}
	return false, unable
}

// resizer is the program that gives the volume its size, nil if it has it.
func (t *task) resizer(v *volume) ([]string, *module.Result) {
	grow, shrink := []string{"lvextend"}, []string{"lvreduce", "--force"}
	force := t.args.Bool("force")
	if t.size.whole == "" {
		n, err := strconv.ParseFloat(t.size.number, 64)
		switch {
		case err != nil:
			return nil, module.Fail("Bad size specification of '%s'", t.size.number)
		case n > v.size || t.size.operator == "+":
			return grow, nil
		case !(t.args.Bool("shrink") && n < v.size || t.size.operator == "-"):
			return nil, nil
		case n == 0:
			return nil, module.Fail("Sorry, no shrinking of %s to 0 permitted.", v.name)
		case !force:
			return nil, module.Fail("Sorry, no shrinking of %s without force=true.", v.name)
		}
		return shrink, nil
	}
	of := t.group.size
	if t.size.whole == "FREE" {
		of = t.group.free
	}
	want := float64(t.size.percent) * of / 100
	switch t.size.operator {
	case "+":
		want += v.size
	case "-":
		want = v.size - want
	}
	want -= math.Mod(math.Mod(want, t.group.extent)+t.group.extent, t.group.extent) // whole extents, rounded down
	switch more := want - v.size; {
	case more > 0 && (t.group.free <= 0 || t.group.free < more):
		unit := t.size.lookUnit()
		return nil, module.Fail("%s", fmt.Sprintf("Logical Volume %s could not be extended. Not enough free space left (%s%s required / %s%s available)",
			v.name, value.Str(more), unit, value.Str(t.group.free), unit))
	case more > 0:
		return grow, nil
	case !t.args.Bool("shrink") || v.size <= want+t.group.extent: // up to an extent too large is what rounding makes
		return nil, nil
	case want < 1:
		return nil, module.Fail("Sorry, no shrinking of %s to 0 permitted.", v.name)
	case !force:
		return nil, module.Fail("Sorry, no shrinking of %s without force=true", v.name)
	}
	return shrink, nil
}
