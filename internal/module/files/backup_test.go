package files

import (
	"os"
	"path/filepath"
	"testing"
)

// Backups of one file within a second must not replace one another.
func TestBackups(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	seen := map[string]string{}
	for _, text := range []string{"one", "two", "three"} {
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		name, err := Backup(path)
		if err != nil || seen[name] != "" {
			t.Fatalf("%q, which is that of %q: %v", name, seen[name], err)
		}
		seen[name] = text
	}
	for name, text := range seen {
		if data, err := os.ReadFile(name); err != nil || string(data) != text {
			t.Errorf("%s: %q, not %q: %v", name, data, text, err)
		}
	}
	if name, err := Backup(filepath.Join(t.TempDir(), "none")); name != "" || err != nil {
		t.Errorf("of nothing: %q, %v", name, err)
	}
}
