// Package rpmkey is the module for the keys that rpm trusts.
package rpmkey

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module adds and removes keys.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.rpm_key",
		Summary: "Adds and removes keys that rpm trusts.",
		Params: []module.Param{
			{Name: "key", Required: true, Doc: "The key: its address, a file on the target, or its id."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether it shall be there."},
			{Name: "fingerprint", Doc: "Fingerprint that the key must have."},
			{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "Check the server's certificate."},
		},
		HintDoc: "HostExclusive(rpm); FullyParallel in check mode",
		HintsFor: func(_ module.Args, check bool) []parallel.Hint {
			if check {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("rpm")}
		},
		Check: module.Full, Diff: module.None,
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx  context.Context
	env  *module.Env
	args module.Args
	gpg  string
}

var isID = lazyregexp.New(`(?i)^(0x)?[0-9a-f]{8}`)

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, gpg: tool.Find(env, "gpg", "gpg2")}
	if _, err := tool.Require(env, "rpm"); err != nil {
		return module.Fail("%s", err)
	}
	if t.gpg == "" {
		_, err := tool.Require(env, "gpg2")
		return module.Fail("%s", err)
	}
	key, file := args.String("key"), ""
	switch {
	case strings.Contains(key, "://"):
		var failed *module.Result
		if file, failed = t.fetch(key); failed != nil {
			return failed
		}
	case isID.MatchString(key):
	default:
		if fi, err := os.Stat(key); err != nil || !fi.Mode().IsRegular() {
			return module.Fail("Not a valid key %s", key)
		}
		file = key
	}
	if file != "" {
		var failed *module.Result
		if key, failed = t.field(file, "pub:", 4); failed != nil {
			return failed
		}
	}
	key = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(key)), "0X")
	there, failed := t.imported(key)
	if failed != nil {
		return failed
	}
	present := args.String("state") == "present"
	if there == present {
		return module.OK()
	}
	if failed := t.change(key, file, present); failed != nil {
		return failed
	}
	return &module.Result{Changed: true}
}

func (t *task) change(key, file string, present bool) *module.Result {
	if !present {
		return t.rpm("--erase", "--allmatches", "gpg-pubkey-"+strings.ToLower(key[max(0, len(key)-8):]))
	}
	if file == "" {
		return module.Fail("When importing a key, a valid file must be given")
	}
	if want := strings.ToUpper(strings.ReplaceAll(t.args.String("fingerprint"), " ", "")); want != "" {
		have, failed := t.field(file, "fpr:", 9)
		if failed != nil {
			return failed
		}
		if have != want {
			return module.Fail("The specified fingerprint, '%s', does not match the key fingerprint '%s'", want, have)
		}
	}
	return t.rpm("--import", file)
}

func (t *task) rpm(words ...string) *module.Result {
	if t.env.Check {
		return nil
	}
	out, err := tool.Run(t.ctx, t.env, append([]string{"rpm"}, words...)...)
	switch {
	case err != nil:
		return module.Fail("%s", err)
	case out.RC != 0:
		return module.Fail("%s", out.Stderr)
	}
	return nil
}

// show is what gpg tells about keys: of a file, or of a text where that is "-".
func (t *task) show(file, text string) (string, *module.Result) {
	out, err := tool.Cmd{Argv: []string{t.gpg, "--no-tty", "--batch", "--with-colons", "--fixed-list-mode", "--with-fingerprint", file}, Stdin: text}.Run(t.ctx, t.env)
	switch {
	case err != nil:
		return "", module.Fail("%s", err)
	case out.RC != 0:
		return "", module.Fail("%s", out.Stderr)
	}
	return out.Stdout, nil
}

func (t *task) field(file, kind string, n int) (string, *module.Result) {
	text, failed := t.show(file, "")
	if failed != nil {
		return "", failed
	}
	for line := range strings.Lines(text) {
		if f := strings.Split(strings.TrimSpace(line), ":"); strings.HasPrefix(line, kind) && len(f) > n {
			return f[n], nil
		}
	}
	return "", module.Fail("Unexpected gpg output")
}

// imported tells whether rpm has the key.
func (t *task) imported(key string) (bool, *module.Result) {
	out, err := tool.Run(t.ctx, t.env, "rpm", "-q", "gpg-pubkey", "--qf", "%{description}\n")
	if err != nil {
		return false, module.Fail("%s", err)
	}
	if out.RC != 0 {
		return false, nil // it has none at all
	}
	text, failed := t.show("-", out.Stdout)
	if failed != nil {
		return false, failed
	}
	for line := range strings.Lines(text) {
		if f := strings.Split(line, ":"); len(f) > 4 && f[4] != "" && strings.Contains(f[4], key) {
			return true, nil
		}
	}
	return false, nil
}

var armored = lazyregexp.New(`(?s)-----BEGIN PGP PUBLIC KEY BLOCK-----.*-----END PGP PUBLIC KEY BLOCK-----`)

// fetch downloads a key into a temporary file.
func (t *task) fetch(url string) (string, *module.Result) {
	spec := module.Spec{Name: "ansible.builtin.rpm_key", Params: web.Params()}
	args, err := spec.ParseTarget(value.MapOf("url", url, "validate_certs", t.args.Bool("validate_certs")), t.env.Environ)
	if err != nil {
		return "", module.Fail("%s", err)
	}
	resp := web.Do(t.ctx, t.env, args, url, web.Options{Redirects: "all"})
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	if resp.Status != 200 {
		return "", module.Fail("failed to fetch key at %s , error was: %s", url, resp.Msg)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return "", module.Fail("failed to fetch key at %s , error was: %s", url, err)
	}
	if !armored.Get().Match(data) {
		return "", module.Fail("Not a public key: %s", url)
	}
	dir, err := t.env.TempDir()
	if err != nil {
		return "", module.Fail("%s", err)
	}
	path := filepath.Join(dir, "key")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return "", module.Fail("%s", err)
	}
	return path, nil
}
