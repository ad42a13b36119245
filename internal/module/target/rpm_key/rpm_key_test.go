package rpmkey

import (
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// A key is a file with its id; rpm keeps those that it has in the case's directory.
func TestContract(t *testing.T) {
	mt.Bin(t, map[string]string{
		"rpm": `case $1 in
-q) test -s $KEYS/db || exit 1; cat $KEYS/db;;
--import) cat $2 >>$KEYS/db;;
--erase) id=$(echo ${3#gpg-pubkey-} | tr a-f A-F); sed -i "/$id/d" $KEYS/db;;
esac`,
		"gpg": `for f; do :; done
test $f != - || f=
for k in $(cat $f); do echo "pub:-:4096:1:$k:15::::"; echo "fpr:::::::::FFFF$k:"; done`,
	})
	with := func(t *testing.T, dir string) {
		t.Setenv("KEYS", dir)
		mt.Write(t, dir, "db", "0123456789ABCDEF\n")
		mt.Write(t, dir, "new", "00000000DEADBEEF\n")
		mt.Write(t, dir, "old", "0123456789ABCDEF\n")
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "file", Setup: with, Args: `{"key": "$DIR/new"}`, Changed: true},
		{Name: "there", Setup: with, Args: `{"key": "$DIR/old"}`},
		{Name: "there by id", Setup: with, Args: `{"key": "0x89abcdef"}`},
		{Name: "absent", Setup: with, Args: `{"key": "89ABCDEF", "state": "absent"}`, Changed: true},
		{Name: "absent already", Setup: with, Args: `{"key": "DEADBEEF", "state": "absent"}`},
		{Name: "fingerprint", Setup: with, Args: `{"key": "$DIR/new", "fingerprint": "ffff 00000000 DEADBEEF"}`, Changed: true},
		{Name: "other fingerprint", Setup: with, Args: `{"key": "$DIR/new", "fingerprint": "AAAA"}`, Fails: "The specified fingerprint, 'AAAA', does not match the key fingerprint 'FFFF00000000DEADBEEF'"},
		{Name: "id alone", Setup: with, Args: `{"key": "DEADBEEF"}`, Fails: "When importing a key, a valid file must be given"},
		{Name: "nonsense", Setup: with, Args: `{"key": "nowhere"}`, Fails: "Not a valid key nowhere"},
	})
}
