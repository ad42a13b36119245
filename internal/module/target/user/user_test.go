package user

import (
	"os"
	"os/user"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/accounts"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

const name = "tutti-test-user"

func call(t *testing.T, args *value.Map) *module.Result {
	t.Helper()
	r := mt.Call(t, &Module, args, mt.Options{})
	if r.Failed {
		t.Fatalf("%s", r.Msg)
	}
	return r
}

// none and some begin a case without the account and with one.
func none(t *testing.T, _ string) {
	t.Helper()
	call(t, value.MapOf("name", name, "state", "absent", "remove", true))
}

func some(t *testing.T, dir string) {
	t.Helper()
	none(t, dir)
	call(t, value.MapOf("name", name, "uid", 54321, "shell", "/bin/sh", "groups", []any{"games"}, "password", "!"))
}

// fields checks what is in the result and in the account.
func fields(want ...any) func(*testing.T, string, *module.Result) {
	return func(t *testing.T, _ string, r *module.Result) {
		t.Helper()
		for i := 0; i < len(want); i += 2 {
			if got := r.Get(want[i].(string)); got != want[i+1] {
				t.Errorf("%s is %v, want %v", want[i], got, want[i+1])
			}
		}
	}
}

func groups(want string) func(*testing.T, string, *module.Result) {
	return func(t *testing.T, _ string, _ *module.Result) {
		t.Helper()
		data, err := os.ReadFile("/etc/group")
		if err != nil {
			t.Fatal(err)
		}
		var in []string
		for line := range strings.Lines(string(data)) {
			if f := strings.Split(strings.TrimSpace(line), ":"); strings.Contains(","+f[3]+",", ","+name+",") {
				in = append(in, f[0])
			}
		}
		if got := strings.Join(in, ","); got != want {
			t.Errorf("the user is in %s, want %s", got, want)
		}
	}
}

func shadow(t *testing.T) *accounts.Shadow {
	t.Helper()
	s := accounts.Open(t.Context(), mt.Env(t, mt.Options{})).Shadow(name)
	if s == nil {
		t.Fatal("the user has no shadow")
	}
	return s
}

func TestContract(t *testing.T) {
	if !mt.Private(t, "/etc", "/home", "/var/mail") {
		return
	}
	const args = `{"name": "` + name + `"`
	const hash = "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g."
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Setup: none, Args: args + `, "uid": 54321, "comment": "A B", "shell": "/bin/sh", "groups": ["games"]}`, Changed: true,
			Verify: fields("uid", 54321, "comment", "A B", "shell", "/bin/sh", "home", "/home/"+name, "groups", "games", "create_home", true)},
		{Name: "deep home", Setup: none, Args: args + `, "home": "/home/a/b"}`, Changed: true, Verify: func(t *testing.T, _ string, _ *module.Result) {
			u, err := user.Lookup(name)
			if fi, statErr := os.Stat("/home/a/b"); err != nil || statErr != nil || !fi.IsDir() {
				t.Errorf("%v, %v, %v", u, err, statErr)
			}
			os.RemoveAll("/home/a")
		}, Again: true},
		{Name: "there", Setup: some, Args: args + `, "uid": 54321, "shell": "/bin/sh", "groups": ["games"]}`, Verify: fields("uid", 54321, "append", false)},
		{Name: "shell and comment", Setup: some, Args: args + `, "shell": "/bin/bash", "comment": "C"}`, Changed: true, Verify: fields("shell", "/bin/bash", "comment", "C")},
		{Name: "more groups", Setup: some, Args: args + `, "groups": ["audio"], "append": true}`, Changed: true, Verify: groups("audio,games")},
		{Name: "other groups", Setup: some, Args: args + `, "groups": ["audio"]}`, Changed: true, Verify: groups("audio")},
		{Name: "no groups", Setup: some, Args: args + `, "groups": [""]}`, Changed: true, Verify: groups("")},
		{Name: "no such group", Setup: some, Args: args + `, "groups": ["nonsense"]}`, Fails: "Group nonsense does not exist"},
		{Name: "password", Setup: some, Args: args + `, "password": "` + hash + `"}`, Changed: true, Verify: func(t *testing.T, _ string, r *module.Result) {
			if s := shadow(t); s.Password != hash || r.Get("password") != "NOT_LOGGING_PASSWORD" || len(r.Warnings) > 0 {
				t.Errorf("%+v, %s", s, value.Repr(r.ToMap()))
			}
		}},
		{Name: "password only for new users", Setup: some, Args: args + `, "password": "` + hash + `", "update_password": "on_create"}`},
		{Name: "locked", Setup: func(t *testing.T, dir string) {
			none(t, dir)
			call(t, value.MapOf("name", name, "password", hash))
		}, Args: args + `, "password_lock": true}`, Changed: true, Verify: func(t *testing.T, _ string, _ *module.Result) {
			if s := shadow(t); s.Password != "!"+hash {
				t.Errorf("%+v", s)
			}
		}},
		{Name: "expires", Setup: some, Args: args + `, "expires": 1900000000.0, "password_expire_max": 30}`, Changed: true, Verify: func(t *testing.T, _ string, _ *module.Result) {
			if s := shadow(t); s.Expire != 1900000000/86400 || s.Max != 30 {
				t.Errorf("%+v", s)
			}
		}},
		{Name: "absent", Setup: some, Args: args + `, "state": "absent", "remove": true}`, Changed: true, Verify: func(t *testing.T, _ string, _ *module.Result) {
			if _, err := os.Stat("/home/" + name); !os.IsNotExist(err) {
				t.Errorf("the home directory is there: %v", err)
			}
		}},
		{Name: "absent already", Setup: none, Args: args + `, "state": "absent"}`},
	})
}

func TestKey(t *testing.T) {
	if !mt.Private(t, "/etc", "/home", "/var/mail") {
		return
	}
	none(t, "")
	args := value.MapOf("name", name, "generate_ssh_key", true, "ssh_key_type", "ed25519", "ssh_key_passphrase", "two words")
	first := call(t, args)
	public, _ := first.Get("ssh_public_key").(string)
	private, err := os.ReadFile("/home/" + name + "/.ssh/id_ed25519")
	if err != nil || !strings.HasPrefix(public, "ssh-ed25519 ") || !strings.Contains(string(private), "OPENSSH PRIVATE KEY") {
		t.Fatalf("%v, %s", err, value.Repr(first.ToMap()))
	}
	if again := call(t, args); again.Changed || again.Get("ssh_public_key") != public {
		t.Errorf("the second run: %s", value.Repr(again.ToMap()))
	}
	args.Set("force", true)
	if again := call(t, args); !again.Changed || again.Get("ssh_public_key") == public {
		t.Errorf("a new key was asked for: %s", value.Repr(again.ToMap()))
	}
}

func TestHashed(t *testing.T) {
	for p, want := range map[string]bool{
		"*": true, "!": true, "secret": false, "a:b": false, "$1$salt$0123456789012345678901": true, "$1$salt$short": false,
		"$y$j9T$salt$anything": true, "$6$salt$with space": false, "$6": false,
	} {
		if got := hashed(p); got != want {
			t.Errorf("hashed(%q) = %v", p, got)
		}
	}
}
