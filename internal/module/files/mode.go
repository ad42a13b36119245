package files

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// FormatMode writes permission bits as results show them: 0644, 01777.
func FormatMode(bits uint32) string { return fmt.Sprintf("0%03o", bits) }

// Bits are the permission bits of a file as the system counts them.
func Bits(fi os.FileInfo) uint32 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Mode & 07777
	}
	return uint32(fi.Mode().Perm())
}

var umask = sync.OnceValue(func() uint32 {
	// Reading the kernel's note avoids setting the umask, which other
	// goroutines would see for a moment.
	if data, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(data)) {
			if text, ok := strings.CutPrefix(line, "Umask:"); ok {
				if n, err := strconv.ParseUint(strings.TrimSpace(text), 8, 32); err == nil {
					return uint32(n)
				}
			}
		}
	}
	m := syscall.Umask(022)
	syscall.Umask(m)
	return uint32(m)
})

// Umask is the process's file mode creation mask.
func Umask() uint32 { return umask() }

func badMode(clause string) error {
	return &AttrError{Msg: "mode must be in octal or symbolic form", Details: "bad symbolic permission for mode: " + clause}
}

func bigMode(bits any) error {
	return &AttrError{Msg: "Invalid mode supplied, only permission info is allowed", Details: fmt.Sprint(bits)}
}

// ParseMode reads a mode argument: an integer is taken as the bits, text as
// octal digits or as changes in chmod's notation to the current bits.
func ParseMode(mode any, current uint32, isDir bool) (uint32, error) {
	var bits uint32
	switch m := mode.(type) {
	case int:
		if m < 0 || m > 07777 {
			return 0, bigMode(m)
		}
		return uint32(m), nil
	case string:
		text := strings.TrimSpace(m)
		text = strings.TrimPrefix(strings.TrimPrefix(text, "0o"), "0O")
		n, err := strconv.ParseUint(text, 8, 32)
		if err != nil {
			return symbolicMode(m, current, isDir)
		}
		bits = uint32(n)
	default:
		return 0, badMode(fmt.Sprint(mode))
	}
	if bits > 07777 {
		return 0, bigMode(bits)
	}
	return bits, nil
}

// shifts of the permission triple of user, group and others.
var shifts = map[byte]uint{'u': 6, 'g': 3, 'o': 0}

func symbolicMode(text string, current uint32, isDir bool) (uint32, error) {
	bits := current
	for clause := range strings.SplitSeq(text, ",") {
		i := strings.IndexAny(clause, "+-=")
		if i < 0 {
			return 0, badMode(clause)
		}
		who, rest := clause[:i], clause[i:]
		masked := who == ""
		if who == "" || who == "a" {
			who = "ugo"
		}
		if strings.Trim(who, "ugo") != "" {
			return 0, badMode(clause)
		}
		for rest != "" {
			op := rest[0]
			end := strings.IndexAny(rest[1:], "+-=") + 1
			if end == 0 {
				end = len(rest)
			}
			perms := rest[1:end]
			rest = rest[end:]
			if strings.Trim(perms, "rwxXstugo") != "" {
				return 0, badMode(clause)
			}
			for j := range len(who) {
				set := symbolicBits(who[j], perms, current, isDir, masked)
				switch op {
				case '+':
					bits |= set
				case '-':
					bits &^= set
				default:
					special := map[byte]uint32{'u': 04000, 'g': 02000, 'o': 01000}[who[j]]
					bits = bits&^(7<<shifts[who[j]]|special) | set
				}
			}
		}
	}
	return bits, nil
}

// symbolicBits are the bits that perms mean for one of u, g, o.
func symbolicBits(who byte, perms string, current uint32, isDir, masked bool) uint32 {
	shift := shifts[who]
	var bits uint32
	for i := range len(perms) {
		var triple uint32
		switch c := perms[i]; c {
		case 'r':
			triple = 4
		case 'w':
			triple = 2
		case 'x':
			triple = 1
		case 'X':
			if isDir || current&0111 != 0 {
				bits |= 1 << shift
			}
			continue
		case 's':
			bits |= map[byte]uint32{'u': 04000, 'g': 02000}[who]
			continue
		case 't':
			if who == 'o' {
				bits |= 01000
			}
			continue
		default: // copy another's bits
			bits |= current >> shifts[c] & 7 << shift
			continue
		}
		triple <<= shift
		if masked {
			triple &^= Umask()
		}
		bits |= triple
	}
	return bits
}
