// Package all lists the modules, and halves of modules, that run on the controller.
package all

import "github.com/tutti-run/tutti/internal/module"

// Controls returns every control module.
func Controls() []*module.Control {
	return []*module.Control{}
}
