package mount

import (
	"os"
	"strings"

	"github.com/tutti-run/tutti/internal/module/files"
)

// entry is one line of fstab.
type entry struct{ src, name, fstype, opts, dump, passno string }

// escape writes a field as fstab has it, where blanks part fields.
var escape = strings.NewReplacer(`\`, `\134`, " ", `\040`, "&", `\046`)

func (e entry) escaped() entry {
	return entry{escape.Replace(e.src), escape.Replace(e.name), escape.Replace(e.fstype), escape.Replace(e.opts), escape.Replace(e.dump), escape.Replace(e.passno)}
}

func (e entry) line() string {
	return strings.Join([]string{e.src, e.name, e.fstype, e.opts, e.dump, e.passno}, " ") + "\n"
}

// parse reads a line; the last two fields may be missing, but least says how
// many there have to be.
func parse(line string, least int) (e entry, ok bool) {
	f := strings.Fields(line)
	if len(f) < least || len(f) > 6 || strings.HasPrefix(f[0], "#") {
		return e, false
	}
	f = append(f, "", "")
	return entry{f[0], f[1], f[2], f[3], f[4], f[5]}, true
}

// matches tells whether a line is about what is wanted: swap has no place, so
// there the source counts.
func (t *task) matches(e, want entry) bool {
	return e.name == want.name && !(t.args.Has("src") && e.name == "none" && e.fstype == "swap" && e.src != t.want.src)
}

func (t *task) read() ([]string, error) {
	data, err := os.ReadFile(t.fstab)
	if err != nil && (!os.IsNotExist(err) || !t.env.Check) {
		return nil, err
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// set puts the line into fstab, and returns the lines of before.
func (t *task) set() (changed bool, before []string, err error) {
	if before, err = t.read(); err != nil {
		return false, nil, err
	}
	var after []string
	want, found := t.want.escaped(), false
	for _, line := range before {
		if e, ok := parse(line, 4); ok && t.matches(e, want) {
			if found = true; e != want {
				changed, line = true, want.line()
				if e.name == "none" {
					line = entry{want.src, e.name, want.fstype, want.opts, want.dump, want.passno}.line()
				}
			}
		}
		after = append(after, line)
	}
	if !found {
		changed = true
		after = append(after, want.line())
	}
	if changed && !t.env.Check {
		if t.args.Bool("backup") {
			if t.backup, err = files.Backup(t.fstab); err != nil {
				return false, nil, err
			}
		}
		err = t.save(after)
	}
	return changed, before, err
}

// unset takes the line out of fstab.
func (t *task) unset() (changed bool, err error) {
	before, err := t.read()
	if err != nil {
		return false, err
	}
	var after []string
	want := t.want.escaped()
	for _, line := range before {
		if e, ok := parse(line, 6); ok && t.matches(e, want) {
			changed = true
			continue
		}
		after = append(after, line)
	}
	if changed && !t.env.Check {
		err = t.save(after)
	}
	return changed, err
}

func (t *task) save(lines []string) error {
	_, err := files.Replacement{Path: files.RealPath(t.fstab), Unsafe: true}.Write(t.ctx, strings.NewReader(strings.Join(lines, "")))
	return err
}

// unescape turns what /proc writes for blanks back.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// mounted reads what is mounted where. The source of a bind mount is the
// directory that it shows, as far as that can be told.
func mounted() (map[string]string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	type mount struct{ parent, root, place, src string }
	byID, order := map[string]mount{}, []string{}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 9 {
			continue
		}
		byID[f[0]] = mount{f[1], f[3], unescape.Replace(f[4]), f[len(f)-2]}
		order = append(order, f[0])
	}
	found := map[string]string{}
	for _, id := range order {
		m := byID[id]
		src := m.src
		if p, ok := byID[m.parent]; ok && m.parent != "1" {
			root := m.root
			if len(p.root) > 1 {
				if rest, ok := strings.CutPrefix(root, p.root+"/"); ok {
					root = "/" + rest
				}
			}
			if p.place != "/" {
				root = p.place + root
			}
			if m.root != "/" || m.src == p.src {
				src = root
			}
		}
		found[m.place] = src
	}
	return found, nil
}
