package lazyregexp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// Every expression of the source code is valid, and none is compiled at the
// start of the program.
func TestSources(t *testing.T) {
	found := 0
	fset := token.NewFileSet()
	check := func(path string) {
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				ast.Inspect(f, func(n ast.Node) bool {
					if callOf(n, "lazyregexp", "New") != nil {
						t.Errorf("%s: not a variable of the package", fset.Position(n.Pos()))
					}
					return true
				})
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if _, ok := n.(*ast.FuncLit); ok {
					return false
				}
				if callOf(n, "regexp", "MustCompile") != nil {
					t.Errorf("%s: compiled at the start: use lazyregexp.New", fset.Position(n.Pos()))
				}
				if c := callOf(n, "lazyregexp", "New"); c != nil {
					found++
					expr, ok := literal(c.Args[0], constants(file))
					if !ok {
						t.Errorf("%s: not a literal", fset.Position(n.Pos()))
					} else if _, err := regexp.Compile(expr); err != nil {
						t.Errorf("%s: %v", fset.Position(n.Pos()), err)
					}
				}
				return true
			})
		}
	}
	for _, root := range []string{"../../internal", "../../cmd", "../../parallel"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				check(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 50 {
		t.Errorf("only %d expressions found: does the test look in the right place?", found)
	}
}

func callOf(n ast.Node, pkg, name string) *ast.CallExpr {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return nil
	}
	if x, ok := s.X.(*ast.Ident); !ok || x.Name != pkg {
		return nil
	}
	return c
}

// constants are the strings that a file names.
func constants(file *ast.File) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, n := range v.Names {
				if i < len(v.Values) {
					out[n.Name] = v.Values[i]
				}
			}
		}
	}
	return out
}

// literal is the value of a string, of several that are added, or of a name.
func literal(e ast.Expr, named map[string]ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		a, ok := literal(e.X, named)
		b, ok2 := literal(e.Y, named)
		return a + b, ok && ok2
	case *ast.ParenExpr:
		return literal(e.X, named)
	case *ast.Ident:
		if v := named[e.Name]; v != nil {
			return literal(v, nil)
		}
	}
	return "", false
}

func TestRegexp(t *testing.T) {
	r := lazyregexp.New(`a(b+)`)
	if m := r.FindStringSubmatch("xabb"); len(m) != 2 || m[1] != "bb" || r.Get() != r.Get() {
		t.Errorf("%q", m)
	}
}
