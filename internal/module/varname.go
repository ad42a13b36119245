package module

import (
	"fmt"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

var identifier = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// CheckVarName says what is wrong with the name of a variable, if anything.
func CheckVarName(name string) error {
	if identifier.MatchString(name) {
		return nil
	}
	return fmt.Errorf("The variable name '%s' is not valid. Variables must start with a letter or underscore character, "+
		"and contain only letters, numbers and underscores.", name)
}
