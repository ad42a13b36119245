// Package copy is the control half of copy: it finds the source on the
// controller and names its content by digest; the target asks for what it lacks.
package copy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/copy"
	"github.com/tutti-run/tutti/internal/value"
)

// New makes the control half; digests are kept in cache.
func New(cache *source.Cache) *module.Control {
	return &module.Control{
		Spec: target.Spec,
		Plan: func(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
			return plan(cache, c, args)
		},
	}
}

func plan(cache *source.Cache, c module.Controller, args module.Args) (*module.Plan, error) {
	src, dest := args.String("src"), args.String("dest")
	hasContent := args.Has("content")
	switch {
	case src == "" && !hasContent:
		return done("src (or content) is required")
	case dest == "":
		return done("dest is required")
	case src != "" && hasContent:
		return done("src and content are mutually exclusive")
	case hasContent && strings.HasSuffix(dest, "/"):
		return done("can not use content with a dir as dest")
	}
	call := NewCall(args)
	switch {
	case hasContent:
		data := []byte(Text(args.Any("content")))
		e := Entry{Rel: "content", Source: staged(c)}
		if args.Any("mode") == "preserve" {
			e.Mode = "0600" // what Ansible's temporary file has
		}
		Add(call, source.Digest(data), module.File{Data: data, Size: int64(len(data))}, e)
		call.Args.Delete("remote_src") // the content comes from here
		call.Args.Set("content", "")   // that there was one matters to the target
		return &module.Plan{Call: call}, nil
	case args.Bool("remote_src"):
		return &module.Plan{Call: call}, nil
	}
	bare := strings.TrimRight(src, "/")
	path, err := c.FindFile("files", bare)
	if err != nil {
		// As the user named it.
		return nil, errors.New(strings.Replace(err.Error(), "'"+bare+"'", "'"+src+"'", 1))
	}
	if strings.HasSuffix(src, "/") {
		path += "/"
	}
	return transfer(cache, c, args, call, path)
}

// staged names what was no file on the controller: where Ansible would have put
// it on the target.
func staged(c module.Controller) string {
	dir, _ := c.Var("ansible_remote_tmp").(string)
	if dir == "" {
		dir = "~/.ansible/tmp"
	}
	return dir + "/source"
}

func done(format string, args ...any) (*module.Plan, error) {
	return &module.Plan{Done: module.Fail(format, args...)}, nil
}

// transfer plans the copy of a file or directory of the controller.
func transfer(cache *source.Cache, c module.Controller, args module.Args, call *module.Call, path string) (*module.Plan, error) {
	call.Args.Set("_source", path)
	call.Args.Delete("src")
	add := func(path, rel string) error {
		digest, file, err := cache.File(c, path, args.Bool("decrypt"))
		if err != nil {
			return err
		}
		e := Entry{Rel: rel, Source: path}
		if args.Any("mode") == "preserve" {
			if e.Mode, err = ModeOf(path); err != nil {
				return err
			}
		}
		Add(call, digest, file, e)
		return nil
	}
	if !files.IsDir(path) {
		if strings.HasSuffix(path, "/") {
			return nil, fmt.Errorf("could not find src=%s, it is not a directory", path)
		}
		if err := add(path, path[strings.LastIndexByte(path, '/')+1:]); err != nil {
			return nil, err
		}
		return &module.Plan{Call: call}, nil
	}
	tree, err := source.Walk(path, args.Bool("local_follow"))
	if err != nil {
		return nil, err
	}
	for _, f := range tree.Files {
		if err := add(f.Path, f.Rel); err != nil {
			return nil, err
		}
	}
	var dirs, links []any
	for _, d := range tree.Dirs {
		dirs = append(dirs, d.Rel)
	}
	for _, l := range tree.Links {
		links = append(links, value.MapOf("rel", l.Rel, "target", l.Path))
	}
	// What is copied goes into dest, which therefore is a directory.
	if dest := args.String("dest"); !strings.HasSuffix(dest, "/") {
		call.Args.Set("dest", dest+"/")
	}
	if dirs != nil {
		call.Args.Set("_dirs", dirs)
	}
	if links != nil {
		call.Args.Set("_links", links)
	}
	return &module.Plan{Call: call}, nil
}

// NewCall begins the call of copy's target half with the user's arguments.
func NewCall(args module.Args) *module.Call {
	call := &module.Call{Module: target.Spec.Name, Args: value.NewMap(12), Files: map[module.Digest]module.File{}}
	for _, p := range target.Spec.Params {
		if args.Given(p.Name) && p.Name != "content" && p.Name != "decrypt" {
			call.Args.Set(p.Name, args.Any(p.Name))
		}
	}
	return call
}

// Entry is one file of a call.
type Entry struct {
	Rel    string // place below dest, if dest is a directory
	Source string // name on the controller, for results and diffs
	Mode   string // instead of the task's mode, if not empty
}

// Add adds a file to a call of copy's target half.
func Add(call *module.Call, digest module.Digest, file module.File, e Entry) {
	m := value.MapOf("rel", e.Rel, "digest", string(digest), "source", e.Source)
	if e.Mode != "" {
		m.Set("mode", e.Mode)
	}
	list, _ := call.Args.At("_files").([]any)
	call.Args.Set("_files", append(list, m))
	call.Files[digest] = file
}

// ModeOf is the mode of a file on the controller, for mode: preserve.
func ModeOf(path string) (string, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return files.FormatMode(files.Bits(fi)), nil
}

// Text is content as it is written: a structure as JSON.
func Text(content any) string {
	switch content.(type) {
	case []any, *value.Map:
		return string(value.JSON{Python: true, ASCII: true}.Append(nil, content))
	}
	return value.Str(content)
}
