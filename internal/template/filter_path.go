package template

import (
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// onPathText makes a filter of a function of a path.
func onPathText(name string, fn func(c *call, p string) (any, error)) *def {
	return define(name, "path", func(c *call) (any, error) {
		p, err := c.needStr(0)
		if err != nil {
			return nil, err
		}
		return fn(c, p)
	})
}

// pathFilters are Ansible's filters for paths and URLs.
func pathFilters() []*def {
	return []*def{
		onPathText("basename", func(_ *call, p string) (any, error) { return p[strings.LastIndexByte(p, '/')+1:], nil }),
		onPathText("dirname", func(_ *call, p string) (any, error) { return dirname(p), nil }),
		onPathText("splitext", func(_ *call, p string) (any, error) {
			base := strings.LastIndexByte(p, '/') + 1
			dot := strings.LastIndexByte(p, '.')
			if dot < base || strings.Trim(p[base:dot], ".") == "" {
				return value.Tuple{p, ""}, nil
			}
			return value.Tuple{p[:dot], p[dot:]}, nil
		}),
		onPathText("expanduser", func(c *call, p string) (any, error) { return c.expandUser(p), nil }),
		onPathText("expandvars", func(c *call, p string) (any, error) { return expandVars(p, c.getenv()), nil }),
		onPathText("realpath", func(_ *call, p string) (any, error) { return realPath(p), nil }),
		define("relpath", "path start=None", func(c *call) (any, error) {
			p, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			if p == "" {
				return nil, valueErr("no path specified")
			}
			start := "."
			if c.a[1] != nil {
				start = c.str(1)
			}
			if start, err = filepath.Abs(start); err != nil {
				return nil, err
			}
			if p, err = filepath.Abs(p); err != nil {
				return nil, err
			}
			return filepath.Rel(start, p)
		}),
		define("path_join|community.general.path_join", "paths", func(c *call) (any, error) {
			if s, ok := asStr(c.a[0]); ok {
				return s, nil
			}
			l, ok := asList(c.a[0])
			if !ok {
				if err := c.need(0); err != nil {
					return nil, err
				}
				return nil, typeErr("|path_join expects string or sequence, got %s instead.", class(TypeName(c.a[0])).PythonStr())
			}
			if len(l) == 0 {
				return nil, typeErr("join() missing 1 required positional argument: 'a'")
			}
			out := ""
			for i, e := range l {
				s, ok := asStr(e)
				if !ok {
					if u, ok := e.(*Undefined); ok {
						return nil, u.fail()
					}
					return nil, typeErr("join() argument must be str, bytes, or os.PathLike object, not '%s'", TypeName(e))
				}
				switch {
				case i == 0 || strings.HasPrefix(s, "/"):
					out = s
				case out == "" || strings.HasSuffix(out, "/"):
					out += s
				default:
					out += "/" + s
				}
			}
			return out, nil
		}),
		onPathText("win_basename", func(_ *call, p string) (any, error) {
			_, tail := winSplit(p)
			return tail, nil
		}),
		onPathText("win_dirname", func(_ *call, p string) (any, error) {
			head, _ := winSplit(p)
			return head, nil
		}),
		onPathText("win_splitdrive", func(_ *call, p string) (any, error) {
			d := winDrive(p)
			return value.Tuple{p[:d], p[d:]}, nil
		}),
		onPathText("fileglob", func(_ *call, p string) (any, error) {
			found, err := filepath.Glob(p)
			if err != nil {
				return nil, filterErr("fileglob: bad pattern %s: %s", p, err)
			}
			sort.Strings(found)
			out := []any{}
			for _, f := range found {
				if i, err := os.Stat(f); err == nil && i.Mode().IsRegular() && (filepath.Base(p)[0] == '.' || filepath.Base(f)[0] != '.') {
					out = append(out, f)
				}
			}
			return out, nil
		}),
		define("urlsplit", "value query='' alias='urlsplit'", urlsplitFilter),
		define("urldecode", "string", func(c *call) (any, error) {
			s, err := c.needStr(0)
			return urlUnquote(s), err
		}),
	}
}

func dirname(p string) string {
	head := p[:strings.LastIndexByte(p, '/')+1]
	if trimmed := strings.TrimRight(head, "/"); trimmed != "" {
		return trimmed
	}
	return head
}

func (c *call) getenv() func(string) string {
	if g := c.f.r.st.c.env().Getenv; g != nil {
		return g
	}
	return os.Getenv
}

func (c *call) expandUser(p string) string {
	if !strings.HasPrefix(p, "~") {
		return p
	}
	name, rest, _ := strings.Cut(p[1:], "/")
	if len(p) > 1+len(name) {
		rest = "/" + rest
	}
	home := ""
	if name == "" {
		home = c.getenv()("HOME")
	} else if u, err := user.Lookup(name); err == nil {
		home = u.HomeDir
	}
	if home == "" {
		return p
	}
	return strings.TrimRight(home, "/") + rest
}

// expandVars replaces $name and ${name} that are set.
func expandVars(s string, get func(string) string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		name, size := "", 1
		if strings.HasPrefix(s, "${") {
			if end := strings.IndexByte(s, '}'); end > 0 {
				name, size = s[2:end], end+1
			}
		} else {
			for size < len(s) && (s[size] == '_' || s[size] >= '0' && s[size] <= '9' || s[size]|0x20 >= 'a' && s[size]|0x20 <= 'z') {
				size++
			}
			name = s[1:size]
		}
		if v := get(name); name != "" && v != "" {
			b.WriteString(v)
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
}

// realPath follows links as far as the path exists.
func realPath(p string) string {
	p, err := filepath.Abs(p)
	if err != nil {
		return p
	}
	rest := ""
	for head := p; ; {
		if real, err := filepath.EvalSymlinks(head); err == nil {
			return filepath.Join(real, rest)
		}
		if head == "/" {
			return p
		}
		rest = filepath.Join(filepath.Base(head), rest)
		head = filepath.Dir(head)
	}
}

func isWinSep(c byte) bool { return c == '/' || c == '\\' }

// winDrive is the length of the drive or share that p begins with.
func winDrive(p string) int {
	if len(p) >= 2 && p[1] == ':' {
		return 2
	}
	if len(p) > 2 && isWinSep(p[0]) && isWinSep(p[1]) && !isWinSep(p[2]) {
		i := strings.IndexAny(p[2:], `/\`)
		if i < 0 {
			return len(p)
		}
		j := strings.IndexAny(p[2+i+1:], `/\`)
		switch {
		case j == 0:
			return 0
		case j < 0:
			return len(p)
		}
		return 2 + i + 1 + j
	}
	return 0
}

func winSplit(p string) (head, tail string) {
	d := winDrive(p)
	i := strings.LastIndexAny(p, `/\`) + 1
	i = max(i, d)
	head, tail = p[d:i], p[i:]
	if trimmed := strings.TrimRight(head, `/\`); trimmed != "" {
		head = trimmed
	}
	return p[:d] + head, tail
}

// splitURL takes a URL apart as Python's urlsplit does.
func splitURL(s string) (scheme, netloc, path, query, fragment string, ok bool) {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, strings.TrimLeft(s, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "))
	if i := strings.IndexByte(s, ':'); i > 0 && s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z' {
		if strings.IndexFunc(s[:i], func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+-.", r))
		}) < 0 {
			scheme, s = strings.ToLower(s[:i]), s[i+1:]
		}
	}
	if strings.HasPrefix(s, "//") {
		end := strings.IndexAny(s[2:], "/?#")
		if end < 0 {
			end = len(s) - 2
		}
		netloc, s = s[2:2+end], s[2+end:]
		if strings.Contains(netloc, "[") != strings.Contains(netloc, "]") {
			return "", "", "", "", "", false
		}
	}
	s, fragment, _ = strings.Cut(s, "#")
	path, query, _ = strings.Cut(s, "?")
	return scheme, netloc, path, query, fragment, true
}

func urlsplitFilter(c *call) (any, error) {
	s, err := c.needStr(0)
	if err != nil {
		return nil, err
	}
	scheme, netloc, path, query, fragment, ok := splitURL(s)
	if !ok {
		return nil, valueErr("Invalid IPv6 URL")
	}
	m := value.MapOf("fragment", fragment, "hostname", nil, "netloc", netloc, "password", nil, "path", path, "port", nil,
		"query", query, "scheme", scheme, "username", nil)
	host := netloc
	if i := strings.LastIndexByte(netloc, '@'); i >= 0 {
		host = netloc[i+1:]
		name, password, has := strings.Cut(netloc[:i], ":")
		m.Set("username", name)
		if has {
			m.Set("password", password)
		}
	}
	port := ""
	if strings.HasPrefix(host, "[") {
		inside, rest, _ := strings.Cut(host[1:], "]")
		host, port = inside, strings.TrimPrefix(rest, ":")
	} else {
		host, port, _ = strings.Cut(host, ":")
	}
	if host != "" {
		m.Set("hostname", strings.ToLower(host))
	}
	if port != "" {
		n, ok := parseInt(port, 10)
		if !ok {
			return nil, valueErr("Port could not be cast to integer value as %s", Repr(port))
		}
		m.Set("port", n)
	}
	if q := c.str(1); q != "" {
		v, ok := m.Get(q)
		if !ok {
			return nil, &Error{Kind: "AnsibleFilterError", Msg: c.str(2) + ": unknown URL component: " + q}
		}
		return v, nil
	}
	return m, nil
}

func urlUnquote(s string) string {
	s = strings.ReplaceAll(s, "+", " ")
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if t, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(t)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}

// urlQuote is Python's quote: letters, digits, _.-~ and safe stay.
func urlQuote(s, safe string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.-~"+safe, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func urlencodeFilter(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	plus := func(v any) string { return strings.ReplaceAll(urlQuote(Str(v), " "), " ", "+") }
	var all []any
	switch v := c.a[0].(type) {
	case *value.Map:
		all = mapItems(v)
	default:
		if _, isText := asStr(v); isText || !isIterable(v) {
			return urlQuote(Str(v), "/"), nil
		}
		all, _ = items(v)
	}
	parts := make([]string, len(all))
	for i, e := range all {
		pair, err := items(e)
		if err != nil {
			return nil, err
		}
		if len(pair) != 2 {
			return nil, valueErr("not enough values to unpack (expected 2, got %d)", len(pair))
		}
		parts[i] = plus(pair[0]) + "=" + plus(pair[1])
	}
	return strings.Join(parts, "&"), nil
}
