package files

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Assembly joins the files of a directory into one content.
type Assembly struct {
	Delimiter    string                       // between fragments, with \n for a newline
	Wanted       func(name string) bool       // nil wants all
	IgnoreHidden bool                         // leave names out that begin with a dot
	Read         func(string) ([]byte, error) // nil is os.ReadFile
}

// Join reads the fragments in alphabetical order. A fragment without a newline
// at its end gets one before the next.
func (a Assembly) Join(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	read := a.Read
	if read == nil {
		read = os.ReadFile
	}
	delimiter := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\\`, `\`).Replace(a.Delimiter)
	if delimiter != "" && !strings.HasSuffix(delimiter, "\n") {
		delimiter += "\n"
	}
	var out bytes.Buffer
	first := true
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		fi, err := os.Stat(path)
		if err != nil || !fi.Mode().IsRegular() || e.Type()&fs.ModeDir != 0 ||
			a.IgnoreHidden && strings.HasPrefix(e.Name(), ".") || a.Wanted != nil && !a.Wanted(e.Name()) {
			continue
		}
		data, err := read(path)
		if err != nil {
			return nil, err
		}
		if n := out.Len(); n > 0 && out.Bytes()[n-1] != '\n' {
			out.WriteByte('\n')
		}
		if !first {
			out.WriteString(delimiter)
		}
		out.Write(data)
		first = false
	}
	return out.Bytes(), nil
}
