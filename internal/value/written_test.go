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

// What a block held must never be taken for another text, so none goes away.
func TestWrittenKeepsBlocks(t *testing.T) {
	count := func() int {
		blocks.mu.Lock()
		defer blocks.mu.Unlock()
		return len(blocks.all)
	}
	before := count()
	for range 10 {
		var w Written
		w.Keep(strings.Repeat("y", blockSize))
	}
	runtime.GC()
	if got := count(); got != before+10 {
		t.Errorf("%d blocks, %d before", got, before)
	}
}
