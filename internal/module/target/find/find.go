// Package find is the module that lists files by name, age, size and content.
package find

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/pyre"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module lists files.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.find",
		Summary: "Lists files by name, age, size and content.",
		Params: []module.Param{
			{Name: "paths", Type: module.List, Elements: module.Str, Required: true, Aliases: []string{"name", "path"}, Doc: "Directories to look in."},
			{Name: "patterns", Type: module.List, Elements: module.Str, Default: []any{}, Aliases: []string{"pattern"}, Doc: "Patterns of names to list."},
			{Name: "excludes", Type: module.List, Elements: module.Str, Aliases: []string{"exclude"}, Doc: "Patterns of names to leave out."},
			{Name: "contains", Doc: "Only files with a line that begins with a match of this."},
			{Name: "read_whole_file", Type: module.Bool, Default: false, Doc: "Look for contains in the whole file, not line by line."},
			{Name: "file_type", Default: "file", Choices: []any{"any", "directory", "file", "link"}, Doc: "What to list."},
			{Name: "age", Doc: "At least this old, or if negative at most: a number with s, m, h, d or w."},
			{Name: "age_stamp", Default: "mtime", Choices: []any{"atime", "ctime", "mtime"}, Doc: "Which time counts."},
			{Name: "size", Doc: "At least this large, or if negative at most: a number with b, k, m, g or t."},
			{Name: "recurse", Type: module.Bool, Default: false, Doc: "Look in directories below as well."},
			{Name: "hidden", Type: module.Bool, Default: false, Doc: "List names that begin with a dot."},
			{Name: "follow", Type: module.Bool, Default: false, Doc: "Look in directories that links point to."},
			{Name: "get_checksum", Type: module.Bool, Default: false, Doc: "Work out checksums."},
			{Name: "use_regex", Type: module.Bool, Default: false, Doc: "Patterns are regular expressions."},
			{Name: "depth", Type: module.Int, Doc: "How many levels to look in."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "files", Type: module.List, When: "success", Doc: "What was found, each as stat tells it."},
			{Name: "matched", Type: module.Int, When: "success", Doc: "How many were found."},
			{Name: "examined", Type: module.Int, When: "success", Doc: "How many were looked at."},
			{Name: "skipped_paths", Type: module.Dict, When: "success", Doc: "What could not be looked at, and why."},
		},
	},
	Run: run,
}

type search struct {
	ctx     context.Context
	args    module.Args
	wanted  func(name string) (bool, error)
	age     *int // seconds
	size    *int // bytes
	content *pyre.Regexp
	now     float64

	found    []any
	examined int
	skipped  *value.Map
	warnings []string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	s := &search{ctx: ctx, args: args, skipped: value.NewMap(0), now: float64(time.Now().UnixNano()) / 1e9, found: []any{}}
	var err error
	if s.age, err = amount(args, "age", "smhdw", []int{1, 60, 3600, 86400, 604800}); err != nil {
		return module.Fail("%s", err).Set("age", args.String("age"))
	}
	if s.size, err = amount(args, "size", "bkmgt", []int{1, 1 << 10, 1 << 20, 1 << 30, 1 << 40}); err != nil {
		return module.Fail("%s", err).Set("size", args.String("size"))
	}
	if s.wanted, err = names(args); err != nil {
		return module.Fail("%s", err)
	}
	if args.Given("contains") {
		if s.content, err = pyre.Compile(args.String("contains"), 0); err != nil {
			return module.Fail("contains %q: %s", args.String("contains"), err)
		}
	}
	expand := module.Expander(env.Environ)
	for _, path := range args.Strings("paths") {
		path = expand(path)
		err := fmt.Errorf("'%s' is not a directory", path)
		if files.IsDir(path) {
			err = s.dir(path, 1, map[string]bool{})
		}
		if ctx.Err() != nil {
			return module.Fail("%s", ctx.Err())
		}
		if err != nil {
			s.skip(path, "Skipped '%s' path due to this access issue: %s\n", err)
		}
	}
	msg := "All paths examined"
	if len(s.warnings) > 0 {
		msg = "Not all paths examined, check warnings for details"
	}
	r := module.OK().Set("files", s.found).Set("matched", len(s.found)).Set("examined", s.examined).Set("skipped_paths", s.skipped)
	r.Msg, r.Warnings = msg, s.warnings
	return r
}

func (s *search) skip(path, format string, err error) {
	s.skipped.Set(path, err.Error())
	s.warnings = append(s.warnings, fmt.Sprintf(format, path, err))
}

// amount reads a number with a unit.
func amount(args module.Args, name, units string, factors []int) (*int, error) {
	if !args.Given(name) {
		return nil, nil
	}
	text, factor := strings.ToLower(args.String(name)), 1
	if n := len(text); n > 0 {
		if i := strings.IndexByte(units, text[n-1]); i >= 0 {
			text, factor = text[:n-1], factors[i]
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || strings.HasPrefix(text, "+") {
		return nil, fmt.Errorf("failed to process %s", name)
	}
	n *= factor
	return &n, nil
}

// names returns what decides by name alone.
func names(args module.Args) (func(string) (bool, error), error) {
	any, err := matcher(args.Strings("patterns"), args.Bool("use_regex"))
	if err != nil {
		return nil, err
	}
	none, err := matcher(args.Strings("excludes"), args.Bool("use_regex"))
	if err != nil {
		return nil, err
	}
	return func(name string) (bool, error) {
		ok, err := any(name)
		if err != nil || !ok && len(args.Strings("patterns")) > 0 {
			return false, err
		}
		out, err := none(name)
		return !out, err
	}, nil
}

func matcher(patterns []string, isRegexp bool) (func(string) (bool, error), error) {
	if !isRegexp {
		return func(name string) (bool, error) {
			for _, p := range patterns {
				if files.MatchName(p, name) {
					return true, nil
				}
			}
			return false, nil
		}, nil
	}
	var list []*pyre.Regexp
	for _, p := range patterns {
		re, err := pyre.Compile(p, 0)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", p, err)
		}
		list = append(list, re)
	}
	return func(name string) (bool, error) {
		for _, re := range list {
			if m, err := re.Match(name); m != nil || err != nil {
				return m != nil, err
			}
		}
		return false, nil
	}, nil
}

// inOrder lists a directory in its own order, which is that of Python's.
func inOrder(dir string) ([]os.DirEntry, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

// dir looks at what is in a directory: files first, then directories, then
// what is below those. above holds the real paths that lead here.
func (s *search) dir(dir string, depth int, above map[string]bool) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	entries, err := inOrder(dir)
	if err != nil {
		return err
	}
	s.examined += len(entries)
	if limit := s.args.Int("depth"); limit > 0 && depth > limit {
		return nil
	}
	var below []string
	for _, wantDirs := range []bool{false, true} {
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			isLink := e.Type()&os.ModeSymlink != 0
			isDir := e.IsDir() || isLink && files.IsDir(path)
			if isDir != wantDirs {
				continue
			}
			if isDir && (!isLink || s.args.Bool("follow")) {
				below = append(below, path)
			}
			if err := s.consider(path, e.Name()); err != nil {
				return err
			}
		}
	}
	if !s.args.Bool("recurse") {
		return nil
	}
	for _, path := range below {
		real := files.RealPath(path)
		if above[real] {
			continue // a circle of links
		}
		above[real] = true
		err := s.dir(path, depth+1, above)
		delete(above, real)
		if err != nil {
			return err
		}
	}
	return nil
}

// consider adds the file to what was found if it is wanted.
func (s *search) consider(path, name string) error {
	if strings.HasPrefix(name, ".") && !s.args.Bool("hidden") {
		return nil
	}
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		s.skip(path, "Skipped entry '%s' due to this access issue: %s\n", err)
		return nil
	}
	kind := st.Mode & syscall.S_IFMT
	regular := kind == syscall.S_IFREG
	switch want := s.args.String("file_type"); {
	case want == "file" && !regular, want == "directory" && kind != syscall.S_IFDIR, want == "link" && kind != syscall.S_IFLNK:
		return nil
	}
	ok, err := s.wanted(name)
	if err != nil || !ok || !s.oldEnough(&st) || regular && !s.largeEnough(&st) {
		return err
	}
	if s.content != nil && s.args.String("file_type") == "file" {
		if has, err := s.contains(path); err != nil || !has {
			return err
		}
	}
	m := value.MapOf("path", path)
	files.StatFields(m, &st)
	m.Set("gr_name", named(files.GroupName(int(st.Gid))))
	m.Set("pw_name", named(files.UserName(int(st.Uid))))
	files.PermissionFields(m, &st)
	if regular && s.args.Bool("get_checksum") {
		if sum, err := files.SHA1OfFile(path); err == nil {
			m.Set("checksum", sum)
		}
	}
	s.found = append(s.found, m)
	return nil
}

var number = lazyregexp.New(`^[0-9]+$`)

// named drops the number that stands for a missing name.
func named(s string) string {
	if number.MatchString(s) {
		return ""
	}
	return s
}

func (s *search) oldEnough(st *syscall.Stat_t) bool {
	if s.age == nil {
		return true
	}
	t := map[string]syscall.Timespec{"atime": st.Atim, "ctime": st.Ctim, "mtime": st.Mtim}[s.args.String("age_stamp")]
	old := s.now - files.Seconds(t)
	if *s.age < 0 {
		return old <= float64(-*s.age)
	}
	return old >= float64(*s.age)
}

func (s *search) largeEnough(st *syscall.Stat_t) bool {
	switch {
	case s.size == nil:
		return true
	case *s.size < 0:
		return int(st.Size) <= -*s.size
	}
	return int(st.Size) >= *s.size
}

func (s *search) contains(path string) (bool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return false, nil // what cannot be read contains nothing
	}
	if s.args.Bool("read_whole_file") {
		m, err := s.content.Search(string(data), 0)
		return m != nil, err
	}
	for line := range strings.Lines(string(data)) {
		if m, err := s.content.Match(line); m != nil || err != nil {
			return m != nil, err
		}
	}
	return false, nil
}
