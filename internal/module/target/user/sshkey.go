package user

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/accounts"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
)

// sshKey makes the user's key if there is none, and tells about it.
func (t *task) sshKey(r *module.Result, have *accounts.User) *module.Result {
	path, err := t.keyFile(have)
	if err != nil {
		return module.Fail("%s", err).Set("name", t.name).Set("rc", 1)
	}
	force, wanted := t.args.Bool("force"), true
	switch there := files.Exists(path); {
	case there && force:
		r.Warnings = append(r.Warnings, fmt.Sprintf("Overwriting existing ssh key private file \"%s\"", path))
	case there:
		wanted = false
		r.Warnings = append(r.Warnings, fmt.Sprintf("Found existing ssh key private file \"%s\", no force, so skipping ssh-keygen generation", path))
	}
	// A public key that is there may be a link of the user's to a file of somebody
	// else, which ssh-keygen would write to.
	public := path + ".pub"
	_, err = os.Lstat(public)
	switch there := wanted && err == nil; {
	case there && force:
		r.Warnings = append(r.Warnings, fmt.Sprintf("Overwriting existing ssh key public file \"%s\"", public))
		if !t.env.Check {
			if err := os.Remove(public); err != nil {
				return t.fail(err)
			}
		}
	case there:
		wanted = false
		r.Warnings = append(r.Warnings, fmt.Sprintf("Found existing ssh key public file \"%s\", no force, so skipping ssh-keygen generation", public))
	}
	if wanted {
		r.Changed = true
		if !t.env.Check {
			if failed := t.makeKey(path, have); failed != nil {
				failed.Warnings = append(r.Warnings, failed.Warnings...)
				return failed
			}
		}
	}
	r.Set("ssh_key_file", path).Set("ssh_public_key", nil).Set("ssh_fingerprint", "")
	if data, err := os.ReadFile(path + ".pub"); err == nil {
		r.Set("ssh_public_key", strings.TrimSpace(string(data)))
	}
	if files.Exists(path) {
		out, err := tool.Run(t.ctx, t.env, "ssh-keygen", "-l", "-f", path)
		if err != nil {
			return t.fail(err)
		}
		text := out.Stdout
		if out.RC != 0 {
			text = out.Stderr
		}
		r.Set("ssh_fingerprint", strings.TrimSpace(text))
	}
	return nil
}

func (t *task) makeKey(path string, have *accounts.User) *module.Result {
	dir := filepath.Dir(path)
	if !files.Exists(dir) {
		err := os.Mkdir(dir, 0o700)
		if err == nil {
			err = os.Lchown(dir, have.UID, have.GID)
		}
		if err != nil {
			return module.Fail("Failed to create %s: %s", dir, err).Set("name", t.name).Set("rc", 1)
		}
	}
	comment := t.args.String("ssh_key_comment")
	if !t.args.Has("ssh_key_comment") {
		comment = "ansible-generated on " + hostname()
	}
	cmd := tool.Cmd{Argv: []string{"ssh-keygen", "-t", t.args.String("ssh_key_type")}, Stdin: "y\n"} // y: overwrite
	if bits := t.args.Int("ssh_key_bits"); bits > 0 {
		cmd.Argv = append(cmd.Argv, "-b", strconv.Itoa(bits))
	}
	cmd.Argv = append(cmd.Argv, "-C", comment, "-f", path)
	if t.args.Has("ssh_key_passphrase") {
		env, err := t.askpass()
		if err != nil {
			return t.fail(err)
		}
		cmd.Env = env
	} else {
		cmd.Argv = append(cmd.Argv, "-N", "")
	}
	out, err := cmd.Run(t.ctx, t.env)
	if err != nil {
		return t.fail(err)
	}
	if out.RC != 0 {
		return module.Fail("%s", out.Stderr).Set("name", t.name).Set("rc", out.RC)
	}
	if err := errors.Join(os.Lchown(path, have.UID, have.GID), os.Lchown(path+".pub", have.UID, have.GID)); err != nil {
		return t.fail(err)
	}
	return nil
}

// askpass is the environment in which ssh-keygen gets the passphrase from a
// program: on the command line every user of the machine could read it.
func (t *task) askpass() (map[string]string, error) {
	dir, err := t.env.TempDir()
	if err != nil {
		return nil, err
	}
	script := filepath.Join(dir, "askpass")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nprintf '%s\\n' \"$TUTTI_PASSPHRASE\"\n"), 0o700); err != nil {
		return nil, err
	}
	return map[string]string{
		"SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0",
		"TUTTI_PASSPHRASE": t.args.String("ssh_key_passphrase"),
	}, nil
}
