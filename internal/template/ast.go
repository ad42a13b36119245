package template

// node is an expression.
type node interface {
	eval(f *frame) (any, error)
}

// stmt is a piece of a template that writes output or changes the frame.
type stmt interface {
	exec(f *frame, o *output) error
}

type (
	constNode struct{ v any }
	nameNode  struct{ name string }
	listNode  struct{ items []node }
	tupleNode struct{ items []node }
	dictNode  struct{ keys, vals []node }
	attrNode  struct {
		obj  node
		name string
	}
	itemNode struct{ obj, index node }
	// sliceNode is the index of obj[lo:hi:step]; any part may be nil.
	sliceNode struct{ lo, hi, step node }
	unaryNode struct {
		op string
		x  node
	}
	binNode struct {
		op   string
		l, r node
	}
	andNode     struct{ l, r node }
	orNode      struct{ l, r node }
	notNode     struct{ x node }
	concatNode  struct{ parts []node }
	compareNode struct {
		first node
		ops   []string
		rest  []node
	}
	condNode struct {
		test, yes, no node // no may be nil
		line          int
	}
	callArgs struct {
		pos    []node
		names  []string
		named  []node
		star   node // *args, or nil
		kwstar node // **kwargs, or nil
	}
	callNode struct {
		fn   node
		args callArgs
		off  int
	}
	filterNode struct {
		in   node // nil in a filter block
		name string
		def  *def
		args callArgs
		off  int
	}
	testNode struct {
		in   node
		name string
		def  *def
		args callArgs
		off  int
	}
	nsNode struct{ name, attr string } // the target of {% set ns.attr %}
)

type (
	dataStmt  struct{ text string }
	printStmt struct {
		x        node
		constant bool // Jinja2 works it out while compiling, to text
		off      int
	}
	ifStmt struct {
		tests  []node
		bodies [][]stmt
		other  []stmt
		off    int
	}
	forStmt struct {
		target    node
		iter      node
		filter    node // `if` part, or nil
		body      []stmt
		other     []stmt
		recursive bool
		usesLoop  bool
		off       int
	}
	setStmt struct {
		target node
		x      node
		off    int
	}
	setBlockStmt struct {
		target node
		filter *filterNode // innermost has in == nil; or nil
		body   []stmt
		off    int
	}
	macroStmt struct {
		name     string
		params   []string
		defaults []node // of the last parameters
		body     []stmt
		varargs  bool // the body uses varargs, kwargs, caller
		kwargs   bool
		caller   bool
		off      int
	}
	callStmt struct {
		call  *callNode
		macro *macroStmt
		off   int
	}
	filterStmt struct {
		filter *filterNode
		body   []stmt
		off    int
	}
	withStmt struct {
		targets []node
		values  []node
		body    []stmt
		off     int
	}
	doStmt struct {
		x   node
		off int
	}
	loopControl struct{ stop bool }
	blockStmt   struct {
		name             string
		body             []stmt
		scoped, required bool
		off              int
	}
	extendsStmt struct {
		from node
		off  int
	}
	includeStmt struct {
		from          node
		ignoreMissing bool
		withContext   bool
		off           int
	}
	importStmt struct {
		from        node
		as          string   // import x as y
		names       []string // from x import names as aliases
		aliases     []string
		withContext bool
		off         int
	}
	// scopeStmt gives its body a scope of its own (autoescape).
	scopeStmt struct{ body []stmt }
)

// compiled is a parsed template. It never changes.
type compiled struct {
	name   string // as it was included; "" for text
	src    string // normalised
	body   []stmt
	blocks map[string]*blockStmt
	// single is set when the whole text is one name in braces.
	single string
	// mutates tells that lists and dicts may be changed by methods.
	mutates bool
	err     *syntaxError
	// long is the text of a template whose statements are not held in memory.
	long *longText
}

// constant reports whether x is made of literals only.
func constant(x node) bool {
	all := func(nodes ...node) bool {
		for _, n := range nodes {
			if n != nil && !constant(n) {
				return false
			}
		}
		return true
	}
	switch x := x.(type) {
	case *constNode:
		return true
	case *listNode:
		return all(x.items...)
	case *tupleNode:
		return all(x.items...)
	case *dictNode:
		return all(x.keys...) && all(x.vals...)
	case *unaryNode:
		return constant(x.x)
	case *binNode:
		return all(x.l, x.r)
	case *filterNode:
		return x.in != nil && constant(x.in) && all(x.args.pos...) && all(x.args.named...) && x.args.star == nil && x.args.kwstar == nil
	}
	return false
}
