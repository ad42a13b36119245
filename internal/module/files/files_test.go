package files

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

func TestParseTime(t *testing.T) {
	at := func(y, m, d, h, min, s int) time.Time {
		return time.Date(y, time.Month(m), d, h, min, s, 0, time.Local)
	}
	for _, c := range []struct {
		text, format string
		want         time.Time
	}{
		{"202001021112.13", "%Y%m%d%H%M.%S", at(2020, 1, 2, 11, 12, 13)},
		{"202001011200.0", "%Y%m%d%H%M.%S", at(2020, 1, 1, 12, 0, 0)},
		{"2020-1-2", "%F", at(2020, 1, 2, 0, 0, 0)},
		{"Jan 2 2020 3:04 PM", "%b %d %Y %I:%M %p", at(2020, 1, 2, 15, 4, 0)},
		{"02/29/20 12:00:01", "%D %T", at(2020, 2, 29, 12, 0, 1)},
		{"Thursday, January 2 99", "%A, %B %d %y", at(1999, 1, 2, 0, 0, 0)},
		{"2020 032", "%Y %j", at(2020, 2, 1, 0, 0, 0)},
	} {
		if got, err := ParseTime(c.text, c.format, time.Local); err != nil || !got.Equal(c.want) {
			t.Errorf("ParseTime(%q, %q) = %v, %v; want %v", c.text, c.format, got, err, c.want)
		}
	}
	if got, err := ParseTime("2020-01-02T03:04:05+0100", "%Y-%m-%dT%H:%M:%S%z", time.Local); err != nil || got.Unix() != 1577930645 {
		t.Errorf("with a zone: %v %v", got, err)
	}
	for _, c := range [][2]string{{"soon", "%Y"}, {"2020", "%Y%m"}, {"20200230", "%Y%m%d"}, {"2020x", "%Y"}, {"1", "%Q"}, {"25", "%H"}} {
		if got, err := ParseTime(c[0], c[1], time.Local); err == nil {
			t.Errorf("ParseTime(%q, %q) = %v, want an error", c[0], c[1], got)
		}
	}
}

func TestParseMode(t *testing.T) {
	u := Umask()
	for _, c := range []struct {
		mode    any
		current uint32
		dir     bool
		want    uint32
	}{
		{420, 0, false, 0o644}, {"0644", 0, false, 0o644}, {"644", 0, false, 0o644}, {"1777", 0, true, 0o1777}, {"0o600", 0, false, 0o600},
		{"u+rwX,g-w", 0o460, false, 0o640}, {"u=rwX,go=rX", 0o700, false, 0o755}, {"u=rwX,go=rX", 0o600, false, 0o644}, {"a+X", 0o600, true, 0o711},
		{"g=u", 0o740, false, 0o770}, {"u+s,g+s", 0o755, false, 0o6755}, {"o+t", 0o777, true, 0o1777}, {"u=", 0o4755, false, 0o055}, {"+w", 0o400, false, 0o400 | 0o222&^u},
		{"u=rw-x+X", 0o755, false, 0o755}, {"g=o", 0o704, false, 0o744}, {"ug+x,o-r", 0o644, false, 0o750},
	} {
		if got, err := ParseMode(c.mode, c.current, c.dir); err != nil || got != c.want {
			t.Errorf("ParseMode(%v, %04o, %v) = %04o, %v; want %04o", c.mode, c.current, c.dir, got, err, c.want)
		}
	}
	for _, mode := range []any{"", "rw", "u+q", "x+r", "99", "77777", -1, 1.5, "u"} {
		if got, err := ParseMode(mode, 0o644, false); err == nil {
			t.Errorf("ParseMode(%v) = %04o, want an error", mode, got)
		}
	}
}

func TestSplitCommand(t *testing.T) {
	for text, want := range map[string]string{
		"a b":              "a|b",
		` a  'b c' "d\"e"`: `a|b c|d"e`,
		`a\ b c\\`:         `a b|c\`,
		`''`:               "",
		`"a'b"'c"d'`:       `a'bc"d`,
		`"\n"`:             `\n`,
	} {
		words, err := SplitCommand(text)
		if got := strings.Join(words, "|"); err != nil || got != want {
			t.Errorf("SplitCommand(%s) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`'a`, `"a`, `a\`} {
		if words, err := SplitCommand(text); err == nil {
			t.Errorf("SplitCommand(%s) = %q, want an error", text, words)
		}
	}
	for _, text := range []string{"a b", "it's", "", "$x", "plain-1.2/@"} {
		if words, err := SplitCommand(Quote(text)); err != nil || len(words) != 1 || words[0] != text {
			t.Errorf("Quote(%q) = %s", text, Quote(text))
		}
	}
}

func TestReplacementLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	cut := iotest.ErrReader(os.ErrDeadlineExceeded)
	if _, err := (Replacement{Path: path}).Write(t.Context(), cut); err == nil {
		t.Error("a reader that fails was no error")
	}
	data, err := os.ReadFile(path)
	entries, _ := os.ReadDir(dir)
	if err != nil || string(data) != "old" || len(entries) != 1 {
		t.Errorf("the file holds %q, the directory %v", data, entries)
	}
}

// Editors that read, wait and write lose changes unless Lock keeps them apart.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	link := filepath.Join(dir, "l")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("f", link); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 40 {
		name := path
		if i%2 == 0 {
			name = link // the same file by another name
		}
		wg.Go(func() {
			defer Lock(name)()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			if _, err := (Replacement{Path: path}).Write(t.Context(), strings.NewReader(string(data)+"x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if data, _ := os.ReadFile(path); len(data) != 40 {
		t.Errorf("%d of 40 changes are left", len(data))
	}
	if locks.m == nil || len(locks.m) != 0 {
		t.Errorf("locks are left: %v", locks.m)
	}
}

func TestMatchName(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.log", "a.log", true}, {"*.log", "a.logs", false}, {"[!a]*", "b", true}, {"[!a]*", "ab", false}, {"a[", "a[", true}, {`a\b`, `a\b`, true}, {"?", "é", true},
	} {
		if got := MatchName(c.pattern, c.name); got != c.want {
			t.Errorf("MatchName(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestErrno(t *testing.T) {
	for name, want := range map[string]string{
		"/a":        "[Errno 2] No such file or directory: b'/a'",
		"/\u00e9\n": `[Errno 2] No such file or directory: b'/\xc3\xa9\n'`,
		"it's":      `[Errno 2] No such file or directory: b"it's"`,
		"\xff":      `[Errno 2] No such file or directory: b'\xff'`,
	} {
		if got := Errno(os.ErrNotExist, name); got != os.ErrNotExist.Error() {
			t.Errorf("an error that is not the system's: %s", got)
		}
		if got := Errno(syscall.ENOENT, name); got != want {
			t.Errorf("%q is told as %s, want %s", name, got, want)
		}
	}
}
