// Command tutti runs Ansible playbooks with everything that can run together
// running together, and nothing that can't.
package main

import (
	"os"

	"github.com/tutti-run/tutti/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
