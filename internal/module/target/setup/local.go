package setup

import (
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/value"
)

// local reads the user's own facts: *.fact files, run if they are executable,
// in JSON or INI.
func local(g *gathering) {
	out := value.NewMap(2)
	defer func() { g.set("local", out) }()
	paths, _ := filepath.Glob(filepath.Join(g.path, "*.fact"))
	sort.Strings(paths)
	for _, f := range paths {
		if strings.HasPrefix(filepath.Base(f), ".") {
			continue
		}
		name := strings.ReplaceAll(filepath.Base(f), ".fact", "")
		st, err := os.Stat(f)
		if err != nil {
			msg := "Could not stat fact (" + f + "): " + files.OSError(err, f)
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
		} else if data, err := os.ReadFile(f); err == nil { // one that cannot be read says nothing
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

func itoa(n int) string { return value.Str(n) }
