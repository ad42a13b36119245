package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAssembly(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"1-end": "one\n", "2-no-end": "two", "3-empty": "", "4": "four", ".hidden": "h\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "5-dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		a    Assembly
		want string
	}{
		{"plain", Assembly{}, "h\none\ntwo\n\nfour"},
		{"hidden", Assembly{IgnoreHidden: true}, "one\ntwo\n\nfour"},
		{"wanted", Assembly{Wanted: func(n string) bool { return n < "2" && n[0] != '.' }}, "one\n"},
		{"delimiter", Assembly{IgnoreHidden: true, Delimiter: "--"}, "one\n--\ntwo\n--\n\n--\nfour"},
		{"delimiter with newlines", Assembly{IgnoreHidden: true, Delimiter: `\n--\n`}, "one\n\n--\ntwo\n\n--\n\n\n--\nfour"},
		{"delimiter with escapes", Assembly{Wanted: func(n string) bool { return n == "1-end" || n == "4" }, Delimiter: `a\tb\\c\x41\101\u0041\q\xg`}, "one\na\tb\\cAA\\u0041\\q\\xg\nfour"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if err := c.a.Write(&b, dir); err != nil || b.String() != c.want {
				t.Errorf("%q, %v; want %q", b.String(), err, c.want)
			}
			r := c.a.Reader(dir)
			defer r.Close()
			sums, head, err := SumsOf(r)
			if err != nil || string(head) != c.want {
				t.Errorf("read: %q, %v; want %q", head, err, c.want)
			}
			want, _, _ := SumsOf(strings.NewReader(c.want))
			if sums != want {
				t.Error("other checksums than of the whole")
			}
		})
	}
	r := Assembly{}.Reader(filepath.Join(dir, "none"))
	defer r.Close()
	if _, _, err := SumsOf(r); !os.IsNotExist(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestSumsOfLong(t *testing.T) {
	long := strings.Repeat("x", 3*maxDiff)
	sums, head, err := SumsOf(strings.NewReader(long))
	if err != nil || len(head) != maxDiff+1 {
		t.Errorf("%d bytes of the content, %v", len(head), err)
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	if sha, err := SHA1OfFile(path); err != nil || sha != sums.SHA1 {
		t.Errorf("SHA-1 %s, %v; want %s", sums.SHA1, err, sha)
	}
}
