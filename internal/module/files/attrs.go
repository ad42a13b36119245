package files

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/module"
)

// Attrs is what a task asks of a file besides its content. Empty fields ask
// for nothing.
type Attrs struct {
	Owner, Group string
	Mode         any // nil, an int or text (see ParseMode)
	SE           Context
	Attributes   string // as chattr's argument
}

// AttrsOf reads the common parameters.
func AttrsOf(args module.Args) Attrs {
	return Attrs{
		Owner: args.String("owner"), Group: args.String("group"), Mode: args.Any("mode"),
		SE:         Context{args.String("seuser"), args.String("serole"), args.String("setype"), args.String("selevel")},
		Attributes: args.String("attributes"),
	}
}

// Apply gives path the attributes and reports whether anything had to change.
// With check it changes nothing and tells what would; a path that is not there
// yet would. Links are not followed.
func (a Attrs) Apply(path string, check bool, d *Diff) (changed bool, err error) {
	if check && a != (Attrs{}) {
		if _, err := os.Lstat(path); err != nil {
			return true, nil
		}
	}
	for _, set := range []func(string, bool, *Diff) (bool, error){
		a.applyContext, a.applyOwner, a.applyGroup, a.applyMode, a.applyFlags,
	} {
		did, err := set(path, check, d)
		if err != nil {
			return changed, err
		}
		changed = changed || did
	}
	return changed, nil
}

func lstat(path string) (st syscall.Stat_t, err error) {
	if err = syscall.Lstat(path, &st); err != nil {
		err = &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return st, err
}

func (a Attrs) applyOwner(path string, check bool, d *Diff) (bool, error) {
	if a.Owner == "" {
		return false, nil
	}
	uid, ok := UserID(a.Owner)
	if !ok {
		return false, &AttrError{Path: path, Msg: "chown failed: failed to look up user " + a.Owner}
	}
	st, err := lstat(path)
	if err != nil || int(st.Uid) == uid {
		return false, err
	}
	d.Note("owner", int(st.Uid), uid)
	if !check {
		if err := os.Lchown(path, uid, -1); err != nil {
			return false, &AttrError{Path: path, Msg: "chown failed"}
		}
	}
	return true, nil
}

func (a Attrs) applyGroup(path string, check bool, d *Diff) (bool, error) {
	if a.Group == "" {
		return false, nil
	}
	gid, ok := GroupID(a.Group)
	if !ok {
		return false, &AttrError{Path: path, Msg: "chgrp failed: failed to look up group " + a.Group}
	}
	st, err := lstat(path)
	if err != nil || int(st.Gid) == gid {
		return false, err
	}
	d.Note("group", int(st.Gid), gid)
	if !check {
		if err := os.Lchown(path, -1, gid); err != nil {
			return false, &AttrError{Path: path, Msg: "chgrp failed"}
		}
	}
	return true, nil
}

func (a Attrs) applyMode(path string, check bool, d *Diff) (bool, error) {
	if a.Mode == nil {
		return false, nil
	}
	st, err := lstat(path)
	if err != nil {
		return false, err
	}
	have := uint32(st.Mode) & 07777
	want, err := ParseMode(a.Mode, have, stateOf(&st) == Directory)
	var bad *AttrError
	if errors.As(err, &bad) {
		bad.Path = path
	}
	if err != nil || want == have {
		return false, err
	}
	d.Note("mode", FormatMode(have), FormatMode(want))
	if stateOf(&st) == Link {
		return check, nil // Linux keeps no mode for a link, but only trying shows it
	}
	if !check {
		if err := syscall.Chmod(path, want); err != nil {
			return false, &AttrError{path, "chmod failed", Errno(err, path)}
		}
	}
	return true, nil
}

func (a Attrs) applyFlags(path string, check bool, d *Diff) (bool, error) {
	if a.Attributes == "" || IsLink(path) {
		return false, nil
	}
	text, op := a.Attributes, byte('=')
	if strings.ContainsRune("+-=", rune(text[0])) {
		op, text = text[0], text[1:]
	}
	want, err := parseFlags(text)
	if err != nil {
		return false, &AttrError{path, "chattr failed", err.Error()}
	}
	have, err := getFlags(path)
	if err != nil {
		return false, fmt.Errorf("cannot read the attributes of %s: %w", path, err)
	}
	next := want | have&^settableFlags
	switch op {
	case '+':
		next = have | want
	case '-':
		next = have &^ want
	}
	if next == have {
		return false, nil
	}
	d.Note("attributes", formatFlags(have), string(op)+text)
	if !check {
		if err := setFlags(path, next); err != nil {
			return false, &AttrError{path, "chattr failed", err.Error()}
		}
	}
	return true, nil
}
