// Command tutti-agent is the program that Tutti runs on its targets.
package main

import (
	"os"

	"github.com/tutti-run/tutti/internal/agent"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/target/all"
)

func main() {
	os.Exit(agent.Main([]string{"/proc/self/exe"}, os.Args[1:], module.NewRegistry(all.Targets(), nil)))
}
