// Package all lists the modules that run on the target, in the agent.
package all

import "github.com/tutti-run/tutti/internal/module"

// Targets returns every target module.
func Targets() []*module.Target {
	return []*module.Target{}
}
