package template

import (
	"os"
	"strings"
	"unicode"
)

func lookupEnv(l *look) ([]any, error) {
	get := l.c.env().Getenv
	if get == nil {
		get = os.Getenv
	}
	out := []any{}
	for _, t := range l.terms {
		name, err := l.word(t)
		if err != nil {
			return nil, err
		}
		fields := strings.Fields(name)
		if len(fields) == 0 {
			return nil, lookupErr("env: a variable's name is empty")
		}
		v := get(fields[0])
		if v == "" && l.kw.Has("default") {
			std := l.kw.At("default")
			if u, ok := std.(*Undefined); ok {
				return nil, &Error{Kind: "AnsibleUndefinedVariable", Undefined: true, Name: fields[0], Msg: u.msg}
			}
			out = append(out, std)
			continue
		}
		out = append(out, v)
	}
	return out, nil
}

func lookupHosts(l *look) ([]any, error) {
	hosts := l.c.env().Hosts
	if hosts == nil {
		return nil, lookupErr("inventory_hostnames: there is no inventory here")
	}
	var patterns []string
	for _, t := range flat(l.terms) {
		patterns = append(patterns, Str(t))
	}
	names, err := hosts(strings.Join(patterns, ","))
	return anyStrings(names), err
}

func lookupConfig(l *look) ([]any, error) {
	missing := l.text("on_missing", "error")
	switch missing {
	case "error", "warn", "skip":
	default:
		return nil, &Error{Kind: "AnsibleOptionsError", Msg: "Invalid value \"" + missing + "\" for configuration option \"plugin_type: lookup plugin: config setting: on_missing \", valid values are: error, skip, warn"}
	}
	kind, plugin := l.text("plugin_type", ""), l.text("plugin_name", "")
	if (kind == "") != (plugin == "") {
		return nil, &Error{Kind: "AnsibleOptionsError", Msg: "Both plugin_type and plugin_name are required, cannot use one without the other"}
	}
	get := l.c.env().Config
	vars := func(name string) (any, bool) {
		v, found, err := l.st.variable(name)
		return v, found && err == nil
	}
	out := []any{}
	for _, t := range l.terms {
		name, ok := asStr(t)
		if !ok {
			return nil, &Error{Kind: "AnsibleOptionsError", Msg: "Invalid setting identifier, \"" + Str(t) + "\" is not a string, its a " + TypeName(t)}
		}
		var v any
		found := false
		switch {
		case kind != "":
			known := false
			if get := l.c.env().PluginConfig; get != nil {
				v, known, found = get(kind, plugin, name, vars)
			}
			if !known {
				return nil, lookupErr("Unable to load %s plugin \"%s\"", kind, plugin)
			}
		case className(name):
			return nil, lookupErr("Invalid setting \"%s\" attempted", name)
		case get != nil:
			v, found = get(name)
		}
		switch {
		case found:
			out = append(out, v)
		case missing == "warn":
			l.c.warn("Skipping, did not find setting " + name)
		case missing == "skip":
		default:
			return nil, lookupErr("Unable to find setting %s", name)
		}
	}
	return out, nil
}

// className reports whether a name is that of a class. Ansible keeps some
// beside its settings and says so.
func className(name string) bool {
	return name != "" && unicode.IsUpper(rune(name[0])) && strings.ToUpper(name) != name && !strings.Contains(name, "_")
}

func lookupVars(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		name, ok := asStr(t)
		if !ok {
			return nil, lookupErr("Invalid setting identifier, \"%s\" is not a string, its a %s", Str(t), TypeName(t))
		}
		v, found, err := l.st.variable(name)
		if err != nil {
			return nil, err
		}
		if !found {
			if hv, ok := l.hostVar(name); ok {
				v, found = hv, true
			}
		}
		if u, ok := v.(*Undefined); ok {
			return nil, u.fail()
		}
		switch std, has := l.kw.Get("default"); {
		case found:
			out = append(out, v)
		case has:
			out = append(out, std)
		default:
			return nil, &Error{Kind: "AnsibleUndefinedVariable", Undefined: true, Name: name, Msg: "No variable found with this name: " + name}
		}
	}
	return out, nil
}

// hostVar looks a variable up among the host's own.
func (l *look) hostVar(name string) (any, bool) {
	host, _, _ := l.st.variable("inventory_hostname")
	all, ok := l.st.c.Vars.Lookup("hostvars")
	if !ok || host == nil {
		return nil, false
	}
	vars, err := l.f.item(all, host)
	if err != nil {
		return nil, false
	}
	v, err := l.f.item(vars, name)
	if _, undefined := v.(*Undefined); undefined || err != nil {
		return nil, false
	}
	return v, true
}

func lookupVarnames(l *look) ([]any, error) {
	out := []any{}
	names := l.st.c.Vars.Names()
	for _, t := range l.terms {
		pattern, ok := asStr(t)
		if !ok {
			return nil, lookupErr("Invalid setting identifier, \"%s\" is not a string, it's a %s", Str(t), TypeName(t))
		}
		re, err := l.st.e.compileRegex(pattern, 0)
		if err != nil {
			return nil, lookupErr("Unable to use \"%s\" as a search parameter: %s", pattern, err)
		}
		for _, n := range names {
			m, err := re.Search(n, 0)
			if err != nil {
				return nil, regexErr(err)
			}
			if m != nil {
				out = append(out, n)
			}
		}
	}
	return out, nil
}
