package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// Edit is a change of one file's text: read it with Open, then Save the new
// text. The file is locked from the one to Close.
type Edit struct {
	Path   string
	Before []byte // nil if there is no file
	Exists bool

	env    *module.Env
	args   module.Args
	unlock func()

	attributes bool  // Save changed them
	diff       *Diff // how
}

// EditParams are the parameters of modules that edit a file: where it is, and
// what all of them can do with it.
func EditParams(own ...module.Param) []module.Param {
	p := append([]module.Param{{Name: "path", Type: module.Path, Required: true, Aliases: []string{"dest", "destfile", "name"}, Doc: "The file."}}, own...)
	p = append(p,
		module.Param{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old file under a dated name."},
		module.Param{Name: "validate", Doc: "Command that checks the new file, %s, before it is used."},
	)
	return append(p, CommonParams()...)
}

// Open locks the file at the parameter path and reads it. A file that is not
// there is not an error yet.
func Open(env *module.Env, args module.Args) (*Edit, *module.Result) {
	e := &Edit{Path: args.String("path"), env: env, args: args, diff: &Diff{Before: value.NewMap(0), After: value.NewMap(0)}}
	if IsDir(e.Path) {
		return nil, module.Fail("Path %s is a directory !", e.Path).Set("rc", 256)
	}
	e.unlock = Lock(e.Path)
	data, err := os.ReadFile(e.Path)
	switch {
	case err == nil:
		e.Before, e.Exists = data, true
	case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
		e.unlock()
		return nil, module.Fail("Unable to read the contents of %s: %s", e.Path, err)
	}
	return e, nil
}

// Close unlocks the file.
func (e *Edit) Close() { e.unlock() }

// Save writes the new text, unless in check mode, and returns the name of the
// backup, if one was made. It writes through links, but the attributes are to be
// those of the link.
func (e *Edit) Save(ctx context.Context, after []byte) (backup string, err error) {
	if e.env.Check {
		return "", nil
	}
	path := RealPath(e.Path)
	if !e.Exists {
		if dir := filepath.Dir(path); !Exists(dir) {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return "", fmt.Errorf("Error creating %s (%w)", dir, err)
			}
		}
	}
	attrs := AttrsOf(e.args)
	if IsLink(e.Path) {
		attrs = Attrs{}
	}
	done, err := Replacement{
		Path: path, Attrs: attrs, Validate: e.args.String("validate"), Environ: e.env.Environ,
		Unsafe: e.args.Bool("unsafe_writes"), Diff: e.diff,
	}.writeAfterBackup(ctx, after, e)
	var invalid *ValidationError
	if errors.As(err, &invalid) {
		return "", fmt.Errorf("failed to validate: rc:%d error:%s", invalid.RC, invalid.Stderr)
	}
	return done.BackupFile, err
}

// writeAfterBackup names the backup after the path that the user gave.
func (c Replacement) writeAfterBackup(ctx context.Context, after []byte, e *Edit) (Replaced, error) {
	backup := ""
	if e.args.Bool("backup") && e.Exists {
		var err error
		if backup, err = Backup(e.Path); err != nil {
			return Replaced{}, err
		}
	}
	done, err := c.Write(ctx, bytes.NewReader(after))
	done.BackupFile = backup
	e.attributes = done.Attributes
	return done, err
}

// Finish sets the file's attributes and completes the result of a change to
// after, with msg about the content and a diff of both.
func (e *Edit) Finish(r *module.Result, after []byte, msg string) *module.Result {
	content := value.MapOf("before", "", "after", "", "before_header", e.Path+" (content)", "after_header", e.Path+" (content)")
	if e.env.Diff {
		content.Set("before", string(e.Before))
		content.Set("after", string(after))
	}
	if e.env.Check && !e.Exists {
		r.Diff = content
		r.Set("msg", msg)
		return r
	}
	attrs, failed := e.Attrs(r, e.diff, msg)
	if failed != nil {
		return failed
	}
	attrs.Set("before_header", e.Path+" (file attributes)")
	attrs.Set("after_header", e.Path+" (file attributes)")
	r.Diff = []any{content, attrs}
	return r
}

// Attrs sets the file's attributes and the result's msg.
func (e *Edit) Attrs(r *module.Result, d *Diff, msg string) (*value.Map, *module.Result) {
	changed, err := AttrsOf(e.args).Apply(e.Path, e.env.Check, d)
	if err != nil {
		return nil, Fail(err)
	}
	if changed || e.attributes {
		if r.Changed {
			msg += " and "
		}
		r.Changed = true
		msg += "ownership, perms or SE linux context changed"
	}
	r.Set("msg", msg)
	attrs := value.NewMap(4)
	if d != nil && d.Before.Len() > 0 {
		attrs.Set("before", d.Before)
		attrs.Set("after", d.After)
	}
	return attrs, nil
}
