// Package synchronize is the module that brings directories in line with rsync,
// which runs on the controller, or on the host that the task is delegated to.
package synchronize

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module runs rsync.
var Module = module.Control{
	Spec: module.Spec{
		Name:    "ansible.posix.synchronize",
		Lacking: "synchronize requires both src and dest parameters are set",
		Summary: "Brings directories in line with rsync.",
		Notes:   []string{"Hosts are reached by the system's ssh program; for a password it takes sshpass."},
		Params: []module.Param{
			{Name: "src", Required: true, Doc: "What is copied; a slash at the end means what it holds."},
			{Name: "dest", Required: true, Doc: "Where to."},
			{Name: "mode", Default: "push", Choices: []any{"pull", "push"}, Doc: "From here to the host, or the other way."},
			{Name: "dest_port", Type: module.Int, Doc: "Port of SSH; by default the host's."},
			{Name: "delete", Type: module.Bool, Default: false, Doc: "Remove what src does not have."},
			{Name: "archive", Type: module.Bool, Default: true, Doc: "Keep everything: recursive, links, perms, times, owner, group."},
			{Name: "checksum", Type: module.Bool, Default: false, Doc: "Compare checksums rather than times and sizes."},
			{Name: "compress", Type: module.Bool, Default: true, Doc: "Compress on the way."},
			{Name: "existing_only", Type: module.Bool, Default: false, Doc: "Make no new files."},
			{Name: "dirs", Type: module.Bool, Default: false, Doc: "Directories without what they hold."},
			{Name: "recursive", Type: module.Bool, Doc: "What directories hold; as archive says."},
			{Name: "links", Type: module.Bool, Doc: "Links as links; as archive says."},
			{Name: "copy_links", Type: module.Bool, Default: false, Doc: "What links lead to instead of them."},
			{Name: "perms", Type: module.Bool, Doc: "Modes; as archive says."},
			{Name: "times", Type: module.Bool, Doc: "Times; as archive says."},
			{Name: "owner", Type: module.Bool, Doc: "Owners; as archive says."},
			{Name: "group", Type: module.Bool, Doc: "Groups; as archive says."},
			{Name: "rsync_path", Doc: "The rsync program of the host."},
			{Name: "rsync_timeout", Type: module.Int, Default: 0, Doc: "Seconds without data after which to give up."},
			{Name: "rsync_opts", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "More options."},
			{Name: "set_remote_user", Type: module.Bool, Default: true, Doc: "Log in as the user of the connection."},
			{Name: "use_ssh_args", Type: module.Bool, Default: false, Doc: "Give ssh the arguments of the connection."},
			{Name: "ssh_connection_multiplexing", Type: module.Bool, Default: false, Doc: "Let ssh share connections."},
			{Name: "private_key", Type: module.Path, Doc: "Key to log in with; by default the connection's."},
			{Name: "verify_host", Type: module.Bool, Default: false, Doc: "Check the key of the host."},
			{Name: "partial", Type: module.Bool, Default: false, Doc: "Keep files that came in part."},
			{Name: "delay_updates", Type: module.Bool, Default: true, Doc: "Put files into their places at the end."},
			{Name: "link_dest", Type: module.List, Elements: module.Str, Doc: "Directories to link unchanged files from."},
		},
		Hints: []parallel.Hint{parallel.Free()}, // rsync puts each file into its place in one go
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{{Name: "cmd", When: "always", Doc: "The command."}},
	},
	Plan: plan,
}

// mark begins the line of a file that rsync changes.
const mark = "<<CHANGED>>"

// task is one run of the module.
type task struct {
	c    module.Controller
	args module.Args
	argv []string
	host string // where the other end is; "" if both are on one machine
	away bool   // rsync runs on another host than the controller
	// password, if set, is what sshpass reads at its standard input.
	password string
}

func plan(ctx context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	t := &task{c: c, args: args}
	delegate := ""
	if m, ok := c.Var("ansible_delegated_vars").(*value.Map); ok {
		for name := range m.Strings() {
			delegate, t.away = name, true
		}
	}
	address, _ := c.Var("ansible_host").(string)
	local := c.Var("ansible_connection") == "local"
	switch {
	case t.away && (delegate == c.Host() || delegate == address), !t.away && local:
	case address != "" && !t.away:
		t.host = address
	default:
		t.host = c.Host()
	}
	src, dest := args.String("src"), args.String("dest")
	if strings.HasPrefix(src, "rsync://") && strings.HasPrefix(dest, "rsync://") {
		return &module.Plan{Done: module.Fail("either src or dest must be a localhost").Set("rc", 1)}, nil
	}
	src, dest, err := t.ends(src, dest)
	if err != nil {
		return nil, err
	}
	if err := t.build(src, dest); err != nil {
		return nil, err
	}
	if t.away {
		// In check mode too: rsync has its own.
		call := &module.Call{Module: "ansible.builtin.command", Args: value.MapOf("argv", value.FromGo(t.argv), "strip_empty_ends", false)}
		if t.password != "" {
			call.Args.Set("stdin", t.password)
			call.NoLog = true
		}
		r, err := c.Run(ctx, call)
		if err != nil {
			return nil, err
		}
		rc, _ := r.Get("rc").(int)
		stdout, _ := r.Get("stdout").(string)
		stderr, _ := r.Get("stderr").(string)
		if stderr == "" {
			stderr = r.Msg
		}
		return &module.Plan{Done: t.result(stdout, stderr, rc, r.Failed)}, nil
	}
	var stdin []byte
	if t.password != "" {
		if process.Find("sshpass", os.Environ()) == "" {
			return nil, errors.New("to use rsync connection with passwords, you must install the sshpass program")
		}
		stdin = []byte(t.password + "\n")
	}
	var out process.Output
	c.Meanwhile(func() { out, err = process.Run(ctx, process.Cmd{Argv: t.argv, Env: os.Environ(), Stdin: stdin}) })
	if err != nil {
		return nil, fmt.Errorf("rsync cannot be run on the controller: %w", err)
	}
	return &module.Plan{Done: t.result(string(out.Stdout), string(out.Stderr), out.RC, out.RC != 0)}, nil
}

// ends are src and dest as rsync gets them: one of them may be on the host.
func (t *task) ends(src, dest string) (string, string, error) {
	pull := t.args.String("mode") == "pull"
	away := func(path string) string {
		if strings.HasPrefix(path, "rsync://") || t.host == "" {
			return path
		}
		user, _ := t.c.Var("ansible_user").(string)
		if user != "" && t.args.Bool("set_remote_user") {
			user += "@"
		} else {
			user = ""
		}
		if strings.Contains(t.host, ":") { // an address of IPv6
			return "[" + user + t.host + "]:" + path
		}
		return user + t.host + ":" + path
	}
	here := func(path string, exists bool) (string, error) {
		if strings.Contains(path, ":") || strings.HasPrefix(path, "/") {
			return path, nil
		}
		path = module.Expander(os.Environ())(path)
		if !exists {
			return path, nil
		}
		full, err := t.c.FindFile("files", path)
		if err == nil && strings.HasSuffix(path, "/") && !strings.HasSuffix(full, "/") {
			full += "/"
		}
		return full, err
	}
	var err error
	if pull {
		src = away(src)
		dest, err = here(dest, false)
	} else {
		if src, err = here(src, true); err == nil {
			dest = away(dest)
		}
	}
	return src, dest, err
}

// build makes the command.
func (t *task) build(src, dest string) error {
	a := t.args
	flag := func(param, option string) {
		if a.Bool(param) {
			t.argv = append(t.argv, option)
		}
	}
	rsync, _ := t.c.Var("ansible_rsync_path").(string)
	if rsync == "" {
		rsync = "rsync"
	}
	if t.argv = []string{rsync}; t.host != "" {
		if t.password = t.secret(); t.password != "" {
			t.argv = []string{"sshpass", "-d0", rsync}
		}
	}
	if a.Bool("delay_updates") {
		t.argv = append(t.argv, "--delay-updates", "-F")
	}
	flag("compress", "--compress")
	if s := a.Int("rsync_timeout"); s != 0 {
		t.argv = append(t.argv, "--timeout="+strconv.Itoa(s))
	}
	if t.c.Check() {
		t.argv = append(t.argv, "--dry-run")
	}
	flag("delete", "--delete-after")
	flag("existing_only", "--existing")
	flag("checksum", "--checksum")
	flag("copy_links", "--copy-links")
	flag("archive", "--archive")
	for _, what := range []string{"recursive", "links", "perms", "times", "owner", "group"} {
		switch {
		case !a.Has(what):
		case a.Bool(what) && !a.Bool("archive"):
			t.argv = append(t.argv, "--"+what)
		case !a.Bool(what) && a.Bool("archive"):
			t.argv = append(t.argv, "--no-"+what)
		}
	}
	flag("dirs", "--dirs")
	opts := a.Strings("rsync_opts")
	daemon := strings.HasPrefix(src, "rsync://") || strings.HasPrefix(dest, "rsync://")
	if !daemon && strings.Contains(src+dest, ":") && !strings.Contains(strings.Join(opts, " "), "--rsh") {
		shell, err := t.shell()
		if err != nil {
			return err
		}
		t.argv = append(t.argv, "--rsh="+shell)
	}
	path := a.String("rsync_path")
	if user := t.c.Become(); path == "" && user != "" && t.host != "" {
		path = "sudo -u " + user + " rsync"
	}
	if path != "" {
		t.argv = append(t.argv, "--rsync-path="+path)
	}
	// What is in an option is split like the whole of a command.
	words, err := files.SplitCommand(strings.Join(opts, " "))
	if err != nil {
		return fmt.Errorf("cannot split rsync_opts into words: %w", err)
	}
	t.argv = append(t.argv, words...)
	flag("partial", "--partial")
	if links := a.Strings("link_dest"); len(links) > 0 {
		// Without -vv rsync says nothing of files that it links.
		t.argv = append(t.argv, "-H", "-vv")
		for _, l := range links {
			l = filepath.Clean(module.Expander(os.Environ())(l))
			if strings.HasPrefix(filepath.Dir(dest), l) {
				return fmt.Errorf("Hardlinking into a subdirectory of the source would cause recursion. %s and %s", filepath.Dir(dest), dest)
			}
			t.argv = append(t.argv, "--link-dest="+l)
		}
	}
	t.argv = append(t.argv, "--out-format="+mark+"%i %n%L", src, dest)
	if src == "" || dest == "" {
		return errors.New("src and dest cannot be empty")
	}
	return nil
}

// secret is the password of the host, if it has one.
func (t *task) secret() string {
	for _, name := range []string{"ansible_ssh_pass", "ansible_password"} {
		if s, ok := t.c.Var(name).(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// shell is how rsync reaches the host.
func (t *task) shell() (string, error) {
	ssh := "ssh"
	if !t.away {
		if ssh = process.Find(ssh, os.Environ()); ssh == "" {
			return "", errors.New("the controller has no program ssh in its PATH, with which rsync reaches hosts")
		}
	}
	words := []string{ssh}
	if !t.args.Bool("ssh_connection_multiplexing") {
		words = append(words, "-S", "none")
	}
	key := t.args.String("private_key")
	if key == "" {
		key, _ = t.c.Var("ansible_ssh_private_key_file").(string)
	}
	if key != "" {
		words = append(words, "-i", key)
	}
	port := value.Str(t.c.Var("ansible_port"))
	if t.args.Has("dest_port") {
		port = strconv.Itoa(t.args.Int("dest_port"))
	}
	if port != "" && port != "None" {
		words = append(words, "-o", "Port="+port)
	}
	if !t.args.Bool("verify_host") {
		words = append(words, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
	}
	for i, w := range words {
		words[i] = files.Quote(w)
	}
	if t.args.Bool("use_ssh_args") {
		for _, name := range []string{"ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"} {
			if v, ok := t.c.Var(name).(string); ok && v != "" {
				words = append(words, v)
			}
		}
	}
	return strings.Join(words, " "), nil
}

func (t *task) result(stdout, stderr string, rc int, failed bool) *module.Result {
	quoted := make([]string, len(t.argv))
	for i, w := range t.argv {
		name, v, ok := strings.Cut(w, "=")
		if quoted[i] = files.Quote(w); ok && strings.HasPrefix(w, "--") {
			quoted[i] = name + "=" + files.Quote(v)
		}
	}
	cmd := strings.Join(quoted, " ")
	r := module.OK()
	if failed {
		r = module.Fail("%s", stderr).Set("rc", rc).Set("cmd", cmd)
	}
	if slices.Contains(t.args.Strings("rsync_opts"), "") {
		r.Warnings = append(r.Warnings, "The empty string is present in rsync_opts which will cause rsync to transfer the current working directory. "+
			"If this is intended, use \".\" instead to get rid of this warning. If this is unintended, check for problems in your playbook leading to empty string in rsync_opts.")
	}
	if failed {
		return r
	}
	r.Changed = strings.Contains(stdout, mark)
	if len(t.args.List("link_dest")) > 0 {
		r.Changed = !strings.Contains(stdout, mark+".")
	}
	said := strings.ReplaceAll(stdout, mark, "")
	lines := []any{}
	for line := range strings.SplitSeq(said, "\n") {
		if line != "" {
			lines = append(lines, line)
		}
	}
	if t.c.Diff() {
		r.Diff = value.MapOf("prepared", said)
	}
	return r.Set("msg", said).Set("rc", rc).Set("cmd", cmd).Set("stdout_lines", lines)
}
