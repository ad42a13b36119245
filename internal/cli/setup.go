package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/executor"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/module"
	controls "github.com/tutti-run/tutti/internal/module/control/all"
	targets "github.com/tutti-run/tutti/internal/module/target/all"
	"github.com/tutti-run/tutti/internal/output/minimal"
	"github.com/tutti-run/tutti/internal/output/text"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
	"github.com/tutti-run/tutti/internal/vault"
	"github.com/tutti-run/tutti/internal/yaml"
)

// session is what a command works with once its options are read.
type session struct {
	Streams
	*options
	config    *config.Config
	vault     *vault.Vault
	prompter  *prompter
	inventory *inventory.Inventory
	registry  *module.Registry
	modules   *finder
	engine    *template.Engine
	loader    *playbook.Loader
	vars      *vars.Manager
	extra     *value.Map
	subset    []string // --limit, split
	baseDir   string
	warning   sync.Mutex // guards the following
	warnings  []string
	sealed    atomic.Bool      // a vault could not be opened
	minimal   *minimal.Options // results are shown as the ansible command does
	tree      string           // folder of the files with results, if there are to be some
	what      []string         // what the run plays, for those who look at its locks
}

// open reads configuration, secrets, extra variables and inventory. baseDir is
// the playbook's folder.
func open(ctx context.Context, s Streams, o *options, c *config.Config, baseDir string) (*session, error) {
	if o.forks < 1 {
		return nil, usageError{fmt.Errorf("The number of processes (--forks) must be >= 1")}
	}
	ses := &session{Streams: s, options: o, config: c, prompter: &prompter{in: s.In, out: s.Out}, baseDir: baseDir}
	if abs, err := filepath.Abs(baseDir); err == nil {
		ses.baseDir = abs
	}
	var err error
	secrets := &secretSource{config: c, prompter: ses.prompter, warn: ses.warn}
	if ses.vault, err = secrets.vault(ctx, o); err != nil {
		return nil, err
	}
	if ses.extra, err = ses.readExtraVars(o.extraVars); err != nil {
		return nil, err
	}
	extensions := strings.Join(c.List("DEFAULT_JINJA2_EXTENSIONS"), " ")
	ses.engine = template.New(template.Options{Native: c.Bool("DEFAULT_JINJA2_NATIVE"), Do: strings.Contains(extensions, ".do"), LoopControls: strings.Contains(extensions, "loopcontrols"),
		KeepUndefined: !c.Bool("DEFAULT_UNDEFINED_VAR_BEHAVIOR")})
	if ses.inventory, err = ses.loadInventory(ctx); err != nil {
		return nil, err
	}
	ses.registry = module.NewRegistry(targets.Targets(), controls.Controls(), controls.Halves()...)
	rejected, err := ses.rejectedModules()
	if err != nil {
		return nil, err
	}
	ses.vars = vars.New(vars.Config{
		Inventory: ses.inventory, PlaybookDir: ses.baseDir, LoadFile: ses.loadVars, Extra: ses.extra, Options: ses.magicOptions(),
		MergeHashes: c.Text("DEFAULT_HASH_BEHAVIOUR") == "merge", InjectFacts: c.Bool("INJECT_FACTS_AS_VARS"), PrivateRoleVars: c.Bool("DEFAULT_PRIVATE_ROLE_VARS"),
		Undefined: template.IsUndefined,
		Resolve: func(s *vars.Scope, v any) (any, error) {
			return ses.engine.Resolve(&template.Context{Vars: s, Env: ses.env()}, v)
		},
	})
	ses.modules = &finder{registry: ses.registry, path: ses.modulePaths(), actions: append([]string{filepath.Join(ses.baseDir, "action_plugins")}, c.List("DEFAULT_ACTION_PLUGIN_PATH")...), collections: ses.collectionPaths(), rejected: rejected, deprecated: ses.deprecated}
	if c.Bool("VALIDATE_ACTION_GROUP_METADATA") {
		ses.modules.warn = ses.warn
	}
	ses.loader = playbook.New(playbook.Config{
		RolesPath: c.List("DEFAULT_ROLES_PATH"), CollectionPaths: ses.collectionPaths(),
		Modules:  ses.modules,
		ReadFile: ses.readFile, Vault: ses.inlineVault, ExtraVars: ses.extra, Lookups: ses.engine.Lookups(),
		Check: ses.check, CheckCondition: ses.checkCondition, Resolve: ses.resolveStatic,
		LenientKeywords: !c.Bool("INVALID_TASK_ATTRIBUTE_FAILED"),
	})
	return ses, nil
}

// collectionPaths are the folders that hold ansible_collections: beside the
// playbook first.
func (ses *session) collectionPaths() []string {
	return append([]string{filepath.Join(ses.baseDir, "collections")}, collectionRoots(ses.config)...)
}

// collectionRoots are those that do not depend on the playbook.
func collectionRoots(c *config.Config) []string {
	var out []string
	for _, p := range c.List("COLLECTIONS_PATHS") {
		out = append(out, strings.TrimSuffix(p, "/ansible_collections"))
	}
	return append(out, pythonCollections(c)...)
}

func (ses *session) modulePaths() []string {
	out := append([]string(nil), ses.modulePath...)
	out = append(out, filepath.Join(ses.baseDir, "library"))
	return append(out, ses.config.List("DEFAULT_MODULE_PATH")...)
}

func (ses *session) warn(msg string) { ses.once("[WARNING]: "+msg, "COLOR_WARN") }

func (ses *session) deprecated(msg string) {
	if ses.config.Bool("DEPRECATION_WARNINGS") {
		ses.once("[DEPRECATION WARNING]: "+msg+" Deprecation warnings can be disabled by setting deprecation_warnings=False in ansible.cfg.", "COLOR_DEPRECATE")
	}
}

// once tells a text that was not told before, in the colour that a setting names.
func (ses *session) once(msg, color string) {
	ses.warning.Lock()
	defer ses.warning.Unlock()
	for _, w := range ses.warnings {
		if w == msg {
			return
		}
	}
	ses.warnings = append(ses.warnings, msg)
	shown := msg // not wrapped: places of files are to be found in one piece
	if ses.colored() {
		if code, err := text.ColorCode(ses.config.Text(color)); err == nil {
			shown = text.Paint(shown, code)
		}
	}
	fmt.Fprintln(ses.Err, shown)
}

// readFile reads a file, decrypting it if it is a vault.
func (ses *session) readFile(path string) ([]byte, error) {
	data, _, err := ses.unseal(path)
	return data, err
}

// readContent is readFile for what is more than settings of variables: all that is
// in a vault is secret.
func (ses *session) readContent(path string) ([]byte, error) {
	data, sealed, err := ses.unseal(path)
	if sealed {
		ses.secrets.Add(string(data))
	}
	return data, err
}

// readInventory is readFile for a source of hosts: the values of variables in a vault
// are secret, the names of hosts are not.
func (ses *session) readInventory(path string) ([]byte, error) {
	data, sealed, err := ses.unseal(path)
	if err != nil || !sealed {
		return data, err
	}
	if n, err := yaml.Parse(data, path, yaml.Options{Vault: ses.inlineVault}); err == nil {
		if m, ok := n.Value().(*value.Map); ok {
			ses.secrets.AddValues(m)
			return data, nil
		}
	}
	ses.secrets.AddAssignments(string(data))
	return data, nil
}

// unseal reads a file, and tells whether it is a vault.
func (ses *session) unseal(path string) (data []byte, sealed bool, err error) {
	data, err = os.ReadFile(path)
	if err != nil || !vault.IsEncrypted(data) {
		return data, false, err
	}
	data, err = ses.vault.Decrypt(data, path)
	if err != nil {
		ses.sealed.Store(true)
	}
	return data, true, err
}

// vaulted is an inline !vault value, decrypted when it is used.
type vaulted struct {
	ses  *session
	text string
	pos  diag.Pos
}

// Force decrypts the value.
func (v *vaulted) Force() (any, error) {
	plain, err := v.ses.vault.Decrypt([]byte(v.text), v.pos.String())
	if err != nil {
		return nil, err
	}
	v.ses.secrets.Add(string(plain))
	return value.Text(string(plain), v.pos), nil
}

// Ciphertext is the encrypted text, for filters that bring their own secret.
func (v *vaulted) Ciphertext() string { return v.text }

func (ses *session) inlineVault(ciphertext string, pos diag.Pos) (any, error) {
	return &vaulted{ses, ciphertext, pos}, nil
}

// loadVars reads a file of variables; its templates stay unevaluated.
func (ses *session) loadVars(path string) (any, error) {
	data, sealed, err := ses.unseal(path)
	if err != nil {
		return nil, err
	}
	var problems diag.Problems
	n, err := yaml.Parse(data, path, yaml.Options{Vault: ses.inlineVault, Problems: &problems})
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		if err := ses.yamlWarning(p); err != nil {
			return nil, err
		}
	}
	v := n.Value()
	if sealed {
		ses.secrets.AddValues(v)
	}
	return v, nil
}

// env is what lookups may reach outside of any task.
func (ses *session) env() *template.Env {
	e := &template.Env{
		ReadFile: ses.readContent, Unsealed: ses.secrets.Add, BaseDir: ses.baseDir, Getenv: os.Getenv, Warn: ses.warn,
		Config: ses.config.Lookup, PluginConfig: ses.config.Plugin, SearchDirs: func() []string { return []string{ses.baseDir} },
		Hosts: func(pattern string) ([]string, error) {
			hosts, _, err := ses.inventory.Match(pattern)
			out := make([]string, len(hosts))
			for i, h := range hosts {
				out[i] = h.Name
			}
			return out, err
		},
	}
	if ses.modules != nil {
		e.IsModule, e.Collection = ses.modules.exists, ses.modules.collectionDir
	}
	e.FindFile = func(kind, name string) (string, error) {
		for _, p := range []string{name, filepath.Join(ses.baseDir, kind, name), filepath.Join(ses.baseDir, name)} {
			if (filepath.IsAbs(p)) && isFile(p) {
				return p, nil
			}
		}
		return "", fmt.Errorf("could not find %s below %s", name, ses.baseDir)
	}
	return e
}

// check finds syntax errors in templates, for the playbook reader.
func (ses *session) check(v any) []*diag.Problem {
	var out []*diag.Problem
	for _, e := range ses.engine.Check(v) {
		if strings.Contains(e.Msg, "Could not load") {
			continue // a filter or test that only a task which may never run needs
		}
		out = append(out, &diag.Problem{Pos: e.Pos, Msg: e.Msg, Template: true})
	}
	return out
}

func (ses *session) checkCondition(v any, pos diag.Pos) []*diag.Problem {
	switch v := v.(type) {
	case *value.Template:
		return ses.check(v)
	case string:
		if e := ses.engine.CheckCondition(v, pos); e != nil && !strings.Contains(e.Msg, "Could not load") {
			return []*diag.Problem{{Pos: e.Pos, Msg: e.Msg, Template: true}}
		}
	}
	return nil
}

// resolveStatic evaluates the names of imported files and roles.
func (ses *session) resolveStatic(v any, layers []*value.Map) (any, error) {
	merged := value.NewMap(16)
	merged.Update(ses.magicOptions())
	merged.Set("playbook_dir", ses.baseDir)
	for _, l := range layers {
		merged.Update(l)
	}
	return ses.engine.Resolve(&template.Context{Vars: template.VarsOf(merged), Env: ses.env()}, v)
}

// magicOptions are the variables that tell the command line's options.
func (ses *session) magicOptions() *value.Map {
	m := value.MapOf(
		"ansible_check_mode", ses.options.check, "ansible_diff_mode", ses.options.diff, "ansible_forks", ses.forks, "ansible_verbosity", ses.verbose,
		"ansible_run_tags", value.FromGo(list(ses.tags)), "ansible_skip_tags", value.FromGo(list(ses.skipTags)), "ansible_version", version(),
		"ansible_playbook_python", "/usr/bin/python3", "omit", template.Omit)
	sources := []any{}
	for _, s := range ses.options.inventory {
		if !strings.Contains(s, ",") {
			if abs, err := filepath.Abs(s); err == nil {
				s = abs
			}
		}
		sources = append(sources, s)
	}
	m.Set("ansible_inventory_sources", sources)
	if ses.limit != "" {
		m.Set("ansible_limit", ses.limit)
	}
	if ses.config.File != "" {
		m.Set("ansible_config_file", ses.config.File)
	} else {
		m.Set("ansible_config_file", nil)
	}
	return m
}

func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

// version is ansible_version: the language that Tutti speaks.
func version() *value.Map {
	return value.MapOf("string", "2.14.18", "full", "2.14.18", "major", 2, "minor", 14, "revision", 18)
}

// connectionDefaults is how hosts are reached that say nothing themselves.
func (ses *session) connectionDefaults(ctx context.Context) (executor.Connection, string, error) {
	c := executor.Connection{
		Kind: ses.connection, User: ses.user, KeyFile: ses.privateKey, TimeoutS: ses.timeout, Port: ses.config.Int("DEFAULT_REMOTE_PORT"),
		Args: ses.config.Text("SSH_ARGS"), CommonArgs: ses.sshCommonArgs, ExtraArgs: ses.sshExtraArgs, Executable: ses.config.Text("SSH_EXECUTABLE"), PasswordPrompt: ses.config.Text("SSH_PASSWORD_PROMPT"),
		Retries: ses.config.Int("SSH_RETRIES"), Pipelining: ses.config.Bool("ANSIBLE_PIPELINING"), Shell: ses.config.Text("DEFAULT_EXECUTABLE"), RemoteTmp: ses.config.Text("DEFAULT_REMOTE_TMP"), HostKeys: "yes",
		BecomeMethod: ses.becomeMethod, BecomeUser: ses.becomeUser, BecomeExe: ses.config.Text("DEFAULT_BECOME_EXE"), BecomeFlags: ses.config.Text("DEFAULT_BECOME_FLAGS"),
		BecomeSame: ses.config.Bool("BECOME_ALLOW_SAME_USER"),
	}
	if !ses.config.Bool("HOST_KEY_CHECKING") {
		c.HostKeys = "no"
	}
	var becomePass string
	ask := func(wanted bool, file, configured, text string, into *string) error {
		if file == "" && !wanted {
			file = ses.config.Path(configured)
		}
		if file != "" {
			p, err := passwordFile(file)
			*into = p
			return err
		}
		if !wanted {
			return nil
		}
		p, err := ses.prompter.secret(ctx, text)
		*into = p
		return err
	}
	if err := ask(ses.askPass, ses.connPwFile, "CONNECTION_PASSWORD_FILE", "SSH password: ", &c.Password); err != nil {
		return c, "", err
	}
	text := "BECOME password: "
	if ses.askPass {
		text = "BECOME password[defaults to SSH password]: "
	}
	if err := ask(ses.askBecome, ses.becomePwFile, "BECOME_PASSWORD_FILE", text, &becomePass); err != nil {
		return c, "", err
	}
	if ses.askBecome && becomePass == "" {
		becomePass = c.Password
	}
	return c, becomePass, nil
}
