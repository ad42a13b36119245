package module

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

var identifier = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// keywords are the words of Python that no variable can be called by.
var keywords = strings.Fields("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield")

// CheckVarName says what is wrong with the name of a variable, if anything.
func CheckVarName(name string) error {
	if identifier.MatchString(name) && !slices.Contains(keywords, name) {
		return nil
	}
	return fmt.Errorf("The variable name '%s' is not valid. Variables must start with a letter or underscore character, "+
		"and contain only letters, numbers and underscores.", name)
}
