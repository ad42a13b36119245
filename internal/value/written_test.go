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

func TestWrittenForgetsBlocks(t *testing.T) {
	count := func() int {
		blocks.mu.Lock()
		defer blocks.mu.Unlock()
		return len(blocks.at)
	}
	before := count()
	for range 100 {
		var w Written
		w.Keep(strings.Repeat("y", blockSize))
	}
	// Cleanups run in the background after a collection.
	for range 1000 {
		runtime.GC()
		runtime.Gosched()
		if count() <= before+2 {
			return
		}
	}
	t.Errorf("%d blocks are remembered, %d before", count(), before)
}
