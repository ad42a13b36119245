// Package aptkey is the module for the keys that apt trusts, through apt-key.
package aptkey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module adds and removes keys.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.apt_key",
		Summary: "Adds and removes keys that apt trusts.",
		Notes:   []string{"Debian is giving apt-key up; a key file of its own and signed_by of deb822_repository take its place."},
		Params: []module.Param{
			{Name: "id", Doc: "The key: 8, 16 or more hexadecimal digits."},
			{Name: "url", Doc: "Where to fetch it from."},
			{Name: "data", Doc: "The key itself."},
			{Name: "file", Type: module.Path, Doc: "File on the target that holds it."},
			{Name: "keyring", Type: module.Path, Doc: "File to keep it in, below /etc/apt/trusted.gpg.d."},
			{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "Check the server's certificate."},
			{Name: "keyserver", Doc: "Server of keys to fetch it from."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether it shall be there."},
		},
		Rules:   module.Rules{MutuallyExclusive: [][]string{{"data", "file", "keyserver", "url"}}},
		HintDoc: "HostExclusive(dpkg); FullyParallel in check mode",
		HintsFor: func(_ module.Args, check bool) []parallel.Hint {
			if check {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("dpkg")} // apt reads the keys
		},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "id", When: "always", Doc: "The key as it was given, or found in what was given."},
			{Name: "key_id", When: "always", Doc: "The same in capitals."},
			{Name: "short_id", When: "always", Doc: "Its last 8 digits."},
			{Name: "fp", When: "always", Doc: "Its last 16 digits."},
			{Name: "before", Type: module.List, When: "always", Doc: "The keys that there were."},
			{Name: "after", Type: module.List, When: "changed", Doc: "The keys that there are."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx   context.Context
	env   *module.Env
	args  module.Args
	key   keyID
	short bool // keys are told apart by their last 8 digits
	data  string
	r     *module.Result
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	for _, name := range []string{"apt-key", "gpg"} {
		if _, err := tool.Require(env, name); err != nil {
			return module.Fail("%s", err)
		}
	}
	t := &task{ctx: ctx, env: env, args: args, data: args.String("data"), r: module.OK()}
	if failed := t.do(); failed != nil {
		return failed
	}
	return t.r
}

// fail is a failure with what is known of the key until then; one of a program
// has what the program said instead.
func (t *task) fail(format string, args ...any) *module.Result {
	t.r.Failed, t.r.Msg = true, fmt.Sprintf(format, args...)
	return t.r
}

func (t *task) do() *module.Result {
	id := t.args.String("id")
	if id == "" {
		if t.args.Has("keyserver") {
			return module.Fail("Missing key_id, required with keyserver.")
		}
		var failed *module.Result
		if id, failed = t.find(); failed != nil {
			return failed
		}
	}
	t.r.Set("id", nil)
	if id != "" {
		t.r.Set("id", id)
	}
	var err error
	if t.key, err = parseID(id); err != nil {
		return t.fail("Invalid key_id")
	}
	t.r.Set("short_id", t.key.short).Set("fp", t.key.print).Set("key_id", t.key.full)
	t.short = len(t.key.full) == 8
	keys, failed := t.keys()
	if failed != nil {
		return failed
	}
	t.r.Set("before", value.FromGo(keys))
	present := t.args.String("state") == "present"
	if t.among(keys) == present {
		return nil
	}
	if t.r.Changed = true; t.env.Check {
		return nil
	}
	if present {
		failed = t.add()
	} else {
		if _, failed = t.aptKey("", fmt.Sprintf("Unable to remove a key with id %s", t.key.short), "del", t.key.short); failed != nil {
			failed.Set("key_id", t.key.short)
		}
	}
	if failed != nil {
		return failed
	}
	if keys, failed = t.keys(); failed != nil {
		return failed
	}
	t.r.Set("after", value.FromGo(keys))
	if t.among(keys) != present {
		what := map[bool]string{true: "failed to add the key", false: "the key was not removed"}[present]
		return t.fail("apt-key did not return an error, but %s (check that the id is correct and *not* a subkey)", what)
	}
	return nil
}

func (t *task) among(keys []string) bool {
	if t.short {
		return slices.Contains(keys, t.key.short)
	}
	return slices.Contains(keys, t.key.print)
}

// find reads the key's id from the key, "" if there is none in it.
func (t *task) find() (string, *module.Result) {
	source, cmd := "inline data", tool.Cmd{Argv: []string{"gpg", "--with-colons", "-"}}
	switch {
	case t.args.Has("url"):
		if failed := t.download(); failed != nil {
			return "", failed
		}
	case t.args.Has("file"):
		source = t.args.String("file")
		cmd.Argv[2] = source
	case t.data == "":
		return "", nil
	}
	cmd.Stdin = t.data
	out, err := cmd.Run(t.ctx, t.env)
	if err != nil {
		return "", module.Fail("%s", err)
	}
	if out.RC != 0 {
		return "", module.Fail("Unable to extract key from '%s'", source).SetOutput(out.Stdout, out.Stderr)
	}
	if keys := parseKeys(out.Stdout); len(keys) > 0 {
		return keys[0], nil
	}
	return "", nil
}

func (t *task) download() *module.Result {
	url := t.args.String("url")
	spec := module.Spec{Name: "ansible.builtin.apt_key", Params: web.Params()}
	args, err := spec.ParseTarget(value.MapOf("url", url, "validate_certs", t.args.Bool("validate_certs")), t.env.Environ)
	if err != nil {
		return module.Fail("%s", err)
	}
	resp := web.Do(t.ctx, t.env, args, url, web.Options{Redirects: "all"})
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	if resp.NoURL {
		return module.Fail("%s", resp.Msg).Set("url", url).Set("status", -1)
	}
	if resp.Status != 200 {
		return module.Fail("Failed to download key at %s: %s", url, resp.Msg)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return module.Fail("error getting key id from url: %s", url)
	}
	t.data = string(data)
	return nil
}

// aptKey runs apt-key on the keyring asked for.
func (t *task) aptKey(stdin, failure string, words ...string) (tool.Output, *module.Result) {
	argv := []string{"apt-key"}
	if t.args.Has("keyring") {
		argv = append(argv, "--keyring", t.args.String("keyring"))
	}
	argv = append(argv, words...)
	out, err := tool.Cmd{Argv: argv, Stdin: stdin}.Run(t.ctx, t.env)
	switch {
	case err != nil:
		return out, module.Fail("%s", err)
	case out.RC != 0:
		argv[0] = tool.Find(t.env, argv[0])
		return out, out.Fail("%s", failure).Set("cmd", strings.Join(argv, " "))
	}
	return out, nil
}

func (t *task) keys() ([]string, *module.Result) {
	out, failed := t.aptKey("", "Unable to list public keys", "adv", "--list-public-keys", "--keyid-format=long")
	if failed != nil {
		return nil, failed
	}
	keys := parseKeys(out.Stdout)
	if t.short {
		for i, k := range keys {
			keys[i] = k[max(0, len(k)-8):]
		}
	}
	return keys, nil
}

func (t *task) add() *module.Result {
	var failed *module.Result
	switch {
	case t.args.Has("file"):
		path := t.args.String("file")
		if _, failed = t.aptKey("", "Unable to add a key from file "+path, "add", path); failed != nil {
			failed.Set("keyfile", path)
		}
	case t.args.Has("keyserver"):
		failed = t.receive(t.args.String("keyserver"))
	case t.data == "" && t.args.Has("url"):
		if failed = t.download(); failed == nil {
			_, failed = t.aptKey(t.data, "Unable to add a key from binary data", "add", "-")
		}
	case t.data != "":
		_, failed = t.aptKey(t.data, "Unable to add a key from binary data", "add", "-")
	default:
		failed = t.fail("No key to add: give one of data, file, keyserver, url")
	}
	return failed
}

// receive fetches the key from a server of keys, which often take a second try.
func (t *task) receive(server string) *module.Result {
	words := []string{"adv", "--no-tty", "--keyserver", server}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		i := slices.IndexFunc(t.env.Environ, func(e string) bool { return strings.HasPrefix(e, name+"=") && e != name+"=" })
		if i >= 0 {
			words = append(words, "--keyserver-options", "http-proxy="+strings.TrimPrefix(t.env.Environ[i], name+"="))
			break
		}
	}
	locale := value.NewMap(3) // what tool sets
	for _, name := range []string{"LANG", "LC_ALL", "LC_MESSAGES"} {
		locale.Set(name, "C.UTF-8")
	}
	var failed *module.Result
	for range 5 {
		var out tool.Output
		out, failed = t.aptKey("", fmt.Sprintf("Error fetching key %s from keyserver: %s", t.key.full, server), append(words, "--recv", t.key.full)...)
		if failed == nil || t.ctx.Err() != nil {
			break
		}
		if out.RC == 2 && strings.Contains(out.Stdout, "not found on keyserver") {
			failed = module.Fail("Key %s not found on keyserver %s", t.key.full, server).Set("cmd", failed.Get("cmd"))
		}
		failed.Set("forced_environment", locale)
	}
	return failed
}

// keyID is a key's id in the three lengths that are in use.
type keyID struct{ short, print, full string }

func parseID(id string) (keyID, error) {
	id = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(id)), "0X")
	if strings.Trim(id, "0123456789ABCDEF") != "" || len(id) != 8 && len(id) < 16 {
		return keyID{}, errors.New("key_id must be 8, 16, or 16+ hexadecimal characters in length")
	}
	return keyID{id[len(id)-8:], id[max(0, len(id)-16):], id}, nil
}

// parseKeys reads the ids from what gpg lists, for people or with colons.
func parseKeys(text string) []string {
	keys := []string{}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "pub") && !strings.HasPrefix(line, "sub") || strings.Contains(line, "expired") {
			continue
		}
		if words := strings.Fields(line); len(words) > 1 && strings.Count(words[1], "/") == 1 {
			_, key, _ := strings.Cut(words[1], "/")
			keys = append(keys, key)
		} else if f := strings.Split(line, ":"); len(f) > 4 {
			keys = append(keys, f[4])
		}
	}
	return keys
}
