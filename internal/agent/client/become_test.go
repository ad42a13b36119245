package client

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/agent/wire"

	"github.com/tutti-run/tutti/internal/transport"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		become Become
		want   string
	}{
		{Become{}, `/bin/sh -c 'echo '\''hi'\'''`},
		{Become{Method: "sudo", User: "root"}, `sudo -H -S -n -u root /bin/sh -c 'echo '\''hi'\'''`},
		{Become{Method: "sudo", User: "a b", Exe: "/opt/sudo", Flags: "-E"}, `/opt/sudo -E -u 'a b' /bin/sh -c 'echo '\''hi'\'''`},
		{Become{Method: "su", User: "root", Flags: "-l"}, `su -l root -c '/bin/sh -c '\''echo '\''\'\'''\''hi'\''\'\'''\'''\'''`},
		{Become{Method: "community.general.doas", User: "root"}, `doas -n -u root /bin/sh -c 'echo '\''hi'\'''`},
	} {
		w, err := c.become.wrap("echo 'hi'")
		if err != nil || w.command != c.want {
			t.Errorf("%+v: %s, %v, want %s", c.become, w.command, err, c.want)
		}
	}
	w, err := Become{Method: "sudo", User: "root", Password: "x"}.wrap("true")
	if err != nil || !strings.HasPrefix(w.command, "sudo -H -S  -p '[sudo via tutti, key=") || strings.Contains(w.command, "-n") || w.prompt == nil {
		t.Errorf("%s, %v", w.command, err)
	}
	if _, err := (Become{Method: "doas", User: "root", Password: "x"}).wrap("true"); err == nil {
		t.Error("doas takes a password")
	}
}

// Each method's program gets the script in one piece, whatever it holds.
func TestWrapQuotesForTheShell(t *testing.T) {
	script := `printf '%s' "a'b\"c\$d"`
	for _, m := range []string{"sudo", "su", "doas", "sesu", "pfexec"} {
		b := Become{Method: m, User: "root", Exe: "fake"}
		w, err := b.wrap(script)
		if err != nil {
			t.Fatal(err)
		}
		// A stand-in that runs its last argument, or what follows /bin/sh.
		fake := `fake() { for last; do :; done; if test "$#" -gt 2 && test "$(eval "echo \${$(($#-1))}")" = -c && test "$(eval "echo \${$(($#-2))}")" = /bin/sh; then /bin/sh -c "$last"; else eval "$last"; fi; }; `
		out, err := exec.Command("/bin/sh", "-c", fake+w.command).CombinedOutput()
		if err != nil || string(out) != `a'b"c$d` {
			t.Errorf("%s: %s gives %q, %v", m, w.command, out, err)
		}
	}
}

func TestPointless(t *testing.T) {
	root := transport.Config{User: "root"}
	for _, c := range []struct {
		cfg    transport.Config
		become Become
		want   bool
	}{
		{root, Become{}, true},
		{root, Become{SameUser: true}, false},
		{root, Become{User: "ops"}, false},
		{transport.Config{User: "ops"}, Become{}, false},
		{transport.Config{}, Become{}, false},
	} {
		if got := c.become.pointless(c.cfg); got != c.want {
			t.Errorf("%+v %+v: %v", c.cfg, c.become, got)
		}
	}
}

func TestBecomes(t *testing.T) {
	root, ops := transport.Config{Host: "h", User: "root"}, transport.Config{Host: "h", User: "ops"}
	for _, c := range []struct {
		cfg    transport.Config
		become *Become
		want   string
	}{
		{ops, nil, ""},
		{ops, &Become{}, "sudo -H -S -n -u root"},
		{ops, &Become{Method: "su", User: "it's"}, `su 'it'\''s'`},
		{root, &Become{User: "ops"}, ""},
		{root, &Become{User: "ops", Flags: "-i"}, "sudo -i -u ops"},
		{root, &Become{}, ""},
		{root, &Become{SameUser: true}, "sudo -H -S -n -u root"},
	} {
		if got := NewPool(Options{}).Target(c.cfg, c.become).Becomes(); got != c.want {
			t.Errorf("%+v %+v: %q, want %q", c.cfg, c.become, got, c.want)
		}
	}
}

// In these scripts an exclamation mark or a newline would trip login shells of
// the csh family.
func TestFindScriptSuitsAnyShell(t *testing.T) {
	list, err := agents.Agents()
	if err != nil {
		t.Fatal(err)
	}
	for _, fresh := range []bool{false, true} {
		script := (&Target{}).findScript(list, fresh)
		if strings.ContainsAny(script, "!\n") {
			t.Errorf("%q", script)
		}
		if out, err := exec.Command("/bin/sh", "-n", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", err, out)
		}
		if strings.Contains(script, wire.Marker) {
			t.Error("an echo of the script would be taken for an answer")
		}
	}
}

func TestTailAnswersOnce(t *testing.T) {
	w, err := Become{Method: "sudo", User: "root", Password: "secret"}.wrap("true")
	if err != nil {
		t.Fatal(err)
	}
	_, prompt, _ := strings.Cut(w.command, "-p '")
	prompt, _, _ = strings.Cut(prompt, "'")
	var typed strings.Builder
	stuck := 0
	tl := &tail{prompt: w.prompt, password: "secret", answer: &typed, stuck: func() { stuck++ }}
	tl.add([]byte("lecture\n" + prompt[:10]))
	tl.add([]byte(prompt[10:]))
	if typed.String() != "secret\n" || stuck != 0 {
		t.Errorf("typed %q, stuck %d", typed.String(), stuck)
	}
	tl.add([]byte("Sorry, try again.\n" + prompt))
	if typed.String() != "secret\n" || stuck != 1 || tl.questions() != 2 {
		t.Errorf("typed %q, stuck %d", typed.String(), stuck)
	}
	tl.add([]byte("the secret is out"))
	if text := tl.text(); strings.Contains(text, "secret") || strings.Contains(text, prompt) {
		t.Errorf("%q", text)
	}
}
