// Command gen writes the reference pages that are made from the program.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tutti-run/tutti/internal/cli"
)

func main() {
	if err := write(cli.References()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(pages map[string]string) error {
	if err := os.RemoveAll("modules"); err != nil { // pages of modules that are no more
		return err
	}
	for name, text := range pages {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
