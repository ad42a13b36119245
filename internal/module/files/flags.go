package files

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// inodeFlags are the flags of FS_IOC_GETFLAGS in the order in which lsattr
// prints them, with the words, if any, that results use.
var inodeFlags = []struct {
	letter byte
	bit    int
	word   string
}{
	{'s', 0x1, "zero"}, {'u', 0x2, "undelete"}, {'S', 0x8, "synchronous"}, {'D', 0x10000, "dirsync"},
	{'i', 0x10, "immutable"}, {'a', 0x20, "append"}, {'d', 0x40, "nodump"}, {'A', 0x80, "noatime"},
	{'c', 0x4, "compressed"}, {'E', 0x800, "encrypted"}, {'j', 0x4000, "journalled"}, {'I', 0x1000, "indexed"},
	{'t', 0x8000, "notail"}, {'T', 0x20000, "blockroot"}, {'e', 0x80000, "extents"}, {'C', 0x800000, "nocow"},
	{'x', 0x2000000, ""}, {'F', 0x40000000, ""}, {'N', 0x10000000, "inline"}, {'P', 0x20000000, ""},
	{'V', 0x100000, ""}, {'m', 0x400, ""},
}

// fsIocGetVersion is FS_IOC_GETVERSION, which x/sys does not have.
const fsIocGetVersion = 0x80087601

// settableFlags are those that chattr's = replaces; the rest belong to the
// file system.
const settableFlags = 0x1 | 0x2 | 0x8 | 0x10000 | 0x10 | 0x20 | 0x40 | 0x80 | 0x4 | 0x4000 | 0x8000 | 0x20000 | 0x800000 | 0x2000000 | 0x20000000 | 0x400

func parseFlags(text string) (int, error) {
	bits := 0
letters:
	for i := range len(text) {
		for _, f := range inodeFlags {
			if f.letter == text[i] {
				bits |= f.bit
				continue letters
			}
		}
		return 0, fmt.Errorf("unknown file attribute %q in %q", text[i], text)
	}
	return bits, nil
}

func formatFlags(bits int) string {
	var b strings.Builder
	for _, f := range inodeFlags {
		if bits&f.bit != 0 {
			b.WriteByte(f.letter)
		}
	}
	return b.String()
}

// Flags returns the file's attributes as lsattr's letters and as words; ok is
// false where the file system has none.
func Flags(path string) (letters string, words []string, version int, ok bool) {
	f, err := openForFlags(path)
	if err != nil {
		return "", nil, 0, false
	}
	defer f.Close()
	bits, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil {
		version, err = unix.IoctlGetInt(int(f.Fd()), fsIocGetVersion)
	}
	if err != nil { // an overlay has no versions, and lsattr then tells nothing at all
		return "", nil, 0, false
	}
	bits = int(uint32(bits))
	for _, f := range inodeFlags {
		if bits&f.bit != 0 && f.word != "" {
			words = append(words, f.word)
		}
	}
	return formatFlags(bits), words, version, true
}

// openForFlags opens regular files and directories only: opening a device or a
// pipe may block or do something.
func openForFlags(path string) (*os.File, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() && !fi.IsDir() {
		return nil, unix.ENOTSUP
	}
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
}

func getFlags(path string) (int, error) {
	f, err := openForFlags(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	bits, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	return int(uint32(bits)), err
}

func setFlags(path string, bits int) error {
	f, err := openForFlags(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, bits)
}
