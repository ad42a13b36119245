package template

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// macAddr is a hardware address of 48 or 64 bits.
type macAddr struct {
	n    uint64
	bits int
}

// parseMAC reads a hardware address in any of the forms that are in use, or as a
// number.
func parseMAC(s string) (macAddr, bool) {
	text := strings.TrimSuffix(s, "\n")
	for _, bits := range [...]int{48, 64} {
		if n, ok := macWords(text, bits); ok {
			return macAddr{n, bits}, true
		}
		v, _ := parseInt(s, 10)
		if n, ok := asBig(v); ok && n.Sign() >= 0 && n.BitLen() <= bits {
			return macAddr{n.Uint64(), bits}, true
		}
	}
	return macAddr{}, false
}

// macWords reads words with one kind of separator between them, or one word.
func macWords(s string, bits int) (uint64, bool) {
	words := []string{s}
	for _, sep := range [...]string{":", "-", "."} {
		if strings.Contains(s, sep) {
			words = strings.Split(s, sep)
			if sep == "." && len(words)*16 != bits {
				return 0, false
			}
			break
		}
	}
	size := bits / 4 / len(words) // letters in a word
	least := 1
	switch {
	case len(words) == 1 && bits == 48:
		least = 11
	case len(words) == 1:
		least = 16
	case len(words) == 2 && bits == 48:
		least = 5
	case len(words)*8 != bits && len(words)*16 != bits:
		return 0, false
	}
	var n uint64
	for _, w := range words {
		v, ok := new(big.Int).SetString(w, 16)
		if !ok || len(w) < least || len(w) > size || strings.ContainsAny(w, "+-_") {
			return 0, false
		}
		n = n<<(size*4) | v.Uint64()
	}
	return n, true
}

// write shows an address as words of so many bits.
func (m macAddr) write(name string, size int, sep, format string) (any, error) {
	if m.bits != 48 {
		return nil, filterErr("%s: an address of %d bits has no such form", name, m.bits)
	}
	var words []string
	for at := m.bits - size; at >= 0; at -= size {
		words = append(words, fmt.Sprintf(format, m.n>>at&(1<<size-1)))
	}
	return strings.Join(words, sep), nil
}

func hwaddrFilter(c *call) (any, error) {
	s, err := c.textArg(0)
	if err != nil {
		return nil, err
	}
	query, err := c.textArg(1)
	if err != nil {
		return nil, err
	}
	m, ok := parseMAC(s)
	if c.a[0] == nil {
		ok = false
	}
	switch {
	case query == "":
		if !ok {
			return nil, nil
		}
		return s, nil
	case query == "bool":
		return orNil(ok, true), nil
	case !ok:
		return nil, filterErr("%s: not a hardware address: %s", c.short(), s)
	}
	switch query {
	case "bare":
		return m.write(c.short(), 48, "", "%012X")
	case "int":
		return value.Int(new(big.Int).SetUint64(m.n)), nil
	case "cisco":
		return m.write(c.short(), 16, ".", "%04x")
	case "eui48", "win":
		return m.write(c.short(), 8, "-", "%02X")
	case "linux":
		return m.write(c.short(), 8, ":", "%02x")
	case "pgsql", "postgresql", "psql":
		return m.write(c.short(), 24, ":", "%06x")
	case "unix":
		return m.write(c.short(), 8, ":", "%x")
	}
	return nil, filterErr("%s: unknown filter type: %s", c.short(), query)
}

// slaacFilter is the address that a host with a hardware address gives itself.
func slaacFilter(c *call) (any, error) {
	n, ok, err := c.oneIP(0)
	if err != nil {
		return nil, err
	}
	s, err := c.textArg(1)
	if err != nil || !ok || n.version() != 6 {
		return false, err
	}
	m, ok := parseMAC(s)
	if !ok || s == "" {
		return false, nil
	}
	id := m.n
	if m.bits == 48 {
		id = m.n>>24<<40 | 0xfffe000000 | m.n&0xffffff
	}
	id ^= 1 << 57 // the bit that says that the address is unique
	sum := new(big.Int).Add(addrInt(n.network()), new(big.Int).SetUint64(id))
	addr, ok := addrOf(sum, 6)
	if !ok {
		return nil, filterErr("%s: %s has no room for %s", c.short(), n, s)
	}
	return addrText(addr), nil
}
