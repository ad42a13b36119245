package docs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/cli"
)

func TestReferenceIsCurrent(t *testing.T) {
	pages := cli.References()
	for name, want := range pages {
		have, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		} else if string(have) != want {
			t.Errorf("%s is stale: run go generate ./docs", name)
		}
	}
	have, err := filepath.Glob("modules/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range have {
		if _, ok := pages[filepath.ToSlash(name)]; !ok {
			t.Errorf("%s is of no module: run go generate ./docs", name)
		}
	}
}
