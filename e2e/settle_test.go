//go:build lab

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// settle fails the test if compare finds differences twice in a row, each time
// on fresh hosts: some of what the programs are compared by is chance on either
// side, such as which of two processes rsync hears of first. What is found once
// only is no failure, but it is told: it goes to the test's log and to the file
// that TUTTI_TEST_CHANCE names.
func settle(t *testing.T, compare func() []string) {
	t.Helper()
	once := compare()
	if len(once) == 0 {
		return
	}
	if again := compare(); len(again) > 0 {
		t.Errorf("%s\n\nand the first time:\n%s", strings.Join(again, "\n"), strings.Join(once, "\n"))
		return
	}
	text := fmt.Sprintf("%s: different the first time, equal the second:\n%s\n", t.Name(), strings.Join(once, "\n"))
	t.Log(text)
	if name := os.Getenv("TUTTI_TEST_CHANCE"); name != "" {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Error(err)
		}
	}
}
