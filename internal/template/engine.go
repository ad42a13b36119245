package template

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// Options are what an Engine is made with. The zero Options are Ansible's
// defaults.
type Options struct {
	// Native keeps the types of what templates compute (jinja2_native).
	Native bool
	// Do and LoopControls switch on Jinja2's extensions of these names
	// (jinja2_extensions).
	Do, LoopControls bool
	// KeepUndefined leaves a template as it is written where a variable in it is
	// undefined (error_on_undefined_vars off), instead of failing.
	KeepUndefined bool
	// Limits bound what one template may use; zero fields are DefaultLimits.
	Limits Limits
}

// Limits bound what resolving one value may use.
type Limits struct {
	Depth  int // templates in templates
	Output int // bytes of text, also of a single string
	Steps  int // loop rounds, calls and statements
}

// DefaultLimits are far above what a playbook needs.
var DefaultLimits = Limits{Depth: 120, Output: 128 << 20, Steps: 50_000_000}

// Engine evaluates templates. It is immutable and safe for concurrent use.
type Engine struct {
	opt     Options
	limits  Limits
	filters map[string]*def
	tests   map[string]*def
	lookups map[string]lookupFunc
	globals map[string]any
	methods map[string]map[string]*def
	// textCache holds the parsed form of texts that come without a
	// *value.Template: conditions and template files.
	textCache  sync.Map // textKey -> *compiled
	textCached atomic.Int64
}

type textKey struct {
	src     string
	syn     Syntax
	literal bool
}

// New returns an engine.
func New(o Options) *Engine {
	e := &Engine{opt: o, limits: o.Limits}
	for _, l := range [...][2]*int{
		{&e.limits.Depth, &DefaultLimits.Depth}, {&e.limits.Output, &DefaultLimits.Output}, {&e.limits.Steps, &DefaultLimits.Steps},
	} {
		if *l[0] <= 0 {
			*l[0] = *l[1]
		}
	}
	e.filters = table(coreFilters, sequenceFilters, textFilters, dataFilters, pathFilters, regexFilters, mathFilters, cryptFilters, timeFilters, communityFilters, networkFilters, utilsFilters, deviceFilters, generalFilters, durationFilters)
	e.tests = table(coreTests, ansibleTests, networkTests, generalTests)
	e.methods = map[string]map[string]*def{
		"str": table(strMethods), "bytes": table(bytesMethods), "list": table(listMethods), "tuple": table(tupleMethods),
		"dict": table(dictMethods), "set": table(setMethods), "int": table(intMethods), "float": table(floatMethods),
		"datetime": table(datetimeMethods), "timedelta": table(timedeltaMethods),
	}
	for _, name := range renewing {
		e.filters[name].anew = true
	}
	for _, name := range walking {
		if d := e.filters[name]; d != nil {
			weighed(d)
		}
	}
	for _, d := range e.methods["str"] {
		d.anew = true
	}
	e.lookups = lookupTable()
	e.globals = e.globalTable()
	return e
}

// renewing are the filters whose text is a new string even where it equals what
// came in: type_debug tells text of a document by where it lies.
var renewing = strings.Fields("upper lower capitalize title striptags trim replace center indent wordwrap regex_replace basename join")

// table joins lists of definitions.
func table(lists ...func() []*def) map[string]*def {
	m := map[string]*def{}
	for _, l := range lists {
		for _, d := range l() {
			for _, name := range strings.Split(d.name, "|") {
				c := *d
				c.name = name
				m[name] = &c
			}
		}
	}
	return m
}

// builtin takes the prefixes off under which a builtin is known, too.
func builtin(name string) string {
	for _, prefix := range [...]string{"ansible.builtin.", "ansible.legacy."} {
		if strings.HasPrefix(name, prefix) {
			return name[len(prefix):]
		}
	}
	return name
}

func (e *Engine) filter(name string) *def { return e.filters[builtin(name)] }

func (e *Engine) test(name string) *def { return e.tests[builtin(name)] }

// template returns the parsed form of t.
func (e *Engine) template(t *value.Template) *compiled {
	if p := t.Compiled.Load(); p != nil {
		if c, ok := (*p).(*compiled); ok {
			return c
		}
	}
	c := e.compile(t.Source, &DefaultSyntax, true)
	var a any = c
	t.Compiled.Store(&a)
	return c
}

// maxCached bounds the texts kept parsed; a run has far fewer.
const maxCached = 20_000

// text returns the parsed form of src.
func (e *Engine) text(src string, syn *Syntax, literal bool) *compiled {
	k := textKey{src, *syn, literal}
	if c, ok := e.textCache.Load(k); ok {
		return c.(*compiled)
	}
	c := e.compile(src, syn, literal)
	if e.textCached.Add(1) <= maxCached {
		e.textCache.Store(k, c)
	}
	return c
}

// Resolve evaluates v deeply: a *value.Template becomes its value, what is
// Lazy is forced, maps and lists are rebuilt only where something in them
// changed. The result holds no templates.
func (e *Engine) Resolve(c *Context, v any) (any, error) {
	switch v.(type) {
	case nil, string, bool, int, float64:
		return v, nil
	}
	if !value.HasTemplates(v) {
		return v, nil
	}
	return newState(e, c).resolve(v)
}

// ResolveVar is Resolve for a value that becomes a variable (set_fact). Text
// that must stay text, such as what to_json gives, comes back as a value of
// the engine's own kind: it shows and dumps as text, and a template that is
// just this variable gives the text and not what it reads as. What is Lazy
// stays so.
func (e *Engine) ResolveVar(c *Context, v any) (any, error) {
	switch v.(type) {
	case nil, string, bool, int, float64:
		return v, nil
	}
	if !value.HasTemplates(v) {
		return v, nil
	}
	return newState(e, c).keep(v)
}

// ResolveString is Resolve for what has to be text, such as the name of a
// task: the result of a template is not read as a literal.
func (e *Engine) ResolveString(c *Context, v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case *value.Template:
		r, err := newState(e, c).render(e.template(v), v, asText)
		if err != nil {
			return "", err
		}
		return Str(r), nil
	}
	r, err := e.Resolve(c, v)
	if err != nil {
		return "", err
	}
	return Str(r), nil
}

// Expr evaluates the bare expression text, as it would stand in braces, and
// returns its value with its type.
func (e *Engine) Expr(c *Context, text string, pos diag.Pos) (any, error) {
	comp := e.text("{{"+text+"\n}}", &DefaultSyntax, true)
	st := newState(e, c)
	if comp.err != nil {
		return nil, syntaxAt(comp, diag.Pos{File: pos.File, Line: pos.Line, Column: pos.Column - 2})
	}
	if len(comp.body) != 1 {
		return nil, &Error{Pos: pos, Kind: "TemplateSyntaxError", Msg: "template error while templating string: " + Repr(text) + " is not one expression"}
	}
	p, ok := comp.body[0].(*printStmt)
	if !ok {
		return nil, &Error{Pos: pos, Kind: "TemplateSyntaxError", Msg: "template error while templating string: " + Repr(text) + " is not an expression"}
	}
	r := st.newRender(comp, asValue)
	v, err := p.x.eval(&r.root)
	if err == nil {
		v, err = finalize(v)
	}
	if err != nil {
		return nil, at(err, pos)
	}
	return outward(v), nil
}

// Check parses every template in v, without evaluating any, and returns what
// is wrong with them: syntax, filters and tests that do not exist.
func (e *Engine) Check(v any) []*Error {
	var errs []*Error
	switch v := v.(type) {
	case *value.Template:
		if c := e.template(v); c.err != nil {
			errs = append(errs, syntaxAt(c, v.Pos))
		}
	case []any:
		for _, x := range v {
			errs = append(errs, e.Check(x)...)
		}
	case *value.Map:
		for _, x := range v.All() {
			errs = append(errs, e.Check(x)...)
		}
	}
	return errs
}

// CheckCondition parses a bare condition, as Check does a template.
func (e *Engine) CheckCondition(text string, pos diag.Pos) *Error {
	if c := e.text(conditionText(text), &DefaultSyntax, true); c.err != nil {
		return syntaxAt(c, pos)
	}
	return nil
}

// place is where off of c stands, if c begins at base.
func place(c *compiled, off int, base diag.Pos) diag.Pos {
	if c.long != nil {
		return c.long.place(off, base)
	}
	text := c.src[:min(max(off, 0), len(c.src))]
	lines := strings.Count(text, "\n")
	p := diag.Pos{File: base.File, Line: max(base.Line, 1) + lines, Column: 1 + len(text) - (strings.LastIndexByte(text, '\n') + 1)}
	if lines == 0 && base.Column > 0 {
		p.Column += base.Column - 1
	}
	return p
}

func syntaxAt(c *compiled, base diag.Pos) *Error {
	return &Error{
		Pos: place(c, c.err.off, base), Kind: "TemplateSyntaxError",
		Msg: "template error while templating string: " + c.err.msg + ". String: " + c.src,
	}
}

// notPython is said of a plugin that is not there: it may be for this reason.
const notPython = " (Tutti has none of this name, and runs none that are written in Python)"

// suggest names the filter or test that is nearest to a wrong name.
func (e *Engine) suggest(name string, test bool) string {
	names := e.filters
	if test {
		names = e.tests
	}
	best, least := "", 3
	for n := range names {
		if d := distance(builtin(name), n); d < least || d == least && n < best {
			best, least = n, d
		}
	}
	if best == "" && strings.Contains(name, ".") {
		return notPython
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is how many letters must change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
