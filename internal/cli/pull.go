package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/internal/config"
)

// pullOptions are the flags of tutti pull.
type pullOptions struct {
	url, dest, checkout, module    string
	purge, onlyIfChanged, force    bool
	full, acceptKey, verify, clean bool
	trackSubmodules, listHosts     bool
	sleep                          int

	inventory  []string
	limit      string
	modulePath string
	verbose    int
}

// handedOn are the flags that the two commands of a pull get as they are: the
// checkout those of the first list, the playbooks both.
var handedOn = [2][]string{
	{"private-key", "ssh-common-args", "ssh-extra-args", "sftp-extra-args", "scp-extra-args", "user", "timeout", "extra-vars", "vault-id", "vault-password-file", "ask-vault-password"},
	{"ask-become-pass", "become-password-file", "ask-pass", "connection-password-file", "tags", "skip-tags", "check", "diff"},
}

func newPullCommand(s Streams) *cobra.Command {
	o := &pullOptions{}
	cmd := &cobra.Command{
		Use:   "pull -U URL [PLAYBOOK...]",
		Short: "Fetch playbooks from a repository and play them here (as ansible-pull)",
		RunE:  func(cmd *cobra.Command, args []string) error { return runPull(cmd.Context(), s, cmd.Flags(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.url, "url", "U", "", "the repository")
	f.StringVarP(&o.dest, "directory", "d", "", "where to check it out (~/.ansible/pull/HOST)")
	f.StringVarP(&o.checkout, "checkout", "C", "", "the branch, tag or commit")
	f.StringVarP(&o.module, "module-name", "m", "git", "the module that fetches: git, subversion, hg or bzr")
	f.BoolVar(&o.purge, "purge", false, "remove the checkout when the playbook has been played")
	f.BoolVarP(&o.onlyIfChanged, "only-if-changed", "o", false, "play only if the repository has changed")
	f.BoolVarP(&o.force, "force", "f", false, "play even if the repository cannot be fetched")
	f.IntVarP(&o.sleep, "sleep", "s", 0, "wait up to so many seconds first, so that not all hosts fetch at once")
	f.BoolVar(&o.full, "full", false, "fetch the whole history")
	f.BoolVar(&o.acceptKey, "accept-host-key", false, "accept the repository's host key if it is not known")
	f.BoolVar(&o.verify, "verify-commit", false, "check the signature of the commit")
	f.BoolVar(&o.clean, "clean", false, "throw away what was changed in the checkout")
	f.BoolVar(&o.trackSubmodules, "track-subs", false, "take the newest commits of submodules")
	f.BoolVar(&o.listHosts, "list-hosts", false, "list the hosts and do nothing")
	f.StringArrayVarP(&o.inventory, "inventory", "i", nil, "inventory (localhost)")
	f.StringVarP(&o.limit, "limit", "l", "", "only these hosts (this one, by all its names)")
	f.StringVarP(&o.modulePath, "module-path", "M", "", "folders with modules")
	f.CountVarP(&o.verbose, "verbose", "v", "say more (up to -vvvv)")

	known := newPlayCommand(s).Flags()
	for _, name := range slices.Concat(handedOn[0], handedOn[1], []string{"connection", "vault-pass-file", "ask-vault-pass", "key-file", "become-pass-file", "conn-pass-file"}) {
		flag := *known.Lookup(name)
		if f.ShorthandLookup(flag.Shorthand) != nil && flag.Shorthand != "" || name == "check" {
			flag.Shorthand = "" // it means something else here
		}
		f.AddFlag(&flag)
	}
	return cmd
}

// runPull fetches the repository and plays the playbooks in it. Each is a command
// of its own, since the playbooks' folder brings its own configuration.
func runPull(ctx context.Context, s Streams, f *pflag.FlagSet, o *pullOptions, playbooks []string) error {
	if o.url == "" {
		return optionsError{errors.New("URL for repository not specified, use -h for help")}
	}
	if !slices.Contains([]string{"git", "subversion", "hg", "bzr"}, o.module) {
		return optionsError{fmt.Errorf("Unsupported repo module %s, choices are git, subversion, hg, bzr", o.module)}
	}
	c, err := config.Load(os.Getenv)
	if err != nil {
		return optionsError{err}
	}
	names := hostNames()
	dest, err := pullDir(o.dest, names[0])
	if err != nil {
		return err
	}
	if o.sleep > 0 {
		wait := time.Duration(rand.IntN(o.sleep)) * time.Second
		fmt.Fprintf(s.Out, "Sleeping for %d seconds...\n", int(wait.Seconds()))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	fmt.Fprintf(s.Out, "Starting Ansible Pull at %s\n%s\n", time.Now().Format(time.DateTime), strings.Join(os.Args, " "))
	limit := "localhost," + strings.Join(names, ",") + ",127.0.0.1"
	here := o.here(c)

	fetch := slices.Concat([]string{"run", limit, "-c", "local", "-m", o.module, "-a", o.moduleArgs(dest)}, here, given(f, handedOn[0]))
	var said bytes.Buffer
	if err := again(ctx, s, io.MultiWriter(s.Out, &said), "", fetch); err != nil {
		if !o.force {
			return err
		}
		fmt.Fprintln(s.Err, "[WARNING]: Unable to update repository. Continuing with (forced) run of playbook.")
	} else if o.onlyIfChanged && !bytes.Contains(said.Bytes(), []byte(`"changed": true`)) {
		fmt.Fprintln(s.Out, "Repository has not changed, quitting.")
		return nil
	}
	files, err := choosePlaybooks(dest, playbooks, names)
	if err != nil {
		return err
	}
	play := slices.Concat([]string{"play"}, here, given(f, handedOn[0]), given(f, handedOn[1]), given(f, []string{"connection"}))
	if o.modulePath != "" {
		play = append(play, "-M", o.modulePath)
	}
	if o.listHosts {
		play = append(play, "--list-hosts")
	}
	if o.limit != "" {
		limit = o.limit
	}
	play = slices.Concat(play, []string{"-l", limit}, files)
	err = again(ctx, s, s.Out, dest, play)
	if o.purge {
		if rerr := os.RemoveAll(dest); rerr != nil {
			err = errors.Join(err, fmt.Errorf("Failed to remove: %s: %w", dest, rerr))
		}
	}
	return err
}

// here are the arguments that name the inventory and how much is said.
func (o *pullOptions) here(c *config.Config) []string {
	var out []string
	sources := o.inventory
	if len(sources) == 0 && c.Origin("DEFAULT_HOST_LIST") == "default" && !isFile("/etc/ansible/hosts") {
		sources = []string{"localhost,"}
	}
	for _, s := range sources {
		if !strings.Contains(s, ",") { // the playbooks are played elsewhere
			if abs, err := filepath.Abs(s); err == nil {
				s = abs
			}
		}
		out = append(out, "-i", s)
	}
	if o.verbose > 0 {
		out = append(out, "-"+strings.Repeat("v", o.verbose))
	}
	return out
}

// moduleArgs are the arguments of the module that fetches.
func (o *pullOptions) moduleArgs(dest string) string {
	var args []string
	set := func(name string, wanted bool, v string) {
		if wanted {
			args = append(args, name+"="+v)
		}
	}
	git, repo, revision := o.module == "git", "name", "version"
	if o.module == "subversion" || o.module == "hg" {
		repo, revision = "repo", "revision"
	}
	set(repo, true, quoteArg(o.url))
	set("dest", true, quoteArg(dest))
	set(revision, o.checkout != "", quoteArg(o.checkout))
	set("accept_hostkey", git && o.acceptKey, "yes")
	set("verify_commit", git && o.verify, "yes")
	set("force", o.clean, "yes")
	set("track_submodules", git && o.trackSubmodules, "yes")
	set("depth", git && !o.full, "1")
	return strings.Join(args, " ")
}

// quoteArg writes a value so that name=value text gives it back.
func quoteArg(v string) string {
	if !strings.ContainsAny(v, " \t'\"\\") {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

// hostNames are this machine's names, the full one first.
func hostNames() []string {
	node, err := os.Hostname()
	if err != nil {
		return []string{"localhost"}
	}
	full := node
	if found, err := net.LookupCNAME(node); err == nil && found != "" {
		full = strings.TrimSuffix(found, ".")
	}
	var out []string
	for _, name := range []string{full, node} {
		short, _, _ := strings.Cut(name, ".")
		for _, n := range []string{name, short} {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// pullDir is where the repository is checked out.
func pullDir(asked, host string) (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if asked == "" {
		return filepath.Join(home, ".ansible", "pull", host), nil
	}
	if rest, ok := strings.CutPrefix(asked, "~/"); ok {
		asked = filepath.Join(home, rest)
	}
	return filepath.Abs(os.ExpandEnv(asked))
}

// choosePlaybooks are the playbooks named, else the one for this host, else
// local.yml.
func choosePlaybooks(dest string, named, hosts []string) ([]string, error) {
	var out, tried []string
	for _, name := range named {
		path := filepath.Join(dest, name)
		if !isFile(path) {
			return nil, optionsError{fmt.Errorf("Could not find a playbook to run: %s: File does not exist", path)}
		}
		out = append(out, path)
	}
	if len(named) > 0 {
		return out, nil
	}
	for _, base := range append(slices.Clone(hosts), "local") {
		for _, ext := range []string{".yml", ".yaml"} {
			path := filepath.Join(dest, base+ext)
			if isFile(path) {
				return []string{path}, nil
			}
			tried = append(tried, path)
		}
	}
	return nil, optionsError{fmt.Errorf("Could not find a playbook to run: there is none of %s", strings.Join(tried, ", "))}
}

// given repeats those of the flags that the user has set.
func given(f *pflag.FlagSet, names []string) []string {
	var out []string
	for _, name := range names {
		flag := f.Lookup(name)
		switch v := flag.Value.(type) {
		case pflag.SliceValue:
			for _, e := range v.GetSlice() {
				out = append(out, "--"+name+"="+e)
			}
		default:
			if s := flag.Value.String(); s != flag.DefValue {
				out = append(out, "--"+name+"="+s)
			}
		}
	}
	return out
}

// again runs another command of this program, in a folder.
func again(ctx context.Context, s Streams, out io.Writer, dir string, args []string) error {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Args[0] = "tutti"
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, s.In, out, s.Err
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exitCode(exit.ExitCode())
	}
	return err
}
