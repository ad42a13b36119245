package module

import (
	"fmt"
	"math"
	"math/big"
	"os/user"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

func class(v any) string { return "<class '" + value.TypeName(v) + "'>" }

// convert turns v, which is not nil, into type t as Ansible's modules do.
func (p *parser) convert(t Type, v any) (any, error) {
	switch t {
	case Str, "":
		return value.Str(v), nil
	case Path:
		s := value.Str(v)
		if p.expand != nil {
			s = p.expand(s)
		}
		return s, nil
	case Int:
		return toInt(v)
	case Float:
		return toFloat(v)
	case Bool:
		return toBool(v)
	case List:
		return toList(v)
	case Dict:
		return toDict(v)
	case JSONArg, JSON:
		return toJSONArg(v)
	case Bytes, Bits:
		n, err := HumanToBytes(value.Str(v), t == Bits)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be converted to a %s value", class(v), map[Type]string{Bytes: "Byte", Bits: "Bit"}[t])
		}
		return n, nil
	}
	return v, nil // Raw
}

func toInt(v any) (any, error) {
	switch v := v.(type) {
	case int, *big.Int:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%s cannot be converted to an int", class(v))
}

func toFloat(v any) (any, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int:
		return float64(v), nil
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%s cannot be converted to a float", class(v))
}

const boolWords = "'yes', 'on', '1', 'true', 't', 'y', 1, 'no', 'off', '0', 'false', 'f', 'n', 0"

// Boolean is what a value means as a Bool, or the error for one that means none.
func Boolean(v any) (bool, error) {
	b, err := toBool(v)
	yes, _ := b.(bool)
	return yes, err
}

func toBool(v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case int:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
	case float64:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
	case string:
		if b, ok := ParseBool(v); ok {
			return b, nil
		}
	default:
		return nil, fmt.Errorf("%s cannot be converted to a bool", class(v))
	}
	return nil, fmt.Errorf("The value '%s' is not a valid boolean.  Valid booleans include: %s", value.Str(v), boolWords)
}

// ParseBool reads the words that Ansible takes for true and false.
func ParseBool(s string) (b, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "y", "yes", "on", "1", "true", "t":
		return true, true
	case "n", "no", "off", "0", "false", "f":
		return false, true
	}
	return false, false
}

// Truth reads a boolean where anything that is no word for true is false, as
// some modules of Ansible do with values that Parse would refuse.
func Truth(v any) bool {
	b, err := toBool(v)
	return err == nil && b == true
}

func toList(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case value.Tuple:
		return []any(v), nil
	case string:
		words := strings.Split(v, ",")
		out := make([]any, len(words))
		for i, w := range words {
			out[i] = w
		}
		return out, nil
	case int, *big.Int, float64, bool:
		return []any{value.Str(v)}, nil
	}
	return nil, fmt.Errorf("%s cannot be converted to a list", class(v))
}

func toDict(v any) (any, error) {
	switch v := v.(type) {
	case *value.Map:
		return v, nil
	case string:
		switch {
		case strings.HasPrefix(v, "{"):
			if d, err := value.ParseJSON([]byte(v)); err == nil {
				return d, nil
			}
			if d, err := value.ParseLiteral(v); err == nil {
				if m, ok := d.(*value.Map); ok {
					return m, nil
				}
			}
			return nil, fmt.Errorf("unable to evaluate string as dictionary")
		case strings.Contains(v, "="):
			return pairs(v)
		}
		return nil, fmt.Errorf("dictionary requested, could not parse JSON or key=value")
	}
	return nil, fmt.Errorf("%s cannot be converted to a dict", class(v))
}

// pairs reads `a=1, b="x y"`.
func pairs(s string) (*value.Map, error) {
	m := value.NewMap(2)
	var field []byte
	var quote byte
	flush := func() error {
		if len(field) == 0 {
			return nil
		}
		k, v, ok := strings.Cut(string(field), "=")
		if !ok {
			return fmt.Errorf("dictionary requested, could not parse JSON or key=value")
		}
		m.Set(k, v)
		field = field[:0]
		return nil
	}
	s = strings.TrimSpace(s)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			i++
			field = append(field, s[i])
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote != 0 && quote == c:
			quote = 0
		case quote == 0 && (c == ',' || c == ' '):
			if err := flush(); err != nil {
				return nil, err
			}
		default:
			field = append(field, c)
		}
	}
	return m, flush()
}

func toJSONArg(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case []any, value.Tuple, *value.Map:
		return string(value.JSON{Python: true, ASCII: true}.Append(nil, v)), nil
	}
	return nil, fmt.Errorf("%s cannot be converted to a json string", class(v))
}

var humanSize = lazyregexp.New(`^\s*(\d*\.?\d*)\s*([A-Za-z]+)?`)

// HumanToBytes reads a size such as 10M, 1.5GB or (bits) 1Mb; units are powers
// of 1024, and a number without a unit is taken as it is.
func HumanToBytes(s string, bits bool) (int, error) {
	m := humanSize.FindStringSubmatch(s)
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read %q as a size: it needs a number, such as 10M", s)
	}
	unit := m[2]
	if unit == "" {
		return int(math.RoundToEven(n)), nil
	}
	power := strings.IndexByte("BKMGTPEZY", unit[0]&^0x20)
	if power < 0 {
		return 0, fmt.Errorf("cannot read %q as a size: the unit must begin with one of B, K, M, G, T, P, E, Z, Y", s)
	}
	class, name := byte('B'), "byte"
	if bits {
		class, name = 'b', "bit"
	}
	if len(unit) > 1 && !strings.Contains(strings.ToLower(unit), name) && unit[1] != class {
		return 0, fmt.Errorf("cannot read %q as a size: write %c%c", s, unit[0]&^0x20, class)
	}
	return int(math.RoundToEven(n * math.Pow(1024, float64(power)))), nil
}

var envRef = lazyregexp.New(`\$(\w+|\{[^}]*\})`)

// Expander returns the function that expands ~, ~user, $VAR and ${VAR} in a
// path from an environment; what is unknown stays as it is written.
func Expander(environ []string) func(string) string {
	lookup := func(name string) (string, bool) {
		for i := len(environ) - 1; i >= 0; i-- {
			if k, v, _ := strings.Cut(environ[i], "="); k == name {
				return v, true
			}
		}
		return "", false
	}
	return func(path string) string {
		if strings.IndexByte(path, '$') >= 0 {
			path = envRef.ReplaceAllStringFunc(path, func(ref string) string {
				if v, ok := lookup(strings.Trim(ref[1:], "{}")); ok {
					return v
				}
				return ref
			})
		}
		if !strings.HasPrefix(path, "~") {
			return path
		}
		name, rest := path[1:], ""
		if i := strings.IndexByte(path, '/'); i >= 0 {
			name, rest = path[1:i], path[i:]
		}
		home, ok := "", false
		if name == "" {
			if home, ok = lookup("HOME"); !ok {
				if u, err := user.Current(); err == nil {
					home, ok = u.HomeDir, true
				}
			}
		} else if u, err := user.Lookup(name); err == nil {
			home, ok = u.HomeDir, true
		}
		if !ok {
			return path
		}
		if p := strings.TrimRight(home, "/") + rest; p != "" {
			return p
		}
		return "/"
	}
}
