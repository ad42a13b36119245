package setup

import (
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/value"
)

// local reads the user's own facts: *.fact files, run if they are executable,
// in JSON or INI.
func local(g *gathering) {
	out := value.NewMap(2)
	defer func() { g.set("local", out) }()
	files, _ := filepath.Glob(filepath.Join(g.path, "*.fact"))
	sort.Strings(files)
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".fact")
		st, err := os.Stat(f)
		if err != nil {
			msg := "Could not stat fact (" + f + "): " + err.Error()
			out.Set(name, msg)
			g.warn(msg)
			continue
		}
		var text string
		if st.Mode()&0o100 != 0 {
			res, err := process.Run(g.ctx, process.Cmd{Argv: []string{f}, Env: g.env.Environ})
			switch {
			case err != nil:
				out.Set(name, "Could not execute fact script (/bin/sh): "+err.Error())
				g.warn("Could not execute fact script (" + f + "): " + err.Error())
				continue
			case res.RC != 0:
				msg := "Failure executing fact script (" + f + "), rc: " + itoa(res.RC) + ", err: " + string(res.Stderr)
				out.Set(name, msg)
				g.warn(msg)
				continue
			}
			text = string(res.Stdout)
		} else {
			data, err := os.ReadFile(f)
			if err != nil {
				out.Set(name, "error loading fact - output of running \""+f+"\" was not utf-8")
				continue
			}
			text = string(data)
		}
		if v, err := value.ParseJSON([]byte(text)); err == nil {
			out.Set(name, v)
			continue
		}
		if m, ok := ini(text); ok {
			out.Set(name, m)
			continue
		}
		msg := "error loading facts as JSON or ini - please check content: " + f
		out.Set(name, msg)
		g.warn(msg)
	}
}

// ini reads sections of name = value.
func ini(text string) (*value.Map, bool) {
	out := value.NewMap(2)
	var section *value.Map
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l[0] == '#' || l[0] == ';':
		case l[0] == '[' && strings.HasSuffix(l, "]"):
			section = value.NewMap(4)
			out.Set(l[1:len(l)-1], section)
		case section == nil:
			return nil, false
		default:
			i := strings.IndexAny(l, "=:")
			if i < 0 {
				return nil, false
			}
			section.Set(strings.ToLower(strings.TrimSpace(l[:i])), strings.TrimSpace(l[i+1:]))
		}
	}
	return out, out.Len() > 0
}

func itoa(n int) string { return value.Str(n) }
