package template

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// csvForm says how a table is written.
type csvForm struct {
	delimiter rune
	skipSpace bool // at the beginning of a field
	strict    bool // what a quote leaves open is an error
}

func fromCSVFilter(c *call) (any, error) {
	text, err := c.needStr(0)
	if err != nil {
		return nil, err
	}
	form := csvForm{delimiter: ','}
	switch dialect := c.str(1); dialect {
	case "excel", "unix":
	case "excel-tab":
		form.delimiter = '\t'
	default:
		return nil, filterErr("%s: Dialect '%s' is not supported", c.name, dialect)
	}
	if c.a[3] != nil {
		d, ok := asStr(c.a[3])
		if r := []rune(d); ok && len(r) == 1 {
			form.delimiter = r[0]
		} else {
			return nil, filterErr("%s: the delimiter must be one character, not %s", c.name, Repr(c.a[3]))
		}
	}
	form.skipSpace, form.strict = c.bool(4), c.bool(5)
	rows, err := form.rows(strings.TrimPrefix(text, "\ufeff"))
	if err != nil {
		return nil, filterErr("Unable to process file: %s", err)
	}
	var names []any
	if c.a[2] != nil {
		if names, err = c.list(2); err != nil {
			return nil, err
		}
	} else if len(rows) > 0 {
		names, rows = anyStrings(rows[0]), rows[1:]
	}
	out := []any{}
	for _, row := range rows {
		if len(row) == 0 {
			continue
		}
		m := value.NewMap(len(names))
		for i, name := range names {
			k, err := key(name)
			if err != nil {
				return nil, err
			}
			if i < len(row) {
				m.Set(k, row[i])
			} else {
				m.Set(k, nil)
			}
		}
		if len(row) > len(names) {
			m.Set(nil, anyStrings(row[len(names):]))
		}
		out = append(out, m)
	}
	return out, nil
}

// rows reads a table as Python's csv does; an empty line is a row without fields.
func (f csvForm) rows(text string) ([][]string, error) {
	const (
		record = iota // at the beginning of a row
		begin         // at the beginning of a field
		plain
		quoted
		closing // after a quote in quotes
		after   // the end of a line
	)
	rows := [][]string{}
	row := []string{}
	var field strings.Builder
	state := record
	save := func() {
		row = append(row, field.String())
		field.Reset()
	}
	for _, line := range strings.SplitAfter(text, "\n") {
		for _, c := range line {
			newline := c == '\n' || c == '\r'
			switch state {
			case record:
				if newline {
					state = after
					continue
				}
				fallthrough
			case begin:
				switch {
				case newline:
					save()
					state = after
				case c == '"':
					state = quoted
				case c == ' ' && f.skipSpace:
					state = begin
				case c == f.delimiter:
					save()
					state = begin
				default:
					field.WriteRune(c)
					state = plain
				}
			case plain:
				switch {
				case newline:
					save()
					state = after
				case c == f.delimiter:
					save()
					state = begin
				default:
					field.WriteRune(c)
				}
			case quoted:
				if c == '"' {
					state = closing
				} else {
					field.WriteRune(c)
				}
			case closing:
				switch {
				case c == '"':
					field.WriteRune(c)
					state = quoted
				case c == f.delimiter:
					save()
					state = begin
				case newline:
					save()
					state = after
				case f.strict:
					return nil, fmt.Errorf("'%c' expected after '\"'", f.delimiter)
				default:
					field.WriteRune(c)
					state = plain
				}
			case after:
				if !newline {
					return nil, fmt.Errorf("there is a carriage return within a line")
				}
			}
		}
		if line == "" || state == quoted {
			continue
		}
		if state != after && state != record {
			save()
		}
		rows, row, state = append(rows, row), []string{}, record
	}
	if state == quoted {
		if f.strict {
			return nil, fmt.Errorf("unexpected end of data")
		}
		save()
		rows = append(rows, row)
	}
	return rows, nil
}
