package text

import (
	"fmt"
	"strings"
	"testing"
)

// What difflib of Python's standard library gives for the same texts.
func TestUnified(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"a\nb\nc\n", "a\nb\nc\n", ""},
		{"", "a\n", "--- f\n+++ t\n@@ -0,0 +1 @@\n+a\n"},
		{"a\n", "", "--- f\n+++ t\n@@ -1 +0,0 @@\n-a\n"},
		{"a", "a\n", "--- f\n+++ t\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		// The longest run counts, not the least number of edits.
		{"x\na\nb\ny\nz\n", "y\nz\nx\nq\n", "--- f\n+++ t\n@@ -1,5 +1,4 @@\n-x\n-a\n-b\n y\n z\n+x\n+q\n"},
		{"a\n\nb\n\nc\n", "b\n\nd\n\nc\n", "--- f\n+++ t\n@@ -1,5 +1,5 @@\n-a\n-\n b\n \n+d\n+\n c\n"},
	} {
		if got := strings.Join(unified(c.before, c.after, "f", "t", 3), ""); got != c.want {
			t.Errorf("%q to %q:\n%s\nwant\n%s", c.before, c.after, got, c.want)
		}
	}
}

// A line that is everywhere in a long file begins no run, but goes along.
func TestUnifiedOfManyLines(t *testing.T) {
	var before, after strings.Builder
	for i := range 150 {
		fmt.Fprintf(&before, "a%d\n\n", i)
		fmt.Fprintf(&after, "b%d\n\n", i)
	}
	after.WriteString("a7\n\n")
	got := unified(before.String(), after.String(), "f", "t", 3)
	kept := 0
	for _, l := range got {
		if l[0] == ' ' {
			kept++
		}
	}
	if kept != 3 { // a7 with the empty lines around it
		t.Errorf("%d lines are said to be the same:\n%s", kept, strings.Join(got, ""))
	}
}
