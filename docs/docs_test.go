package docs

import (
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/cli"
)

func TestReferenceIsCurrent(t *testing.T) {
	for name, want := range map[string]string{"modules.md": cli.ModulesReference(), "cli.md": cli.CommandsReference(), "hint-table.md": cli.HintsReference()} {
		have, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != want {
			t.Errorf("%s is stale: run go generate ./docs", name)
		}
	}
}
