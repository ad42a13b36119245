// Command gen writes the reference pages that are made from the program.
package main

import (
	"fmt"
	"os"

	"github.com/tutti-run/tutti/internal/cli"
)

func main() {
	for name, text := range map[string]string{"modules.md": cli.ModulesReference(), "cli.md": cli.CommandsReference(), "hint-table.md": cli.HintsReference()} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
