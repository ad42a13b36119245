package value

import (
	"encoding/binary"
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

// Written remembers which strings a document of the user's holds, without a
// word more for each of them than four bytes: it lays the texts out in blocks of
// its own, each behind its length, so that a string can be told by where it
// lies. The zero value is ready; it belongs to one goroutine.
//
// Only the filter type_debug asks. It calls text of a document AnsibleUnicode,
// and playbooks compare with that.
type Written struct {
	rest []byte
}

const (
	blockSize = 8 << 10
	unsafeBit = 1 << 31
)

// blocks are those that are alive: where each begins and how long it is.
var blocks struct {
	mu sync.Mutex
	at map[uintptr]uintptr
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

func newBlock(size int) []byte {
	b := make([]byte, size)
	at := uintptr(unsafe.Pointer(&b[0]))
	blocks.mu.Lock()
	defer blocks.mu.Unlock()
	if blocks.at == nil {
		blocks.at = map[uintptr]uintptr{}
	}
	blocks.at[at] = uintptr(size)
	// A string keeps its block alive, so an address that is forgotten here can
	// belong to nothing that was kept.
	runtime.AddCleanup(&b[0], func(at uintptr) {
		blocks.mu.Lock()
		defer blocks.mu.Unlock()
		delete(blocks.at, at)
	}, at)
	return b
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
	for from, size := range blocks.at {
		if at < from+4 || at >= from+size {
			continue
		}
		switch head := binary.LittleEndian.Uint32(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(p), -4)), 4)); head {
		case uint32(len(s)):
			return "AnsibleUnicode"
		case uint32(len(s)) | unsafeBit:
			return "AnsibleUnsafeText"
		}
		break
	}
	return "str"
}

// Anew returns s as a string that is no longer the one it was made from, which
// is what an operation of Python gives even where it changes nothing.
func Anew(s, from string) string {
	if unsafe.StringData(s) == unsafe.StringData(from) {
		return strings.Clone(s)
	}
	return s
}
