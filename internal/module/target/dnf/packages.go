package dnf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
)

// pkg is an installed package.
type pkg struct{ name, epoch, version, release, arch string }

func (p pkg) String() string {
	epoch := ""
	if p.epoch != "0" {
		epoch = p.epoch + ":"
	}
	return fmt.Sprintf("%s-%s%s-%s.%s", p.name, epoch, p.version, p.release, p.arch)
}

// spellings are the ways in which a package may be asked for.
func (p pkg) spellings() []string {
	vr := p.version + "-" + p.release
	list := []string{p.name, p.name + "." + p.arch, p.name + "-" + p.version, p.name + "-" + vr, p.name + "-" + vr + "." + p.arch}
	for _, s := range list[2:] {
		list = append(list, p.name+"-"+p.epoch+":"+s[len(p.name)+1:])
	}
	return append(list, p.epoch+":"+p.name+"-"+vr+"."+p.arch)
}

// packages are all that is installed.
type packages struct{ list []pkg }

func (t *task) installed() (*packages, *module.Result) {
	argv := []string{"rpm"}
	if root := t.args.String("installroot"); root != "" && root != "/" {
		argv = append(argv, "--root", root)
	}
	out, err := tool.Run(t.ctx, t.env, append(argv, "-qa", "--queryformat", `%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\n`)...)
	switch {
	case err != nil:
		return nil, t.fail("%s", err)
	case out.RC != 0:
		return nil, out.Fail("rpm cannot list its packages: %s", strings.TrimSpace(out.Stderr)).Set("results", []any{})
	}
	all := &packages{}
	for line := range strings.Lines(out.Stdout) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 5 && f[0] != "gpg-pubkey" {
			all.list = append(all.list, pkg{f[0], f[1], f[2], f[3], f[4]})
		}
	}
	return all, nil
}

func (all *packages) named(name string) []pkg {
	var found []pkg
	for _, p := range all.list {
		if p.name == name {
			found = append(found, p)
		}
	}
	return found
}

func (all *packages) has(spec string) bool {
	pattern := strings.ContainsAny(spec, "*?[")
	return slices.ContainsFunc(all.list, func(p pkg) bool {
		return slices.ContainsFunc(p.spellings(), func(s string) bool { return s == spec || pattern && files.MatchName(spec, s) })
	})
}

// among returns the specs that something installed answers to. What names a
// group or a file it cannot know, so that dnf has to.
func (all *packages) among(specs []string) []string {
	var found []string
	for _, s := range specs {
		if all.has(s) || strings.HasPrefix(s, "@") || strings.HasPrefix(s, "/") && !isFile(s) {
			found = append(found, s)
		}
	}
	return found
}

// missing returns the specs that have to be installed. A version older than what
// is there is wanted only where a downgrade is allowed.
func (all *packages) missing(specs []string, downgrade bool) []string {
	var list []string
	for _, s := range specs {
		if all.has(s) && !strings.ContainsAny(s, "*?[") || !downgrade && all.older(s) {
			continue
		}
		list = append(list, s)
	}
	return list
}

// older tells whether a spec names a version that is older than the installed one.
func (all *packages) older(spec string) bool {
	for _, p := range all.list {
		rest, ok := strings.CutPrefix(spec, p.name+"-")
		if !ok || rest == "" {
			continue
		}
		rest = strings.TrimSuffix(strings.TrimSuffix(rest, "."+p.arch), ".noarch")
		epoch, version, ok := strings.Cut(rest, ":")
		if !ok {
			epoch, version = p.epoch, rest
		}
		version, release, _ := strings.Cut(version, "-")
		// Without a release Ansible leaves it to dnf, which goes back to an older
		// version when told to.
		if release == "" || version == "" || !isDigit(version[0]) {
			continue
		}
		c := compare(epoch, p.epoch)
		if c == 0 {
			c = compare(version, p.version)
		}
		if c == 0 {
			c = compare(release, p.release)
		}
		if c < 0 {
			return true
		}
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// compare orders versions, or releases, as rpm does: part by part, numbers as
// numbers and above letters, a tilde before everything, a caret after the end.
func compare(a, b string) int {
	for a != "" || b != "" {
		separator := func(c rune) bool { return !(c < 128 && (isDigit(byte(c)) || isAlpha(byte(c)))) && c != '~' && c != '^' }
		a, b = strings.TrimLeftFunc(a, separator), strings.TrimLeftFunc(b, separator)
		for _, mark := range []struct {
			char byte
			has  int // what it means that only a has it
		}{{'~', -1}, {'^', 1}} {
			inA, inB := a != "" && a[0] == mark.char, b != "" && b[0] == mark.char
			switch {
			case inA && inB:
				a, b = a[1:], b[1:]
			case inA:
				if mark.char == '^' && b != "" {
					return -1
				}
				return mark.has
			case inB:
				if mark.char == '^' && a != "" {
					return 1
				}
				return -mark.has
			}
		}
		if a == "" || b == "" {
			return len(a) - len(b)
		}
		kind := isAlpha
		if isDigit(a[0]) {
			kind = isDigit
		}
		pa, pb := part(a, kind), part(b, kind)
		switch {
		case pa == "" && pb == "":
			continue // a mark comes next
		case pb == "":
			if isDigit(a[0]) {
				return 1
			}
			return -1
		}
		a, b = a[len(pa):], b[len(pb):]
		if isDigit(pa[0]) {
			pa, pb = strings.TrimLeft(pa, "0"), strings.TrimLeft(pb, "0")
			if len(pa) != len(pb) {
				return len(pa) - len(pb)
			}
		}
		if c := strings.Compare(pa, pb); c != 0 {
			return c
		}
	}
	return 0
}

func part(s string, kind func(byte) bool) string {
	n := 0
	for n < len(s) && kind(s[n]) {
		n++
	}
	return s[:n]
}
