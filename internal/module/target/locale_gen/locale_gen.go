// Package localegen is the module for the locales of a Debian machine.
package localegen

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes and removes locales.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.locale_gen",
		Summary: "Makes and removes locales.",
		Params: []module.Param{
			{Name: "name", Required: true, Doc: "The locale, such as de_DE.UTF-8."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether it shall be there."},
		},
		Hints: []parallel.Hint{parallel.Host("locales")},
		Check: module.Full, Diff: module.None,
	},
	Run: run,
}

const (
	settings  = "/etc/locale.gen"
	ubuntu    = "/var/lib/locales/supported.d"
	supported = "/usr/share/i18n/SUPPORTED"
)

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	name, present := args.String("name"), args.String("state") == "present"
	source, isUbuntu := settings, files.Exists(ubuntu)
	switch {
	case isUbuntu:
		source = supported
	case !files.Exists(settings):
		return module.Fail("/etc/locale.gen and /var/lib/locales/supported.d/local are missing. Is the package \"locales\" installed?")
	}
	data, err := os.ReadFile(source)
	if err != nil {
		return module.Fail("%s", err)
	}
	if !offered(string(data), name) {
		return module.Fail("The locale you've entered is not available on your system.")
	}
	out, err := tool.Run(ctx, env, "locale", "-a")
	if err != nil {
		return module.Fail("%s", err)
	}
	r := module.OK()
	r.Changed = listed(out.Stdout, name) != present
	if env.Check {
		return r
	}
	if r.Changed {
		if isUbuntu {
			err = onUbuntu(ctx, env, name, present)
		} else {
			err = onDebian(ctx, env, string(data), name, present)
		}
		var said *notDone
		var number syscall.Errno
		switch {
		case errors.As(err, &said):
			return module.Fail("%s", said).Set("exitValue", said.status)
		case errors.As(err, &number):
			return module.Fail("%s", files.OSError(err, settings)).Set("exitValue", int(number))
		case err != nil:
			return module.Fail("%s", err)
		}
	}
	return r.Set("name", name).Set("msg", "OK")
}

// offered tells whether a list of locales, some of them commented out, has one.
func offered(text, name string) bool {
	for line := range strings.Lines(text) {
		if words := strings.Fields(strings.TrimPrefix(line, "#")); len(words) == 2 && words[0] == name && strings.Contains(name, "_") {
			return true
		}
	}
	return false
}

// alike makes names equal that differ in how they write the encoding.
var alike = strings.NewReplacer(".utf8", ".UTF-8", ".eucjp", ".EUC-JP", ".iso885915", ".ISO-8859-15", ".cp1251", ".CP1251", ".koi8r", ".KOI8-R",
	".armscii8", ".ARMSCII-8", ".euckr", ".EUC-KR", ".gbk", ".GBK", ".gb18030", ".GB18030", ".euctw", ".EUC-TW")

func listed(text, name string) bool {
	for line := range strings.Lines(text) {
		if alike.Replace(strings.TrimSpace(line)) == alike.Replace(name) {
			return true
		}
	}
	return false
}

// notDone is a locale-gen that failed.
type notDone struct {
	status int
	msg    string
}

func (n *notDone) Error() string { return n.msg }

func generate(ctx context.Context, env *module.Env, words ...string) error {
	out, err := tool.Run(ctx, env, append([]string{"locale-gen"}, words...)...)
	if err == nil && out.RC != 0 {
		err = &notDone{out.RC, fmt.Sprintf("[Errno %d] locale.gen failed to execute, it returned %d", out.RC, out.RC)}
	}
	return err
}

// edit puts the locale in, or comments it out.
func edit(text, name string, present bool) string {
	to := "# " + name + " ${1}"
	if present {
		to = name + " ${1}"
	}
	return regexp.MustCompile(`(?m)^#?[ \t]*`+regexp.QuoteMeta(name)+` (.+)`).ReplaceAllString(text, to)
}

func onDebian(ctx context.Context, env *module.Env, text, name string, present bool) error {
	defer files.Lock(settings)()
	if _, err := (files.Replacement{Path: settings}).Write(ctx, strings.NewReader(edit(text, name, present))); err != nil {
		return err
	}
	return generate(ctx, env)
}

// onUbuntu leaves it to locale-gen, which keeps a list of its own.
func onUbuntu(ctx context.Context, env *module.Env, name string, present bool) error {
	if present {
		return generate(ctx, env, name)
	}
	path := ubuntu + "/local"
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var rest strings.Builder
	for line := range strings.Lines(string(data)) {
		if have, _, _ := strings.Cut(line, " "); have != name {
			rest.WriteString(line)
		}
	}
	if _, err := (files.Replacement{Path: path}).Write(ctx, strings.NewReader(rest.String())); err != nil {
		return err
	}
	return generate(ctx, env, "--purge")
}
