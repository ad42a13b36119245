package authorizedkey

import (
	"maps"
	"slices"
	"strings"
)

// key is one line of an authorized_keys file. A line that is no key has text
// alone.
type key struct {
	options       []string // name or name=value, in order
	kind          string
	key           string // in base64
	comment, text string
	rank          int // see keyFile
}

// same tells whether two keys are written the same; the order of options does
// not matter.
func (k *key) same(o *key) bool {
	set := func(list []string) map[string]bool {
		m := map[string]bool{}
		for _, s := range list {
			m[s] = true
		}
		return m
	}
	return k.kind == o.kind && k.key == o.key && k.comment == o.comment && maps.Equal(set(k.options), set(o.options))
}

// kinds are the names of key types, without those of certificates.
var kinds = []string{
	"ssh-ed25519", "ssh-rsa", "ssh-dss", "rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com", "ssh-xmss@openssh.com",
}

func isKind(s string) bool {
	plain, host, _ := strings.Cut(s, "@")
	if base, ok := strings.CutSuffix(plain, "-cert-v01"); ok && host == "openssh.com" {
		return slices.Contains(kinds, base) || slices.Contains(kinds, base+"@openssh.com")
	}
	return slices.Contains(kinds, s)
}

// parseKey reads a line: options, type, key, comment.
func parseKey(line string) (*key, bool) {
	words := strings.Fields(strings.ReplaceAll(line, `\#`, "#"))
	for i, w := range words {
		if !isKind(w) {
			continue
		}
		if i+1 == len(words) {
			return nil, false
		}
		// Options may hold blanks, in quotes; those are kept as one blank each.
		return &key{
			options: parseOptions(strings.Join(words[:i], " ")), kind: w, key: words[i+1], comment: strings.Join(words[i+2:], " "),
		}, true
	}
	return nil, false
}

// parseOptions splits at commas outside of quotes.
func parseOptions(text string) []string {
	var out []string
	start, quote := 0, byte(0)
	flush := func(end int) {
		if start < end {
			out = append(out, text[start:end])
		}
		start = end + 1
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == c:
			quote = 0
		case quote == 0 && c == ',':
			flush(i)
		}
	}
	flush(len(text))
	return out
}

// keyFile is an authorized_keys file. Each line has a rank, and is written in the
// order of ranks: lines that stood there keep theirs, new keys come behind as many
// as there were.
type keyFile struct {
	lines []*key
	old   int // how many lines there were, but for repetitions
}

func parseFile(text string) *keyFile {
	f := &keyFile{}
	rank := 0
	for line := range strings.Lines(text) {
		k, ok := parseKey(line)
		if !ok || strings.HasPrefix(strings.TrimSpace(line), "#") {
			k = &key{text: line}
		}
		// Of what is there twice, were it an empty line, the last one stays.
		f.lines = slices.DeleteFunc(f.lines, func(o *key) bool { return o.key == k.key && o.text == k.text })
		k.rank = rank
		f.lines = append(f.lines, k)
		rank++
	}
	f.old = len(f.lines)
	return f
}

func (f *keyFile) find(id string) *key {
	for _, k := range f.lines {
		if k.key == id && k.kind != "" {
			return k
		}
	}
	return nil
}

func (f *keyFile) remove(id string) {
	f.lines = slices.DeleteFunc(f.lines, func(k *key) bool { return k.kind != "" && k.key == id })
}

// add puts a key, the nth of those that were given, behind the old ones.
func (f *keyFile) add(k *key, n int) {
	k.rank = f.old + n
	f.lines = append(f.lines, k)
}

// keepOnly removes everything else, comments too, and reports whether there
// was anything.
func (f *keyFile) keepOnly(wanted map[string]bool) bool {
	before := len(f.lines)
	f.lines = slices.DeleteFunc(f.lines, func(k *key) bool { return !wanted[k.key] })
	return len(f.lines) != before
}

func (f *keyFile) text() string {
	var b strings.Builder
	slices.SortStableFunc(f.lines, func(a, b *key) int { return a.rank - b.rank })
	for _, k := range f.lines {
		// A last line without its end must not take the next key in.
		if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
			b.WriteByte('\n')
		}
		if k.kind == "" {
			b.WriteString(k.text)
			continue
		}
		if len(k.options) > 0 {
			b.WriteString(strings.Join(k.options, ",") + " ")
		}
		b.WriteString(k.kind + " " + k.key + " " + k.comment + "\n")
	}
	return b.String()
}
