package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
)

// varsFiles finds the files of vars_files: of each entry the first one that is
// there. Names may depend on the host and on its facts, so this happens for each
// host and task anew; what the files hold is read once.
type varsFiles struct {
	*playRun
	ctx context.Context

	mu   sync.Mutex
	read map[string]*value.Map // by path
	err  error
}

// varsFiles prepares the play's vars_files. An entry that can be told for
// nobody in particular must be there.
func (p *playRun) varsFiles(ctx context.Context) error {
	if len(p.play.VarsFiles) == 0 {
		return nil
	}
	p.files = &varsFiles{playRun: p, ctx: ctx, read: map[string]*value.Map{}}
	p.vars.SetFiles(p.files.of)
	if _, err := p.files.list(p.vars.Scope(nil, nil)); err != nil {
		return at(p.play.Pos, err)
	}
	return nil
}

// failed gives the first problem that some host had with the files.
func (f *varsFiles) failed() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// of gives what a host sees. A problem ends the run.
func (f *varsFiles) of(s *vars.Scope) []*value.Map {
	files, err := f.list(s)
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.err == nil {
			f.err = at(f.play.Pos, err)
		}
	}
	return files
}

func (f *varsFiles) list(s *vars.Scope) ([]*value.Map, error) {
	var files []*value.Map
	for _, entry := range f.play.VarsFiles {
		candidates, ok := entry.([]any)
		if !ok {
			candidates = []any{entry}
		}
		m, err := f.first(s.WithFiles(files), candidates)
		var te *template.Error
		switch {
		case errors.As(err, &te) && te.Undefined && s.Host() != nil && s.Task() != nil && f.Vars.Facts(s.Host()).Len() > 0:
			return files, fmt.Errorf("an undefined variable was found when attempting to template the vars_files item '%s': %s", template.Str(value.Plain(entry)), te.Msg)
		case errors.As(err, &te) && te.Undefined: // it may yet become known
			f.tell(event.Message{Verbosity: 3, Text: fmt.Sprintf("skipping vars_file '%s' due to an undefined variable", template.Str(value.Plain(entry)))})
		case err != nil:
			return files, err
		default:
			files = append(files, m)
		}
	}
	return files, nil
}

func (f *varsFiles) first(s *vars.Scope, candidates []any) (*value.Map, error) {
	env := f.env(nil, f.play)
	c := &template.Context{Ctx: f.ctx, Vars: s, Env: env}
	var missing error
	for _, raw := range candidates {
		v, err := f.Engine.Resolve(c, raw)
		if err != nil {
			return nil, err
		}
		name, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("Invalid vars_files entry found: %s\nvars_files entries should be either a string type or a list of string types after template expansion", template.Repr(v))
		}
		path, err := env.FindFile("vars", name)
		if err == nil {
			return f.load(path)
		}
		missing = fmt.Errorf("vars file %s was not found", template.Str(value.Plain(raw)))
	}
	return nil, missing
}

func (f *varsFiles) load(path string) (*value.Map, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m, ok := f.read[path]; ok {
		return m, nil
	}
	data, err := f.LoadVars(path)
	if err != nil {
		return nil, err
	}
	all := value.NewMap(8)
	switch m := data.(type) {
	case nil:
	case *value.Map:
		all = m
	case []any: // of dictionaries, the last of which counts most
		for _, e := range m {
			e, ok := e.(*value.Map)
			if !ok {
				return nil, noVars(path)
			}
			all.Update(e)
		}
	default:
		return nil, noVars(path)
	}
	f.read[path] = all
	return all, nil
}

func noVars(path string) error {
	return &diag.Problem{Pos: diag.Pos{File: path, Line: 1, Column: 1}, Msg: "a file of variables must hold a dictionary, or a list of them", General: true}
}
