package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/galaxy"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// galaxyOptions are the flags of the galaxy commands.
type galaxyOptions struct {
	verbose int
	force   bool
	deps    bool // --force-with-deps
	noDeps  bool
	certs   bool // --ignore-certs
	errors  bool // --ignore-errors
	pre     bool
	paths   []string
	file    string // -r
	initAt  string
	like    string // the skeleton
	output  string
	format  string
	offline bool
}

// galaxyRun is what the galaxy commands work with.
type galaxyRun struct {
	Streams
	*galaxyOptions
	config *config.Config
	args   []string
	flags  func(name string) bool // whether the user gave a flag
}

type galaxyAction func(*galaxyRun, context.Context) error

// newGalaxyCommand makes tutti galaxy: other people's roles and collections.
func newGalaxyCommand(s Streams) *cobra.Command {
	cmd := &cobra.Command{Use: "galaxy", Short: "Install and build roles and collections (as ansible-galaxy)", RunE: subcommand}
	role := &cobra.Command{Use: "role", Short: "Install, list and remove roles", RunE: subcommand}
	collection := &cobra.Command{Use: "collection", Short: "Install, list, verify and build collections", RunE: subcommand}
	cmd.AddCommand(role, collection)
	add := func(to *cobra.Command, use, short string, args cobra.PositionalArgs, run galaxyAction, flags ...func(*cobra.Command, *galaxyOptions)) {
		o := &galaxyOptions{}
		c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
			conf, err := config.Load(os.Getenv)
			if err != nil {
				return optionsError{err}
			}
			return run(&galaxyRun{Streams: s, galaxyOptions: o, config: conf, args: args, flags: c.Flags().Changed}, c.Context())
		}}
		f := c.Flags()
		f.CountVarP(&o.verbose, "verbose", "v", "say more")
		f.BoolVarP(&o.certs, "ignore-certs", "c", false, "do not check certificates")
		for _, add := range flags {
			add(c, o)
		}
		to.AddCommand(c)
	}
	force := func(c *cobra.Command, o *galaxyOptions) {
		c.Flags().BoolVarP(&o.force, "force", "f", false, "replace what is there")
	}
	install := func(c *cobra.Command, o *galaxyOptions) {
		force(c, o)
		c.Flags().BoolVar(&o.deps, "force-with-deps", false, "replace what is there, and what it needs")
		c.Flags().BoolVarP(&o.noDeps, "no-deps", "n", false, "do not install what it needs")
		c.Flags().BoolVarP(&o.errors, "ignore-errors", "i", false, "go on after a failure")
		c.Flags().BoolVar(&o.offline, "offline", false, "ask no server (none is ever asked)")
	}
	roleFile := func(c *cobra.Command, o *galaxyOptions) {
		c.Flags().StringVarP(&o.file, "role-file", "r", "", "a file that lists what to install")
		c.Flags().StringVar(&o.file, "requirements-file", "", "same as --role-file")
	}
	rolesPath := func(c *cobra.Command, o *galaxyOptions) {
		c.Flags().StringArrayVarP(&o.paths, "roles-path", "p", nil, "folder of roles")
	}
	where := func(c *cobra.Command, o *galaxyOptions) {
		c.Flags().StringVar(&o.initAt, "init-path", ".", "folder to make it in")
		c.Flags().BoolVar(&o.offline, "offline", false, "ask no server (none is ever asked)")
	}
	for _, to := range []*cobra.Command{role, cmd} { // what is said to galaxy itself is said to role
		add(to, "install [ROLE...]", "Install roles from archives, URLs and git", cobra.ArbitraryArgs, (*galaxyRun).installRoles, install, roleFile, rolesPath,
			func(c *cobra.Command, o *galaxyOptions) {
				c.Flags().BoolP("keep-scm-meta", "g", false, "accepted and ignored")
			})
		add(to, "init NAME", "Make the folder of a new role", cobra.ExactArgs(1), (*galaxyRun).initRole, force, where, func(c *cobra.Command, o *galaxyOptions) {
			c.Flags().StringVar(&o.like, "role-skeleton", "", "a folder to take as the example")
			c.Flags().String("type", "default", "accepted and ignored")
		})
		add(to, "list [ROLE]", "List installed roles", cobra.MaximumNArgs(1), (*galaxyRun).listRoles, rolesPath)
		add(to, "remove ROLE...", "Remove installed roles", cobra.MinimumNArgs(1), (*galaxyRun).removeRoles, rolesPath)
		add(to, "info ROLE...", "Show what installed roles say about themselves", cobra.MinimumNArgs(1), (*galaxyRun).roleInfo, rolesPath, func(c *cobra.Command, o *galaxyOptions) {
			c.Flags().BoolVar(&o.offline, "offline", false, "ask no server (none is ever asked)")
		})
	}
	collections := func(c *cobra.Command, o *galaxyOptions) {
		c.Flags().StringArrayVarP(&o.paths, "collections-path", "p", nil, "folder of collections")
	}
	requirements := func(c *cobra.Command, o *galaxyOptions) {
		c.Flags().StringVarP(&o.file, "requirements-file", "r", "", "a file that lists the collections")
	}
	add(collection, "install [COLLECTION...]", "Install collections from archives, folders, URLs and git", cobra.ArbitraryArgs, (*galaxyRun).installCollections,
		install, collections, requirements, func(c *cobra.Command, o *galaxyOptions) {
			c.Flags().BoolVar(&o.pre, "pre", false, "accepted and ignored")
			c.Flags().BoolP("upgrade", "U", false, "accepted and ignored")
			c.Flags().Bool("disable-gpg-verify", true, "signatures are not checked")
		})
	add(collection, "init NAMESPACE.NAME", "Make the folder of a new collection", cobra.ExactArgs(1), (*galaxyRun).initCollection, force, where, func(c *cobra.Command, o *galaxyOptions) {
		c.Flags().StringVar(&o.like, "collection-skeleton", "", "a folder to take as the example")
	})
	add(collection, "build [FOLDER...]", "Build the archives of collections", cobra.ArbitraryArgs, (*galaxyRun).build, force, func(c *cobra.Command, o *galaxyOptions) {
		c.Flags().StringVar(&o.output, "output-path", ".", "folder for the archives")
	})
	add(collection, "list [COLLECTION]", "List installed collections", cobra.MaximumNArgs(1), (*galaxyRun).listCollections, collections, func(c *cobra.Command, o *galaxyOptions) {
		c.Flags().StringVar(&o.format, "format", "human", "human, json or yaml")
	})
	add(collection, "verify [COLLECTION...]", "Compare collections with their checksums", cobra.ArbitraryArgs, (*galaxyRun).verify, collections, requirements,
		func(c *cobra.Command, o *galaxyOptions) {
			c.Flags().BoolVar(&o.offline, "offline", false, "ask no server (none is ever asked)")
			c.Flags().BoolVar(&o.errors, "ignore-errors", false, "go on after a failure")
		})
	return cmd
}

func (g *galaxyRun) options() galaxy.Options {
	return galaxy.Options{
		Console: galaxy.Console{
			Say:  func(text string) { fmt.Fprintln(g.Out, text) },
			Warn: func(text string) { fmt.Fprintf(g.Err, "[WARNING]: %s\n", text) },
			Out:  g.Out, Err: g.Err,
		},
		Force: g.force || g.deps, ForceDeps: g.deps, NoDeps: g.noDeps, IgnoreErrs: g.errors,
		IgnoreCerts: g.certs || g.config.Bool("GALAXY_IGNORE_CERTS"),
	}
}

func absolute(path string) string {
	if home, err := os.UserHomeDir(); err == nil && (path == "~" || strings.HasPrefix(path, "~/")) {
		path = home + path[1:]
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func absolutes(paths ...[]string) []string {
	var out []string
	for _, l := range paths {
		for _, p := range l {
			out = append(out, absolute(p))
		}
	}
	return out
}

// skeleton is how new folders are made.
func (g *galaxyRun) skeleton(setting string) galaxy.Skeleton {
	like := g.like
	if like == "" {
		like = g.config.Path(setting)
	}
	engine := template.New(template.Options{})
	return galaxy.Skeleton{Dir: like, Ignore: g.config.List(setting + "_IGNORE"), Force: g.force,
		Render: func(text string, vars *value.Map) (string, error) {
			return engine.File(&template.Context{Vars: template.VarsOf(vars)}, text, template.FileOptions{})
		}}
}

func (g *galaxyRun) installCollections(ctx context.Context) error {
	wanted, err := g.wantedCollections()
	if err != nil {
		return err
	}
	return g.collections(ctx, wanted)
}

func (g *galaxyRun) wantedCollections() ([]galaxy.Collection, error) {
	if g.file != "" {
		if len(g.args) > 0 {
			return nil, errors.New("The positional collection_name arg and --requirements-file are mutually exclusive.")
		}
		roles, wanted, err := galaxy.ReadRequirements(g.file)
		if err == nil && len(roles) > 0 && g.verbose > 0 {
			fmt.Fprintln(g.Out, "The requirements file holds roles too; they are left alone.")
		}
		return wanted, err
	}
	if len(g.args) == 0 {
		return nil, errors.New("You must specify a collection name or a requirements file.")
	}
	var out []galaxy.Collection
	for _, a := range g.args {
		c, err := galaxy.ParseCollection(a)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (g *galaxyRun) collections(ctx context.Context, wanted []galaxy.Collection) error {
	configured := g.config.List("COLLECTIONS_PATHS")
	in := &galaxy.Installer{Options: g.options(), Paths: absolutes(configured, pythonCollections(g.config))}
	switch {
	case len(g.paths) > 0:
		in.Path = absolute(g.paths[len(g.paths)-1])
		known := false
		for _, p := range configured {
			known = known || galaxy.Home(absolute(p)) == galaxy.Home(in.Path)
		}
		if !known {
			in.Warn(fmt.Sprintf("The specified collections path '%s' is not part of the configured Ansible collections paths '%s'. The installed collection will not be picked up in an Ansible run, unless within a playbook-adjacent collections directory.",
				in.Path, strings.Join(configured, ":")))
		}
	case len(configured) > 0:
		in.Path = absolute(configured[0])
	default:
		return errors.New("no folder is configured for collections: name one with -p")
	}
	return in.Install(ctx, wanted)
}

func (g *galaxyRun) initCollection(context.Context) error {
	if err := galaxy.NewCollection(absolute(g.initAt), g.args[0], g.skeleton("GALAXY_COLLECTION_SKELETON")); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "- Collection %s was created successfully\n", g.args[0])
	return nil
}

func (g *galaxyRun) build(context.Context) error {
	if len(g.args) == 0 {
		g.args = []string{"."}
	}
	for _, dir := range g.args {
		path, err := galaxy.Build(absolute(dir), absolute(g.output), g.options())
		if err != nil {
			return err
		}
		name := strings.SplitN(filepath.Base(path), "-", 3)
		fmt.Fprintf(g.Out, "Created collection for %s.%s at %s\n", name[0], name[1], path)
	}
	return nil
}

func (g *galaxyRun) verify(context.Context) error {
	wanted, err := g.wantedCollections()
	if err != nil {
		return err
	}
	bad := false
	for _, w := range wanted {
		name := w.Source
		var dir string
		for _, p := range g.collectionDirs() {
			for _, c := range galaxy.List(p, name) {
				if dir == "" {
					dir = c.Dir
				}
			}
		}
		if dir == "" {
			return fmt.Errorf("Failed to find the collection %s in any of the folders of collections.", name)
		}
		info, err := galaxy.ReadInfo(dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(g.Out, "Verifying '%s'.\nInstalled collection found at '%s'\n", info, dir)
		differs, err := galaxy.Verify(dir)
		if err != nil {
			return err
		}
		if differs == nil {
			fmt.Fprintf(g.Out, "Successfully verified that checksums for '%s' are internally consistent with its manifest.\n", info)
			continue
		}
		bad = true
		fmt.Fprintf(g.Out, "Collection %s contains modified content in the following files:\n", info.FQCN())
		for _, f := range differs {
			fmt.Fprintf(g.Out, "    %s\n", f)
		}
	}
	if bad {
		return exitCode(exitError)
	}
	return nil
}
