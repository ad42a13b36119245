package e2e_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the expected output of the mistakes anew")

// TestMistakes makes one mistake of each kind that people make, each in a file
// of its own below testdata/mistakes, and compares all that is shown with what
// stands there. The first line of a file may give other arguments than
// "play site.yml".
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d kinds of mistakes, %v; there were 60", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			args := []string{"play", "site.yml"}
			if text := strings.TrimSpace(string(a.Comment)); text != "" {
				args = strings.Fields(text)
			}
			got := mistake(t, a, args)
			for i := range a.Files {
				if a.Files[i].Name != "want" {
					continue
				}
				if want := string(a.Files[i].Data); got != want && !*update {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				a.Files[i].Data = []byte(got)
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var byteEscape = regexp.MustCompile(`<([0-9a-f]{2})>`)

// mistake runs the program on an archive's files and gives what it shows. In the
// files <ff> stands for that byte and → for a tab.
func mistake(t *testing.T, a *txtar.Archive, args []string) string {
	dir := t.TempDir()
	for _, f := range a.Files {
		if f.Name == "want" {
			continue
		}
		p := filepath.Join(dir, f.Name)
		data := byteEscape.ReplaceAllFunc(f.Data, func(m []byte) []byte {
			n, _ := strconv.ParseUint(string(m[1:3]), 16, 8)
			return []byte{byte(n)}
		})
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, bytes.ReplaceAll(data, []byte("→"), []byte("\t")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("tutti", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "ANSIBLE_LOCALHOST_WARNING=0", "ANSIBLE_NOCOLOR=1", "ANSIBLE_CALLBACK_RESULT_FORMAT=yaml", "TUTTI_LOCK_DIR="+dir+"/locks")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(readable(out.Bytes()), dir, "$DIR")
	return "exit " + strconv.Itoa(cmd.ProcessState.ExitCode()) + "\n" + strings.TrimRight(text, "\n") + "\n"
}

// readable writes bytes that are no text as mistake's files have them.
func readable(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 || r < ' ' && r != '\n' && r != '\t' {
			fmt.Fprintf(&out, "<%02x>", b[0])
		} else {
			out.WriteRune(r)
		}
		b = b[n:]
	}
	return out.String()
}
