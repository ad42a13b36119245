// Package all lists the modules that run on the target, in the agent.
package all

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/target/command"
	"github.com/tutti-run/tutti/internal/module/target/copy"
	"github.com/tutti-run/tutti/internal/module/target/file"
	"github.com/tutti-run/tutti/internal/module/target/ping"
	"github.com/tutti-run/tutti/internal/module/target/slurp"
	"github.com/tutti-run/tutti/internal/module/target/stat"
)

// Targets returns every target module.
func Targets() []*module.Target {
	return []*module.Target{
		&command.Command,
		&command.Shell,
		&copy.Module,
		&file.Module,
		&ping.Module,
		&slurp.Module,
		&stat.Module,
	}
}
