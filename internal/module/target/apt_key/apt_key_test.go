package aptkey

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// aptKey keeps its keys, one a line, in a file of the case's directory.
const aptKey = `#!/bin/sh
keys=$KEYS/keys
while :; do case $1 in --keyring) keys=$2; shift 2;; *) break;; esac; done
case $1 in
adv) case "$*" in
	*--list-public-keys*) for k in $(cat $keys 2>/dev/null); do echo "pub   rsa4096/$k 2020-01-01 [SC]"; done;;
	*--recv*) echo gpg: not found on keyserver; exit 2;;
	esac;;
add) cat ${2#-} >>$keys;;
del) sed -i "/$2\$/d" $keys;;
esac
`

const gpg = `#!/bin/sh
for f; do :; done
test $f != - || f=
for k in $(cat $f); do echo "pub:-:4096:1:$k:1577836800:::-:::scESC:"; done
`

func TestContract(t *testing.T) {
	bin := t.TempDir()
	for name, text := range map[string]string{"apt-key": aptKey, "gpg": gpg} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	with := func(t *testing.T, dir string) {
		t.Setenv("KEYS", dir)
		mt.Write(t, dir, "keys", "0123456789ABCDEF\n")
		mt.Write(t, dir, "new", "00000000DEADBEEF\n")
	}
	holds := func(name string, want any) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, _ string, r *module.Result) {
			t.Helper()
			if got := r.Get(name); got != want || !r.Fields.Has(name) {
				t.Errorf("%s is %v", name, got)
			}
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "there", Setup: with, Args: `{"id": "0x0123456789abcdef", "file": "$DIR/new"}`},
		{Name: "there, in short", Setup: with, Args: `{"id": "89ABCDEF", "file": "$DIR/new"}`},
		{Name: "file", Setup: with, Args: `{"file": "$DIR/new"}`, Changed: true},
		{Name: "data", Setup: with, Args: `{"data": "00000000DEADBEEF"}`, Changed: true},
		{Name: "keyring", Setup: with, Args: `{"data": "00000000DEADBEEF", "keyring": "$DIR/other"}`, Changed: true},
		{Name: "absent", Setup: with, Args: `{"id": "0123456789ABCDEF", "state": "absent"}`, Changed: true},
		{Name: "absent already", Setup: with, Args: `{"id": "00000000DEADBEEF", "state": "absent"}`},
		{Name: "another key", Setup: with, Args: `{"id": "1111111122222222", "file": "$DIR/new"}`, Fails: "apt-key did not return an error, but failed to add the key"},
		{Name: "no server has it", Setup: with, Args: `{"id": "1111111122222222", "keyserver": "k"}`, Fails: "Key 1111111122222222 not found on keyserver k"},
		{Name: "no id", Setup: with, Args: `{"keyserver": "k"}`, Fails: "Missing key_id, required with keyserver."},
		{Name: "nonsense", Setup: with, Args: `{"id": "xyz", "file": "$DIR/new"}`, Fails: "Invalid key_id", Verify: holds("id", "xyz")},
		{Name: "nothing", Setup: with, Args: `{}`, Fails: "Invalid key_id", Verify: holds("id", nil)},
		{Name: "apt-key fails", Setup: with, Args: `{"id": "1111111122222222", "file": "$DIR/none"}`, Fails: "Unable to add a key from file ", Blind: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				holds("cmd", bin+"/apt-key add "+dir+"/none")(t, dir, r)
				if r.Fields.Has("before") {
					t.Errorf("%v", r.ToMap())
				}
			}},
	})
}

func TestParseKeys(t *testing.T) {
	got := parseKeys("pub   rsa4096/AAAA 2020\nuid x\nsub   rsa4096/BBBB 2020 [expired: 2021]\npub:-:4096:1:CCCC:15:::\n")
	if want := []string{"AAAA", "CCCC"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
