package localegen

import (
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

const list = "# locales\n# de_DE.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\n# de_DE.UTF-8@x UTF-8\n"

func TestSpec(t *testing.T) { mt.Run(t, &Module, nil) }

func TestEdit(t *testing.T) {
	for _, c := range []struct {
		name    string
		present bool
		want    string
	}{
		{"de_DE.UTF-8", true, "# locales\nde_DE.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\n# de_DE.UTF-8@x UTF-8\n"},
		{"en_GB.UTF-8", false, "# locales\n# de_DE.UTF-8 UTF-8\n# en_GB.UTF-8 UTF-8\n# de_DE.UTF-8@x UTF-8\n"},
		{"de_DE.UTF-8@x", true, "# locales\n# de_DE.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\nde_DE.UTF-8@x UTF-8\n"},
	} {
		if got := edit(list, c.name, c.present); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestLists(t *testing.T) {
	if !offered(list, "de_DE.UTF-8") || offered(list, "fr_FR.UTF-8") || offered(list, "locales") {
		t.Error("offered")
	}
	if !listed("C\nde_DE.utf8\n", "de_DE.UTF-8") || listed("C\n", "de_DE.UTF-8") {
		t.Error("listed")
	}
}
