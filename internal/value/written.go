package value

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"unsafe"
	"weak"
)

// Written remembers which strings a document of the user's holds, without a
// word more for each of them than four bytes: it lays the texts out in blocks of
// its own, each behind its length, so that a string can be told by where it
// lies. The zero value is ready; it belongs to one goroutine.
//
// The filter type_debug asks, which calls text of a document AnsibleUnicode, and
// the module debug, which evaluates only what the user has written.
type Written struct {
	rest []byte
}

const (
	blockSize = 8 << 10
	unsafeBit = 1 << 31
)

// blocks are all that some text still lies in. A weak pointer is nil before its
// memory is used again, so no other text is ever taken for one of a document.
var blocks struct {
	mu     sync.Mutex
	all    []block
	sorted int // so many of them are in order of their place
	full   int // how many there may be before those that are gone are left out
}

type block struct {
	start weak.Pointer[byte]
	place uintptr // while it is there
	size  int
}

// bytes are the block's; nil if it is gone.
func (b block) bytes() []byte {
	if p := b.start.Value(); p != nil {
		return unsafe.Slice(p, b.size)
	}
	return nil
}

// Keep returns s as text of this document.
func (w *Written) Keep(s string) string { return w.keep(s, 0) }

// KeepUnsafe returns s as text of this document that is marked !unsafe.
func (w *Written) KeepUnsafe(s string) string { return w.keep(s, unsafeBit) }

func (w *Written) keep(s string, mark uint32) string {
	// One byte more than the text, so that an empty one lies inside the block too.
	need := 4 + len(s) + 1
	if need > len(w.rest) {
		w.rest = newBlock(max(need, blockSize))
	}
	b := w.rest[:need:need]
	w.rest = w.rest[need:]
	binary.LittleEndian.PutUint32(b, uint32(len(s))|mark)
	copy(b[4:], s)
	return unsafe.String(&b[4], len(s))
}

// Unsafe returns v with every text in it as UnsafeText.
func Unsafe(v any) any {
	var w Written
	return w.unsafe(v)
}

func (w *Written) unsafe(v any) any {
	switch v := v.(type) {
	case string:
		return w.KeepUnsafe(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = w.unsafe(e)
		}
		return out
	case *Map:
		out := NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(k, w.unsafe(e))
		}
		return out
	}
	return v
}

// UnsafeText returns s as text of nobody's document that is unsafe all the same.
func UnsafeText(s string) string {
	w := Written{rest: newBlock(4 + len(s) + 1)}
	return w.KeepUnsafe(s)
}

func newBlock(size int) []byte {
	b := make([]byte, size)
	blocks.mu.Lock()
	defer blocks.mu.Unlock()
	if len(blocks.all) >= blocks.full {
		arrange()
		blocks.full = max(64, 2*len(blocks.all))
	}
	blocks.all = append(blocks.all, block{weak.Make(&b[0]), uintptr(unsafe.Pointer(&b[0])), size})
	return b
}

// arrange leaves out the blocks that are gone, and puts the others in order.
func arrange() {
	blocks.all = slices.DeleteFunc(blocks.all, func(b block) bool { return b.bytes() == nil })
	slices.SortFunc(blocks.all, func(a, b block) int { return cmp.Compare(a.place, b.place) })
	blocks.sorted = len(blocks.all)
}

// WrittenType is the name that Ansible has for the class of s: AnsibleUnicode for
// text of a document, AnsibleUnsafeText where that was marked !unsafe, else str.
func WrittenType(s string) string {
	p := unsafe.StringData(s)
	if p == nil {
		return "str"
	}
	at := uintptr(unsafe.Pointer(p))
	blocks.mu.Lock()
	defer blocks.mu.Unlock()
	if blocks.sorted < len(blocks.all) {
		arrange()
	}
	i, found := slices.BinarySearchFunc(blocks.all, at, func(b block, at uintptr) int { return cmp.Compare(b.place, at) })
	if found || i == 0 { // there is a length before each text
		return "str"
	}
	b := blocks.all[i-1]
	if b.bytes() == nil || at < b.place+4 || at >= b.place+uintptr(b.size) {
		return "str"
	}
	switch head := binary.LittleEndian.Uint32(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(p), -4)), 4)); head {
	case uint32(len(s)):
		return "AnsibleUnicode"
	case uint32(len(s)) | unsafeBit:
		return "AnsibleUnsafeText"
	}
	return "str"
}

// EveryText reports whether the WrittenType of every text in v is one that is
// wanted. That of what may only become text is "".
func EveryText(v any, wanted func(class string) bool) bool {
	switch v := v.(type) {
	case string:
		return wanted(WrittenType(v))
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !EveryText(e, wanted) })
	case *Map:
		for _, e := range v.All() {
			if !EveryText(e, wanted) {
				return false
			}
		}
		return true
	case nil, bool, int, float64, *Template:
		return true
	}
	return wanted("")
}

// Anew returns s as a string that is no longer the one it was made from, which
// is what an operation of Python gives even where it changes nothing.
func Anew(s, from string) string {
	if unsafe.StringData(s) == unsafe.StringData(from) {
		return strings.Clone(s)
	}
	return s
}
