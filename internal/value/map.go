package value

import (
	"fmt"
	"iter"
	"math"
	"math/big"
	"strconv"
	"strings"
	"sync/atomic"
)

// Map is Python's dict: it keeps insertion order and takes any hashable key.
// The zero Map is empty and ready to use. A nil *Map may be read.
//
// A Map may be read by many goroutines; writing needs it to be the caller's own.
type Map struct {
	keys  []any
	vals  []any
	index map[any]int // nil while the map is small enough to scan

	// plain remembers that HasTemplates found nothing, so that large facts are
	// walked once and not at each use.
	plain atomic.Bool
}

// smallMap is the size up to which a scan beats a hash.
const smallMap = 8

// NewMap returns an empty map with room for n entries.
func NewMap(n int) *Map {
	if n == 0 {
		return &Map{}
	}
	return &Map{keys: make([]any, 0, n), vals: make([]any, 0, n)}
}

// MapOf builds a map from alternating keys and values.
func MapOf(kv ...any) *Map {
	m := NewMap(len(kv) / 2)
	for i := 0; i+1 < len(kv); i += 2 {
		m.Set(kv[i], kv[i+1])
	}
	return m
}

// hash returns the comparable form of a key, equal for keys that Python holds
// equal (1, 1.0 and True).
func hash(k any) any {
	switch k := k.(type) {
	case string:
		return k
	case int:
		return k
	case bool:
		if k {
			return 1
		}
		return 0
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<53 {
			return int(k)
		}
		return k
	case nil:
		return nil
	case *big.Int:
		return bigKey(k.String())
	case Tuple:
		var b strings.Builder
		for _, e := range k {
			h := hash(e)
			fmt.Fprintf(&b, "%T:%s,", h, strconv.Quote(fmt.Sprint(h)))
		}
		return tupleKey(b.String())
	case *Template:
		return k.Source
	}
	return k
}

type (
	bigKey   string
	tupleKey string
)

func (m *Map) find(k any) int {
	if m == nil {
		return -1
	}
	if m.index != nil {
		if i, ok := m.index[hash(k)]; ok {
			return i
		}
		return -1
	}
	if s, ok := k.(string); ok {
		for i, have := range m.keys {
			if h, ok := have.(string); ok && h == s {
				return i
			}
		}
		return -1
	}
	h := hash(k)
	for i, have := range m.keys {
		if hash(have) == h {
			return i
		}
	}
	return -1
}

// Len returns the number of entries.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.keys)
}

// Get returns the value of k.
func (m *Map) Get(k any) (any, bool) {
	if i := m.find(k); i >= 0 {
		return m.vals[i], true
	}
	return nil, false
}

// At returns the value of k, or nil.
func (m *Map) At(k any) any {
	v, _ := m.Get(k)
	return v
}

// Has reports whether k is a key.
func (m *Map) Has(k any) bool { return m.find(k) >= 0 }

// Set stores v under k; a key that is there already keeps its place.
func (m *Map) Set(k, v any) {
	m.plain.Store(false)
	if i := m.find(k); i >= 0 {
		m.vals[i] = v
		return
	}
	m.keys = append(m.keys, k)
	m.vals = append(m.vals, v)
	switch {
	case m.index != nil:
		m.index[hash(k)] = len(m.keys) - 1
	case len(m.keys) > smallMap:
		m.reindex()
	}
}

func (m *Map) reindex() {
	m.index = make(map[any]int, 2*len(m.keys))
	for i, k := range m.keys {
		m.index[hash(k)] = i
	}
}

// Delete removes k and reports whether it was there.
func (m *Map) Delete(k any) bool {
	i := m.find(k)
	if i < 0 {
		return false
	}
	m.keys = append(m.keys[:i:i], m.keys[i+1:]...)
	m.vals = append(m.vals[:i:i], m.vals[i+1:]...)
	m.index = nil
	if len(m.keys) > smallMap {
		m.reindex()
	}
	return true
}

// All walks the entries in insertion order.
func (m *Map) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		if m == nil {
			return
		}
		for i, k := range m.keys {
			if !yield(k, m.vals[i]) {
				return
			}
		}
	}
}

// Strings walks the entries whose key is a string, in insertion order.
func (m *Map) Strings() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for k, v := range m.All() {
			if s, ok := k.(string); ok && !yield(s, v) {
				return
			}
		}
	}
}

// Keys returns the keys in insertion order, in a slice of the caller's own.
func (m *Map) Keys() []any {
	if m == nil {
		return nil
	}
	return append([]any(nil), m.keys...)
}

// Values returns the values in insertion order, in a slice of the caller's own.
func (m *Map) Values() []any {
	if m == nil {
		return nil
	}
	return append([]any(nil), m.vals...)
}

// Clone returns a shallow copy.
func (m *Map) Clone() *Map {
	if m == nil {
		return NewMap(0)
	}
	c := &Map{keys: append([]any(nil), m.keys...), vals: append([]any(nil), m.vals...)}
	if len(c.keys) > smallMap {
		c.reindex()
	}
	return c
}

// Update copies the entries of o over m.
func (m *Map) Update(o *Map) {
	for k, v := range o.All() {
		m.Set(k, v)
	}
}

// FromGo turns Go's ordinary maps, slices and numbers into values; map keys
// are sorted so that the result is the same every time.
func FromGo(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := NewMap(len(v))
		for _, k := range sortedKeys(v) {
			m.Set(k, FromGo(v[k]))
		}
		return m
	case map[string]string:
		m := NewMap(len(v))
		for _, k := range sortedKeys(v) {
			m.Set(k, v[k])
		}
		return m
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = FromGo(e)
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = e
		}
		return out
	case []map[string]any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = FromGo(e)
		}
		return out
	case int64:
		return int(v)
	case int32:
		return int(v)
	case uint32:
		return int(v)
	case uint64:
		if v > math.MaxInt64 {
			return new(big.Int).SetUint64(v)
		}
		return int(v)
	case float32:
		return float64(v)
	}
	return v
}
