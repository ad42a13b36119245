package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocale(t *testing.T) {
	const other, unknown = "requires the locale encoding to be UTF-8", "could not initialize the preferred locale"
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "en_US.iso88591"), 0o755), os.WriteFile(filepath.Join(dir, "locale-archive"), []byte("...\x00fr_FR\x00..."), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ all, ctype, lang, want string }{
		{"", "", "", ""},
		{"C", "", "", ""},
		{"POSIX", "", "", ""},
		{"en_US.UTF-8", "ham_sandwich", "", ""},
		{"", "C.utf8", "ham_sandwich", ""},
		{"", "", "de_DE.utf-8@euro", ""},
		{"ham_sandwich", "en_US.UTF-8", "", unknown},
		{"", "ham.ISO-8859-1", "", unknown},
		{"", "", "en_US.ISO-8859-1", other},
		{"", "fr_FR@euro", "", other},
	} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_CTYPE", c.ctype)
		t.Setenv("LANG", c.lang)
		err := checkLocale(dir)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
