package unarchive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
)

// needsTar tells whether options were given that only tar itself knows.
func needsTar(args module.Args) bool {
	for _, o := range args.Strings("extra_opts") {
		if name, _, _ := strings.Cut(o, "="); strings.HasPrefix(name, "-") && name != "--strip-components" && name != "--strip" {
			return true
		}
	}
	return false
}

// tar runs GNU tar on the archive, with all that the user asked for.
func (u *unpacker) tar(ctx context.Context, operation string, options ...string) (tool.Output, error) {
	program := tool.Find(u.env, "gtar", "tar")
	if program == "" {
		return tool.Output{}, errors.New("Unable to find required 'gtar' or 'tar' binary in the path")
	}
	argv := append([]string{program, operation, "-C", u.dest}, options...)
	argv = append(append(argv, "--show-transformed-names"), u.args.Strings("extra_opts")...)
	for _, p := range u.args.Strings("exclude") {
		argv = append(argv, "--exclude="+strings.TrimRight(p, "/"))
	}
	argv = append(append(argv, "-f", u.a.path), u.args.Strings("include")...)
	return tool.Cmd{Argv: argv, Dir: u.dest}.Run(ctx, u.env)
}

func (u *unpacker) tarOptions() []string {
	var options []string
	for _, name := range []string{"owner", "group"} {
		if v := u.args.String(name); v != "" {
			options = append(options, "--"+name+"="+v)
		}
	}
	if u.args.Bool("keep_newer") {
		options = append(options, "--keep-newer-files")
	}
	return options
}

// What tar says of members that are not as in the archive.
var (
	otherOwner = lazyregexp.New(`: Uid differs$`)
	otherGroup = lazyregexp.New(`: Gid differs$`)
	otherMode  = lazyregexp.New(`: Mode differs$`)
	otherFile  = lazyregexp.New(`: Mod time differs$|: Warning: Cannot stat: No such file or directory$|: Invalid (owner|group)$`)
)

// compareByTar is compare by tar's own comparison.
func (u *unpacker) compareByTar(ctx context.Context) error {
	out, err := u.tar(ctx, "--list")
	if err != nil {
		return err
	}
	if out.RC != 0 {
		return fmt.Errorf("Unable to list files in the archive: %s", out.Stderr)
	}
	for name := range strings.Lines(out.Stdout) {
		name = strings.TrimLeft(strings.TrimRight(name, "\n"), "/")
		u.names = append(u.names, name)
		u.paths = append(u.paths, filepath.Join(u.dest, name))
	}
	if out, err = u.tar(ctx, "--diff", u.tarOptions()...); err != nil {
		return err
	}
	root := os.Geteuid() == 0
	for line := range strings.Lines(out.Stdout + out.Stderr) {
		line = strings.TrimRight(line, "\n")
		u.differs = u.differs || otherFile.MatchString(line) ||
			root && u.attrs.Owner == "" && otherOwner.MatchString(line) ||
			root && u.attrs.Group == "" && otherGroup.MatchString(line) ||
			u.attrs.Mode == nil && otherMode.MatchString(line)
	}
	return nil
}

// extractByTar is extract by tar.
func (u *unpacker) extractByTar(ctx context.Context) error {
	out, err := u.tar(ctx, "--extract", u.tarOptions()...)
	if err == nil && out.RC != 0 {
		err = errors.New(strings.TrimSpace(out.Stderr))
	}
	return err
}
