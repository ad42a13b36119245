// Package timezone is the module for the machine's time zone and what its
// hardware clock holds.
package timezone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module sets the time zone.
var Module = below("/")

var spec = module.Spec{
	Name:    "community.general.timezone",
	Summary: "Sets the time zone of the machine.",
	Params: []module.Param{
		{Name: "name", Doc: "The time zone, such as Europe/Berlin."},
		{Name: "hwclock", Choices: []any{"local", "UTC"}, Aliases: []string{"rtc"}, Doc: "What the hardware clock holds."},
	},
	Rules: module.Rules{RequiredOneOf: [][]string{{"hwclock", "name"}}},
	Hints: []parallel.Hint{parallel.Host("timezone")},
	Check: module.Full, Diff: module.Full,
}

// below is the module for the files of a root.
func below(root string) module.Target {
	return module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		t := &task{ctx: ctx, env: env, args: args, root: root}
		r, err := t.run()
		var said *failure
		switch {
		case errors.As(err, &said):
			return said.result
		case err != nil:
			words := []string{"Error message:", err.Error()}
			if len(t.msgs) > 0 {
				words = append(append(words, "Other message(s):"), t.msgs...)
			}
			return module.Fail("%s", strings.Join(words, "\n"))
		}
		return r
	}}
}

// failure is a result that says all there is to say.
type failure struct{ result *module.Result }

func (f *failure) Error() string { return f.result.Msg }

// task is one run of the module.
type task struct {
	ctx     context.Context
	env     *module.Env
	args    module.Args
	root    string
	systemd bool // timedatectl works here
	msgs    []string
}

func (t *task) path(name string) string { return filepath.Join(t.root, name) }

func (t *task) zone(name string) string { return t.path("usr/share/zoneinfo/" + name) }

func (t *task) run() (*module.Result, error) {
	if tool.Find(t.env, "timedatectl") != "" {
		out, err := tool.Run(t.ctx, t.env, "timedatectl")
		if err != nil {
			return nil, err
		}
		t.systemd = out.RC == 0
	}
	if t.args.Has("name") {
		name := t.args.String("name")
		if fi, err := os.Stat(t.zone(name)); err != nil || !fi.Mode().IsRegular() {
			return nil, fmt.Errorf("given timezone \"%s\" is not available", name)
		}
	}
	planned := value.NewMap(2)
	for _, key := range []string{"hwclock", "name"} {
		if t.args.Has(key) {
			planned.Set(key, t.args.String(key))
		}
	}
	before, err := t.state(planned)
	if err != nil {
		return nil, err
	}
	if !t.env.Check {
		for key, want := range planned.Strings() {
			if before.At(key) == want {
				continue
			}
			if err := t.set(key, want.(string)); err != nil {
				return nil, err
			}
		}
		after, err := t.state(planned)
		if err != nil {
			return nil, err
		}
		if value.Repr(after) != value.Repr(planned) {
			return nil, fmt.Errorf("still not desired state, though changes have made - planned: %s, after: %s", value.Repr(planned), value.Repr(after))
		}
	}
	r := module.OK()
	r.Changed = value.Repr(before) != value.Repr(planned)
	r.Diff = value.MapOf("before", before, "after", planned)
	if len(t.msgs) > 0 {
		r.Set("msg", strings.Join(t.msgs, "\n"))
	}
	return r, nil
}

// state is what the machine has of what is planned.
func (t *task) state(planned *value.Map) (*value.Map, error) {
	now := value.NewMap(2)
	for key := range planned.Strings() {
		v, err := t.get(key)
		if err != nil {
			return nil, err
		}
		now.Set(key, v)
	}
	return now, nil
}

var (
	saysLocal = lazyregexp.New(`(?m)^\s*RTC in local TZ\s*:\s*(\S+)`)
	saysZone  = lazyregexp.New(`(?m)^\s*Time ?zone\s*:\s*(\S+)`)
)

func (t *task) get(key string) (string, error) {
	if !t.systemd {
		if key == "hwclock" {
			return t.clock()
		}
		return t.name()
	}
	out, err := tool.Run(t.ctx, t.env, "timedatectl", "status")
	if err != nil {
		return "", err
	}
	re := saysZone
	if key == "hwclock" {
		re = saysLocal
	}
	m := re.FindStringSubmatch(out.Stdout)
	switch {
	case m == nil:
		return "", fmt.Errorf("timedatectl does not say what the %s is", key)
	case key == "name":
		return m[1], nil
	case m[1] == "yes":
		return "local", nil
	}
	return "UTC", nil
}

func (t *task) set(key, want string) error {
	switch {
	case t.systemd && key == "name":
		return t.execute("timedatectl", "set-timezone", want)
	case t.systemd:
		return t.execute("timedatectl", "set-local-rtc", map[string]string{"local": "yes", "UTC": "no"}[want])
	case key == "name":
		return t.setName(want)
	}
	return t.setClock(want)
}

// execute runs a program and tells of it.
func (t *task) execute(argv ...string) error {
	err := t.call(argv...)
	if path := tool.Find(t.env, argv[0]); err == nil && path != "" {
		argv[0] = path
	}
	if err == nil {
		t.msgs = append(t.msgs, "executed `"+strings.Join(argv, " ")+"`")
	}
	return err
}

func (t *task) call(argv ...string) error {
	if _, failed := tool.Checked(t.ctx, t.env, argv...); failed != nil {
		return &failure{failed}
	}
	return nil
}

// setting is a line of a file that holds a value.
type setting struct {
	file string
	find *lazyregexp.Regexp
	line string // with %s for the value
}

var (
	debian  = setting{"etc/timezone", lazyregexp.New(`(?m)^(\S+)`), "%s\n"}
	redhat  = setting{"etc/sysconfig/clock", lazyregexp.New(`(?m)^ZONE\s*=\s*"?([^"\s]+)"?`), "ZONE=\"%s\"\n"}
	suse    = setting{"etc/sysconfig/clock", lazyregexp.New(`(?m)^TIMEZONE\s*=\s*"?([^"\s]+)"?`), "TIMEZONE=\"%s\"\n"}
	utcLine = lazyregexp.New(`(?m)^UTC\s*=\s*(\S+)`)
	adjtime = lazyregexp.New(`(?m)^(UTC|LOCAL)$`)
)

func (t *task) isDebian() bool { return tool.Find(t.env, "dpkg-reconfigure") != "" }

// setting is where this machine keeps its zone's name.
func (t *task) setting() setting {
	switch text, err := os.ReadFile(t.path(redhat.file)); {
	case t.isDebian(), tool.Find(t.env, "setup-timezone") != "":
		return debian
	case err == nil && bytes.Contains(append([]byte("\n"), text...), []byte("\nTIMEZONE")):
		return suse
	}
	return redhat
}

// value reads a setting; "n/a" where there is none.
func (t *task) value(s setting) (string, error) {
	data, err := os.ReadFile(t.path(s.file))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("could not read configuration file %q", s.file)
	}
	if m := s.find.Get().FindSubmatch(data); m != nil {
		return string(m[1]), nil
	}
	return "n/a", nil
}

// name is the zone that is set, both by name and by /etc/localtime.
func (t *task) name() (string, error) {
	want, local := t.args.String("name"), t.path("etc/localtime")
	have, err := t.value(t.setting())
	if err != nil || have != want {
		return have, err
	}
	if to, err := os.Readlink(local); err == nil {
		_, zone, ok := strings.Cut(to, "/zoneinfo/")
		if !ok || !files.Exists(local) {
			return "n/a", nil
		}
		return zone, nil
	}
	a, errA := os.ReadFile(local)
	b, errB := os.ReadFile(t.zone(want))
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		return "n/a", nil
	}
	return have, nil
}

func (t *task) setName(want string) error {
	s := t.setting()
	if err := t.edit("name", s, fmt.Sprintf(s.line, want)); err != nil {
		return err
	}
	local := t.path("etc/localtime")
	switch {
	case t.isDebian():
		// A link beside it that takes its name: there is never no /etc/localtime.
		fresh := local + ".tutti"
		if err := errors.Join(os.Symlink(t.zone(want), fresh), os.Rename(fresh, local)); err != nil {
			return err
		}
		return t.call("dpkg-reconfigure", "--frontend", "noninteractive", "tzdata")
	case tool.Find(t.env, "setup-timezone") != "":
		return t.call("setup-timezone", "-z", want)
	case tool.Find(t.env, "tzdata-update") != "" && !files.IsLink(local):
		return t.call("tzdata-update")
	}
	return t.call("cp", "--remove-destination", t.zone(want), local)
}

// edit puts a line in the place of those that hold the setting.
func (t *task) edit(key string, s setting, line string) error {
	path := t.path(s.file)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var out []string
	at, n := 0, 0
	for l := range strings.Lines(string(data)) {
		if s.find.MatchString(l) {
			if n++; n == 1 {
				at = len(out)
			}
			continue
		}
		out = append(out, l)
	}
	text := strings.Join(out[:at], "") + line + strings.Join(out[at:], "")
	err = os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		_, err = files.Replacement{Path: path}.Write(t.ctx, strings.NewReader(text))
	}
	if err != nil {
		return fmt.Errorf("tried to configure %s using a file \"/%s\", but could not write to it", key, s.file)
	}
	t.msgs = append(t.msgs, fmt.Sprintf("Added 1 line and deleted %d line(s) on %s", n, "/"+s.file))
	return nil
}

// clockFile is where this machine says what its hardware clock holds.
func (t *task) clockFile() string {
	switch {
	case t.isDebian():
		return "etc/default/rcS"
	case tool.Find(t.env, "setup-timezone") != "", tool.Find(t.env, "rc-update") != "":
		return "etc/conf.d/hwclock"
	}
	return "etc/sysconfig/clock"
}

// clock is what the hardware clock holds, both by the settings and by adjtime.
func (t *task) clock() (string, error) {
	v, err := t.value(setting{file: t.clockFile(), find: utcLine})
	if err != nil || v == "n/a" {
		return v, err
	}
	have := "local"
	yes, err := module.Boolean(v)
	switch {
	case err != nil:
		return "", &failure{module.Fail("%s", err)}
	case yes:
		have = "UTC"
	}
	if have != t.args.String("hwclock") {
		return have, nil
	}
	switch v, err := t.value(setting{file: "etc/adjtime", find: adjtime}); {
	case err != nil:
		return "", err
	case v == "LOCAL":
		return "local", nil
	}
	return "UTC", nil
}

func (t *task) setClock(want string) error {
	option, utc := "--utc", "yes"
	if want == "local" {
		option, utc = "--localtime", "no"
	}
	if err := t.edit("hwclock", setting{file: t.clockFile(), find: utcLine}, "UTC="+utc+"\n"); err != nil {
		return err
	}
	return t.execute("hwclock", "--systohc", option)
}
