package value

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Str is v as Python's str shows it: text as it is, everything else as Repr.
func Str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case *Template:
		return v.Source
	case Shown:
		return v.PythonStr()
	}
	return Repr(v)
}

// Shown is a value of a kind that only some package knows, such as a date in
// a template, that says itself how Python names and shows it.
type Shown interface {
	PythonType() string
	PythonStr() string
	PythonRepr() string
}

// Repr is v as Python's repr shows it: 'text', True, None, [1, 2], {'a': 1}.
func Repr(v any) string { return string(appendRepr(nil, v, 0)) }

func appendRepr(dst []byte, v any, depth int) []byte {
	if depth > maxDepth {
		return append(dst, "..."...)
	}
	switch v := v.(type) {
	case nil:
		return append(dst, "None"...)
	case bool:
		if v {
			return append(dst, "True"...)
		}
		return append(dst, "False"...)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case *big.Int:
		return v.Append(dst, 10)
	case float64:
		return append(dst, FormatFloat(v)...)
	case string:
		return appendQuoted(dst, v)
	case *Template:
		return appendQuoted(dst, v.Source)
	case []any:
		return append(appendItems(append(dst, '['), v, depth), ']')
	case Tuple:
		dst = appendItems(append(dst, '('), v, depth)
		if len(v) == 1 {
			dst = append(dst, ',')
		}
		return append(dst, ')')
	case *Map:
		dst = append(dst, '{')
		first := true
		for k, e := range v.All() {
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			dst = append(appendRepr(dst, k, depth+1), ": "...)
			dst = appendRepr(dst, e, depth+1)
		}
		return append(dst, '}')
	case *Set:
		if v.Len() == 0 {
			return append(dst, "set()"...)
		}
		return append(appendItems(append(dst, '{'), v.Items(), depth), '}')
	case Shown:
		return append(dst, v.PythonRepr()...)
	case Lazy:
		forced, err := v.Force()
		if err != nil {
			return appendQuoted(dst, err.Error())
		}
		return appendRepr(dst, forced, depth+1)
	}
	return fmt.Append(dst, v)
}

func appendItems(dst []byte, l []any, depth int) []byte {
	for i, e := range l {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendRepr(dst, e, depth+1)
	}
	return dst
}

// appendQuoted quotes with ' unless only " avoids an escape, as Python does.
func appendQuoted(dst []byte, s string) []byte {
	quote := byte('\'')
	if strings.IndexByte(s, '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		quote = '"'
	}
	dst = append(dst, quote)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = fmt.Appendf(dst, `\udc%02x`, s[i])
		case r == rune(quote) || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == ' ' || unicode.IsPrint(r):
			dst = append(dst, s[i:i+n]...)
		case r < 0x100:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		case r < 0x10000:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		}
		i += n
	}
	return append(dst, quote)
}

// TypeName is the name of v's Python type: str, int, dict, NoneType...
func TypeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int, *big.Int:
		return "int"
	case float64:
		return "float"
	case string, *Template:
		return "str"
	case []any:
		return "list"
	case Tuple:
		return "tuple"
	case *Map:
		return "dict"
	case *Set:
		return "set"
	case interface{ PythonType() string }:
		return v.PythonType()
	}
	return fmt.Sprintf("%T", v)
}
