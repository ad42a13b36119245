package value

import (
	"runtime"
	"strings"
	"testing"
)

func TestWrittenKnowsItsText(t *testing.T) {
	var w Written
	long := strings.Repeat("x", 3*blockSize)
	kept := []string{w.Keep("abc"), w.Keep(long), w.Keep("d"), w.Keep("ä")}
	for _, s := range kept {
		if got := WrittenType(s); got != "AnsibleUnicode" {
			t.Errorf("WrittenType(%.5q) = %s", s, got)
		}
		if got := WrittenType(strings.Clone(s)); got != "str" {
			t.Errorf("of a copy of %.5q: %s", s, got)
		}
		if got := WrittenType(Anew(s, s)); got != "str" {
			t.Errorf("of %.5q anew: %s", s, got)
		}
	}
	for _, part := range []string{kept[0][:2], kept[0][1:], kept[1][5:], "", "abc"} {
		if got := WrittenType(part); got != "str" {
			t.Errorf("WrittenType(%.5q) = %s", part, got)
		}
	}
	if got := WrittenType(w.KeepUnsafe("{{ x }}")); got != "AnsibleUnsafeText" {
		t.Errorf("unsafe text is %s", got)
	}
}

func TestEveryText(t *testing.T) {
	var w Written
	mine, other := w.Keep("mine"), strings.Clone("mine")
	for _, c := range []struct {
		v    any
		want bool
	}{
		{mine, true}, {other, false}, {w.KeepUnsafe("mine"), false},
		{nil, true}, {true, true}, {3, true}, {&Template{Source: "{{ x }}"}, true},
		{[]any{mine, 1}, true}, {[]any{mine, other}, false},
		{MapOf("k", mine), true}, {MapOf("k", []any{other}), false},
		{struct{}{}, false},
	} {
		if got := EveryText(c.v, func(class string) bool { return class == "AnsibleUnicode" }); got != c.want {
			t.Errorf("EveryText(%v) = %v", c.v, got)
		}
	}
}

// A document that nothing is left of takes no memory, and one of which a word is
// left is still known by it.
func TestWrittenForgetsDocuments(t *testing.T) {
	alive := func() (n int) {
		blocks.mu.Lock()
		defer blocks.mu.Unlock()
		for _, b := range blocks.all {
			if b.bytes() != nil {
				n++
			}
		}
		return n
	}
	before := alive()
	var words []string
	for range 10 {
		var w Written
		w.Keep(strings.Repeat("y", blockSize))
		words = append(words, w.Keep("word"))
	}
	if got := alive(); got != before+20 {
		t.Errorf("%d blocks, %d before", got, before)
	}
	runtime.GC()
	if got := alive(); got > before+10 {
		t.Errorf("%d blocks are left, %d before", got, before)
	}
	for _, w := range words {
		if got := WrittenType(w); got != "AnsibleUnicode" {
			t.Errorf("%q is %s", w, got)
		}
	}
	// Texts that take the memory of those that are gone are none of a document.
	words = nil
	for range 1000 {
		other := strings.Clone("word")
		if got := WrittenType(other); got != "str" {
			t.Fatalf("%q is %s", other, got)
		}
		words = append(words, other)
		if len(words)%100 == 0 {
			runtime.GC()
		}
	}
}
