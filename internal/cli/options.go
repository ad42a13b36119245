package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// options are the flags that several commands share, under Ansible's names.
type options struct {
	inventory     []string
	limit         string
	extraVars     []string
	forks         int
	check, diff   bool
	become        bool
	askBecome     bool
	becomeUser    string
	becomeMethod  string
	becomePwFile  string
	user          string
	privateKey    string
	askPass       bool
	connPwFile    string
	connection    string
	timeout       int
	verbose       int
	vaultIDs      []string
	vaultPwFiles  []string
	askVault      bool
	sshCommonArgs string
	sshExtraArgs  string
	sftpExtraArgs string
	scpExtraArgs  string
	tags          []string
	skipTags      []string
	flushCache    bool
	forceHandlers bool
	modulePath    []string
	playbookDir   string
	policy        string
	eventsFile    string
	metricsFile   string
}

// inventoryFlags are those of every command that reads an inventory.
func (o *options) inventoryFlags(f *pflag.FlagSet) {
	f.StringArrayVarP(&o.inventory, "inventory", "i", nil, "inventory: a file, folder, script, or list of hosts with commas (repeat for more)")
	f.StringArrayVar(&o.inventory, "inventory-file", nil, "deprecated name of --inventory")
	_ = f.MarkHidden("inventory-file")
	f.StringVarP(&o.limit, "limit", "l", "", "only these hosts: a pattern, or @FILE")
	f.StringArrayVarP(&o.extraVars, "extra-vars", "e", nil, "variables: name=value, YAML, JSON, or @FILE (repeat for more)")
	f.CountVarP(&o.verbose, "verbose", "v", "say more (up to -vvvv)")
	o.vaultFlags(f)
	f.StringVar(&o.playbookDir, "playbook-dir", "", "folder with roles, group_vars and the like, where no playbook is named")
}

// vaultFlags are those that name vault passwords.
func (o *options) vaultFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.vaultIDs, "vault-id", nil, "vault password: [id@]FILE or [id@]prompt (repeat for more)")
	f.StringArrayVar(&o.vaultPwFiles, "vault-password-file", nil, "file, or program, that gives the vault password")
	f.StringArrayVar(&o.vaultPwFiles, "vault-pass-file", nil, "same as --vault-password-file")
	f.BoolVarP(&o.askVault, "ask-vault-password", "J", false, "ask for the vault password")
	f.BoolVar(&o.askVault, "ask-vault-pass", false, "same as --ask-vault-password")
}

// runFlags are those of the commands that do something on hosts.
func (o *options) runFlags(f *pflag.FlagSet) {
	f.IntVarP(&o.forks, "forks", "f", 0, "how many calls to targets at the same time")
	f.BoolVarP(&o.check, "check", "C", false, "change nothing, say what would change")
	f.BoolVarP(&o.diff, "diff", "D", false, "show what changes in files")
	f.BoolVarP(&o.become, "become", "b", false, "become another user on the targets")
	f.BoolVarP(&o.askBecome, "ask-become-pass", "K", false, "ask for the password for --become")
	f.StringVar(&o.becomeUser, "become-user", "", "the user to become (root)")
	f.StringVar(&o.becomeMethod, "become-method", "", "how to become (sudo)")
	f.StringVar(&o.becomePwFile, "become-password-file", "", "file with the password for --become")
	f.StringVar(&o.becomePwFile, "become-pass-file", "", "same as --become-password-file")
	f.StringVarP(&o.user, "user", "u", "", "the user to log in as")
	f.StringVar(&o.privateKey, "private-key", "", "the key to log in with")
	f.StringVar(&o.privateKey, "key-file", "", "same as --private-key")
	f.BoolVarP(&o.askPass, "ask-pass", "k", false, "ask for the password to log in with")
	f.StringVar(&o.connPwFile, "connection-password-file", "", "file with the password to log in with")
	f.StringVar(&o.connPwFile, "conn-pass-file", "", "same as --connection-password-file")
	f.StringVarP(&o.connection, "connection", "c", "", "how to reach hosts: ssh, openssh, local, chroot, docker or podman")
	f.IntVarP(&o.timeout, "timeout", "T", 0, "seconds to wait for a connection")
	f.StringVar(&o.sshCommonArgs, "ssh-common-args", "", "arguments for ssh (such as -o ProxyJump=...)")
	f.StringVar(&o.sshExtraArgs, "ssh-extra-args", "", "more arguments for ssh")
	f.StringVar(&o.sftpExtraArgs, "sftp-extra-args", "", "accepted and not used: files travel on the ssh connection")
	f.StringVar(&o.scpExtraArgs, "scp-extra-args", "", "accepted and not used: files travel on the ssh connection")
	f.StringArrayVarP(&o.modulePath, "module-path", "M", nil, "folders with modules")
	f.StringVar(&o.policy, "policy", "", "the operator's policy: hints for modules, collections and commands (/etc/tutti/policy.yml)")
	f.StringVar(&o.metricsFile, "metrics", "", "Prometheus metrics: served at HOST:PORT while the run lasts, or written to this file at its end")
	f.StringVar(&o.eventsFile, "events", "", "write every event as a line of JSON to this file")
}

// complete takes in the configuration for what the command line left open.
func (o *options) complete(cmd *cobra.Command, c *config.Config) {
	if len(o.inventory) == 0 {
		o.inventory = c.List("DEFAULT_HOST_LIST")
	}
	if f := cmd.Flags().Lookup("forks"); f == nil || !f.Changed {
		o.forks = c.Int("DEFAULT_FORKS")
	}
	o.verbose = max(o.verbose, 0)
	if o.verbose == 0 {
		o.verbose = c.Int("DEFAULT_VERBOSITY")
	}
	o.become = o.become || c.Bool("DEFAULT_BECOME")
	o.askBecome = o.askBecome || c.Bool("DEFAULT_BECOME_ASK_PASS")
	o.askPass = o.askPass || c.Bool("DEFAULT_ASK_PASS")
	o.diff = o.diff || c.Bool("DIFF_ALWAYS")
	text := func(into *string, name string) {
		if *into == "" {
			*into = c.Text(name)
		}
	}
	text(&o.becomeUser, "DEFAULT_BECOME_USER")
	text(&o.becomeMethod, "DEFAULT_BECOME_METHOD")
	text(&o.user, "DEFAULT_REMOTE_USER")
	text(&o.connection, "DEFAULT_TRANSPORT")
	text(&o.sshCommonArgs, "SSH_COMMON_ARGS")
	text(&o.sshExtraArgs, "SSH_EXTRA_ARGS")
	if o.privateKey == "" {
		o.privateKey = c.Path("DEFAULT_PRIVATE_KEY_FILE")
	}
	if o.timeout == 0 {
		o.timeout = c.Int("DEFAULT_TIMEOUT")
	}
	if len(o.tags) == 0 {
		o.tags = c.List("TAGS_RUN")
	}
	if len(o.skipTags) == 0 {
		o.skipTags = c.List("TAGS_SKIP")
	}
	o.tags, o.skipTags = splitCommas(o.tags), splitCommas(o.skipTags)
	o.forceHandlers = o.forceHandlers || c.Bool("DEFAULT_FORCE_HANDLERS")
	if len(o.tags) == 0 {
		o.tags = []string{"all"}
	}
}

func splitCommas(list []string) []string {
	var out []string
	for _, e := range list {
		for _, s := range strings.Split(e, ",") {
			out = append(out, strings.TrimSpace(s)) // an empty one is the tag of no task
		}
	}
	return out
}

// readExtraVars reads -e: name=value pairs, YAML or JSON, or files of it.
func (ses *session) readExtraVars(args []string) (*value.Map, error) {
	o := yaml.Options{Vault: ses.inlineVault}
	out := value.NewMap(8)
	for _, arg := range args {
		arg = strings.TrimSpace(arg)
		var v any
		switch {
		case arg == "":
			continue
		case arg[0] == '@':
			path := arg[1:]
			data, sealed, err := ses.unseal(path)
			if err != nil {
				return nil, optionsError{fmt.Errorf("the file %s of --extra-vars cannot be read: %w", path, err)}
			}
			n, err := yaml.Parse(data, path, o)
			if err != nil {
				return nil, err
			}
			if v = n.Value(); sealed {
				ses.secrets.AddValues(v)
			}
		case arg[0] == '/' || arg[0] == '.':
			return nil, optionsError{fmt.Errorf("Please prepend extra_vars filename '%s' with '@'", arg)}
		case arg[0] == '{' || arg[0] == '[':
			n, err := yaml.Parse([]byte(arg), "--extra-vars", o)
			if err != nil {
				return nil, err
			}
			v = n.Value()
		default:
			kv, err := module.ParseKV(arg, false)
			if err != nil {
				return nil, optionsError{err}
			}
			if kv.Has("_raw_params") {
				kv.Delete("_raw_params")
			}
			v = value.MarkTemplates(kv, diag.Pos{File: "--extra-vars"})
		}
		m, ok := v.(*value.Map)
		if !ok {
			return nil, optionsError{fmt.Errorf("Invalid extra vars data supplied. '%s' could not be made into a dictionary", arg)}
		}
		out.Update(m)
	}
	return out, nil
}

// limitParts reads --limit: parts of a pattern, and files with one part a line.
func limitParts(limit string) ([]string, error) {
	var parts []string
	for _, p := range inventory.SplitPattern(limit) {
		path, isFile := strings.CutPrefix(p, "@")
		if !isFile {
			parts = append(parts, p)
			continue
		}
		st, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("Unable to find limit file %s", path)
		}
		if !st.Mode().IsRegular() {
			return nil, fmt.Errorf("Limit starting with \"@\" must be a file, not a directory: %s", path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("the limit file cannot be read: %w", err)
		}
		for _, l := range strings.Split(string(data), "\n") {
			parts = append(parts, strings.TrimSpace(l))
		}
	}
	return parts, nil
}
