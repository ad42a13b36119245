// Package knownhosts is the module for the keys of hosts that SSH knows. It
// reads the file itself; ssh-keygen need not be there.
package knownhosts

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module adds and removes keys of hosts.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.known_hosts",
		Summary: "Adds and removes keys of hosts in a known_hosts file.",
		Params: []module.Param{
			{Name: "name", Required: true, Aliases: []string{"host"}, Doc: "The host; with a port as [host]:port."},
			{Name: "key", Doc: "The key as a line of the file: host, type and key. Without one, all keys of the host go."},
			{Name: "path", Type: module.Path, Default: "~/.ssh/known_hosts", Doc: "The file."},
			{Name: "hash_host", Type: module.Bool, Default: false, Doc: "Hide the host's name in the file."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether the key shall be there."},
		},
		Hints: []parallel.Hint{parallel.Free()}, // edits of one file wait for one another
		Check: module.Full, Diff: module.Full,
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx     context.Context
	args    module.Args
	path    string
	host    string
	key     string // the line, "" for none
	present bool
	before  []string // the file's lines
}

var severalHosts = lazyregexp.New(`\S+(\s+)?,(\s+)?`)

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, args: args, path: args.String("path"), host: strings.ToLower(args.String("name")), present: args.String("state") == "present"}
	if failed := t.readKey(); failed != nil {
		return failed
	}
	defer files.Lock(t.path)()
	data, err := os.ReadFile(t.path)
	exists := err == nil
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return module.Fail("Failed to read %s: %s: %s", t.path, files.Errno(err), value.Repr(t.path))
	}
	t.before = slices.Collect(strings.Lines(string(data)))
	found, replace, line := t.find()
	changed := replace || found != t.present
	if !t.present && t.key != "" && line < 0 {
		changed = false // another key than the one that shall go
	}
	r := module.OK()
	after := t.edit(replace, line)
	header := t.path
	if !exists {
		header = os.DevNull
	}
	r.Diff = value.MapOf("before_header", header, "after_header", t.path, "before", string(data), "after", t.shown(replace, line))
	r.Changed = changed
	if env.Check && (changed || t.present || t.key == "" || line >= 0) {
		return r
	}
	if changed && !env.Check {
		if t.key == "" {
			// As ssh-keygen does when it removes a host: the old file gets another name.
			old := t.path + ".old"
			if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
				return module.Fail("%s", err)
			}
			if err := os.Link(t.path, old); err != nil {
				return module.Fail("%s", err)
			}
		}
		if _, err := (files.Replacement{Path: t.path}).Write(ctx, strings.NewReader(after)); err != nil {
			return module.Fail("Failed to write to file %s: %s", t.path, err)
		}
	}
	for _, name := range []string{"name", "key", "path", "hash_host", "state"} {
		r.Set(name, args.Any(name))
	}
	files.AddInfo(r, t.path)
	return r
}

// readKey takes the key from the arguments.
func (t *task) readKey() *module.Result {
	t.key = t.args.String("key")
	if t.key == "" {
		if t.present {
			return module.Fail("No key specified when adding a host")
		}
		return nil
	}
	if severalHosts.MatchString(t.host) {
		return module.Fail("Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.")
	}
	e, ok := parse(t.key)
	if ok && t.args.Bool("hash_host") {
		salt := make([]byte, sha1.Size)
		if _, err := rand.Read(salt); err != nil {
			return module.Fail("%s", err)
		}
		words := strings.Fields(t.key)
		i := 0
		if e.marker != "" {
			i = 1
		}
		words[i] = fmt.Sprintf("|1|%s|%s", base64.StdEncoding.EncodeToString(salt), hash(salt, t.host))
		t.key = strings.Join(words, " ")
		e, ok = parse(t.key)
	}
	if !ok || !e.matches(t.host) {
		return module.Fail("Host parameter does not match hashed host field in supplied key")
	}
	if !strings.HasSuffix(t.key, "\n") {
		t.key += "\n"
	}
	return nil
}

// find looks the host up: whether it is there at all, whether the key has to be
// put in all the same, and the line of a key of the same type, -1 for none.
func (t *task) find() (found, replace bool, line int) {
	want, _ := parse(t.key)
	for i, l := range t.before {
		e, ok := parse(l)
		if !ok || !e.matches(t.host) {
			continue
		}
		if t.key == "" {
			found = found || t.goes(e)
			continue
		}
		found = true
		w := want
		if w.hashed() && e.hashed() {
			w.host = e.host // each is hidden in its own way
		}
		if e == w || e.kind == w.kind {
			return true, e != w, i
		}
	}
	return found, found && t.key != "", -1
}

// goes tells whether a line goes when its whole host does. Lines with a marker
// stay, as with ssh-keygen: to forget that a key is revoked would trust it again.
func (t *task) goes(e entry) bool { return t.key == "" && e.marker == "" && e.matches(t.host) }

// edit is the file as it shall be.
func (t *task) edit(replace bool, line int) string {
	var b strings.Builder
	for i, l := range t.before {
		if i == line && (replace || !t.present) {
			continue
		}
		if e, ok := parse(l); ok && t.goes(e) {
			continue
		}
		b.WriteString(l)
	}
	if t.present {
		b.WriteString(t.key)
	}
	return b.String()
}

// shown is the file as a diff shows it: Ansible's does not show the removal of a
// whole host.
func (t *task) shown(replace bool, line int) string {
	lines := slices.Clone(t.before)
	if (replace || !t.present) && line >= 0 {
		lines = slices.Delete(lines, line, line+1)
	}
	if t.present && (replace || line < 0) {
		lines = append(lines, t.key)
	}
	return strings.Join(lines, "")
}

// entry is one line of the file.
type entry struct{ marker, host, kind, key string }

func parse(line string) (e entry, ok bool) {
	words := strings.Fields(line)
	if len(words) == 0 || words[0][0] == '#' {
		return e, false
	}
	if words[0][0] == '@' {
		e.marker, words = words[0], words[1:]
	}
	if len(words) < 3 {
		return e, false
	}
	e.host, e.kind, e.key = words[0], words[1], words[2]
	return e, true
}

func (e entry) hashed() bool { return strings.HasPrefix(e.host, "|1|") }

// matches tells whether the line is about a host.
func (e entry) matches(host string) bool {
	if e.hashed() {
		salt, sum, _ := strings.Cut(strings.TrimPrefix(e.host, "|1|"), "|")
		raw, err := base64.StdEncoding.DecodeString(salt)
		return err == nil && hash(raw, host) == sum
	}
	found := false
	for pattern := range strings.SplitSeq(strings.ToLower(e.host), ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if fits(pattern, host) {
			if negated {
				return false
			}
			found = true
		}
	}
	return found
}

func hash(salt []byte, host string) string {
	h := hmac.New(sha1.New, salt)
	h.Write([]byte(host))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// fits matches a pattern with stars and question marks; brackets are part of
// addresses with a port.
func fits(pattern, host string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			for i := range len(host) + 1 {
				if fits(pattern[1:], host[i:]) {
					return true
				}
			}
			return false
		case '?':
			if host == "" {
				return false
			}
		default:
			if host == "" || host[0] != pattern[0] {
				return false
			}
		}
		pattern, host = pattern[1:], host[1:]
	}
	return host == ""
}
