package template

import (
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// Undefined stands for a variable, attribute or element that is not there. It
// may be passed on, tested and replaced by default(); any other use fails with
// its message.
type Undefined struct {
	name string
	msg  string
	// lenient is the value of `x if false`: it prints as nothing.
	lenient bool
}

func (u *Undefined) PythonType() string {
	if u.lenient {
		return "Undefined"
	}
	return "AnsibleUndefined"
}
func (u *Undefined) PythonStr() string { return "" }
func (u *Undefined) PythonRepr() string {
	if u.lenient {
		return "Undefined"
	}
	return u.PythonType() + "(hint=None, obj=missing, name=" + value.Repr(u.name) + ")"
}
func (u *Undefined) JSONValue() any { return "" }

func (u *Undefined) fail() error {
	return &Error{Kind: "AnsibleUndefinedVariable", Msg: u.msg, Undefined: true, Name: u.name}
}

func undefinedVar(name string) *Undefined {
	return &Undefined{name: name, msg: "'" + name + "' is undefined"}
}

// missing is the Undefined for an attribute or element that obj has not.
func missing(obj, k any) *Undefined {
	owner := "None"
	if obj != nil {
		owner = TypeName(obj) + " object"
	}
	if t, ok := obj.(interface{ PythonType() string }); ok && strings.HasPrefix(t.PythonType(), "HostVars") {
		if t.PythonType() == "HostVars" {
			name := "hostvars[" + value.Repr(k) + "]"
			return &Undefined{name: name, msg: value.Repr(name) + " is undefined"}
		}
		owner = "ansible.vars.hostvars." + t.PythonType() + " object"
	}
	if name, ok := asStr(k); ok {
		return &Undefined{name: name, msg: "'" + owner + "' has no attribute '" + name + "'"}
	}
	text := value.Repr(k)
	return &Undefined{name: text, msg: owner + " has no element " + text}
}

func inlineIfUndefined(line int) *Undefined {
	return &Undefined{lenient: true, msg: "the inline if-expression on line " + strconv.Itoa(line) + " evaluated to false and no else section was defined."}
}

// failUndefined returns the error of the first undefined value in v.
func failUndefined(v any) error {
	switch v := v.(type) {
	case *Undefined:
		if !v.lenient {
			return v.fail()
		}
	case []any:
		for _, e := range v {
			if err := failUndefined(e); err != nil {
				return err
			}
		}
	case *List:
		return failUndefined(v.Items)
	case value.Tuple:
		return failUndefined([]any(v))
	case *value.Map:
		for _, e := range v.All() {
			if err := failUndefined(e); err != nil {
				return err
			}
		}
	}
	return nil
}
