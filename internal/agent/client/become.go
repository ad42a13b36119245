package client

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/transport"
)

// Become says how to become another user on a host. It is comparable.
type Become struct {
	Method   string // sudo if empty
	User     string // root if empty
	Password string
	Exe      string // the method's usual program if empty
	Flags    string // the method's usual flags if empty
	SameUser bool   // run the method even for the login user
}

// BecomeError tells that the user could not be changed; the host is well.
type BecomeError struct {
	Host   string
	Become Become // without the password
	Msg    string // as Ansible words it, where it has words for it
}

func (e *BecomeError) Error() string { return e.Msg }

func (b Become) complete() Become {
	if b.Method == "" {
		b.Method = "sudo"
	}
	if b.User == "" {
		b.User = "root"
	}
	return b
}

// pointless reports whether the login user is the one to become, which Ansible
// does not do either unless it is told to.
func (b Become) pointless(cfg transport.Config) bool {
	if _, known := methods(b.complete().Method); !known {
		return false // which is a mistake all the same
	}
	return !b.SameUser && cfg.User != "" && b.complete().User == cfg.User
}

// direct reports whether root's agent can become the user by itself.
func (b Become) direct(cfg transport.Config) bool {
	return cfg.User == "root" && b.User != "" && b.User != cfg.User && b.Exe == "" && b.Flags == "" && (b.Method == "sudo" || b.Method == "su")
}

// method is a program that changes the user.
type method struct {
	exe, flags string
	// words puts the command line together; command is quoted already.
	words func(exe, flags, user, command string) string
	// password adapts the flags for giving the password on standard input and
	// sets the prompt; nil where the program asks the terminal only.
	password func(flags, prompt string) string
	prompt   *lazyregexp.Regexp // of programs whose prompt cannot be set
}

var passwordPrompt = lazyregexp.New(`(?i)(password|passwort|mot de passe|contraseña|пароль|密码|パスワード)[^\n]*[:：]\s*$`)

var noNonInteractive = lazyregexp.New(`(^|\s)(-n|--non-interactive)(\s|$)`)

func dashU(exe, flags, user, command string) string {
	return join(exe, flags, "-u", user, command)
}

// methods are those of Ansible that work without a terminal.
func methods(name string) (method, bool) {
	asGiven := func(flags, _ string) string { return flags }
	m, ok := map[string]method{
		"sudo": {exe: "sudo", flags: "-H -S -n", words: dashU, password: func(flags, prompt string) string {
			return noNonInteractive.ReplaceAllString(flags, " ") + " -p " + quote(prompt)
		}},
		"su": {exe: "su", words: func(exe, flags, user, command string) string {
			return join(exe, flags, user, "-c", quote(command))
		}, password: asGiven, prompt: passwordPrompt},
		"doas": {exe: "doas", words: func(exe, flags, user, command string) string {
			return join(exe, flags, "-n", "-u", user, command)
		}},
		"pbrun": {exe: "pbrun", words: dashU, password: asGiven, prompt: passwordPrompt},
		"dzdo": {exe: "dzdo", flags: "-H -S -n", words: dashU, password: func(flags, prompt string) string {
			return noNonInteractive.ReplaceAllString(flags, " ") + " -p " + quote(prompt)
		}},
		"pfexec": {exe: "pfexec", words: func(exe, flags, _, command string) string { return join(exe, flags, command) }},
		"pmrun":  {exe: "pmrun", words: func(exe, flags, _, command string) string { return join(exe, flags, command) }},
		"ksu": {exe: "ksu", words: func(exe, flags, user, command string) string {
			return join(exe, user, flags, "-e", command)
		}, password: asGiven, prompt: passwordPrompt},
		"sesu": {exe: "sesu", words: func(exe, flags, user, command string) string {
			return join(exe, flags, user, "-c", quote(command))
		}, password: asGiven, prompt: passwordPrompt},
		"machinectl": {exe: "machinectl", words: func(exe, flags, user, command string) string {
			return join(exe, "-q", "shell", flags, user+"@", command)
		}},
	}[strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "community.general.")]
	return m, ok
}

// wrapped is a command line as another user, and how its password is asked for.
type wrapped struct {
	command string
	prompt  *regexp.Regexp // nil if no password can be asked for
}

// Becomes is the command by which the target's user is become, with its flags;
// nothing if none is needed.
func (t *Target) Becomes() string {
	b := t.become
	if b == (Become{}) || b.direct(t.cfg) {
		return ""
	}
	m, ok := methods(b.Method)
	if !ok {
		return b.Method
	}
	exe, flags := b.program(m)
	return strings.TrimSuffix(m.words(exe, flags, quote(b.User), ""), " -c "+quote(""))
}

// program is what runs, with which flags.
func (b Become) program(m method) (exe, flags string) {
	return cmp.Or(b.Exe, m.exe), cmp.Or(b.Flags, m.flags)
}

// wrap puts a script for /bin/sh into a command line that runs it as b says.
func (b Become) wrap(script string) (wrapped, error) {
	command := "/bin/sh -c " + quote(script)
	if b == (Become{}) {
		return wrapped{command: command}, nil
	}
	m, ok := methods(b.Method)
	if !ok {
		return wrapped{}, fmt.Errorf("unknown become_method %q: Tutti knows sudo, su, doas, dzdo, ksu, machinectl, pbrun, pfexec, pmrun and sesu", b.Method)
	}
	exe, flags := b.program(m)
	w := wrapped{}
	if m.prompt != nil {
		w.prompt = m.prompt.Get()
	}
	if b.Password != "" {
		if m.password == nil {
			return wrapped{}, fmt.Errorf("become_method %s asks for passwords on a terminal only, which there is none of: let it work without a password", b.Method)
		}
		prompt := "[" + b.Method + " via tutti, key=" + strings.ToLower(rand.Text()[:20]) + "] password:"
		flags = m.password(flags, prompt)
		if m.prompt == nil {
			w.prompt = regexp.MustCompile(regexp.QuoteMeta(prompt))
		}
	}
	w.command = m.words(exe, flags, quote(b.User), command)
	return w, nil
}

func join(words ...string) string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// quote quotes a word for any shell.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-_", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
