package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/template/yamldump"
	"github.com/tutti-run/tutti/internal/value"
)

func newConfigCommand(s Streams) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Show the configuration in force (as ansible-config)", RunE: subcommand}
	var file string
	var changed bool
	var verbose int
	var kind string
	load := func() (*config.Config, error) {
		if _, err := os.Stat(file); file != "" && err != nil {
			return nil, optionsError{fmt.Errorf("The provided configuration file is missing or not accessible: %s", file)}
		}
		c, err := config.Load(func(name string) string {
			if name == "ANSIBLE_CONFIG" && file != "" {
				return file
			}
			return os.Getenv(name)
		})
		if err != nil {
			return nil, optionsError{err}
		}
		return c, nil
	}
	dump := &cobra.Command{Use: "dump", Short: "Show every setting, its value and where that comes from", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := load()
			if err != nil {
				return err
			}
			defer c.Close()
			if verbose > 0 {
				fmt.Fprintln(verboseTo(s, c), usedFile(c))
			}
			if kind == "" || kind == "base" || kind == "all" {
				dumpConfig(s, c, changed)
			}
			dumpPlugins(s, c, kind, changed)
			return nil
		}}
	dump.Flags().StringVarP(&kind, "type", "t", "", "settings of base, of a kind of plugin (become, connection, shell), or all")
	dump.Flags().BoolVar(&changed, "only-changed", false, "leave out settings that nobody set")
	dump.Flags().BoolVar(&changed, "changed-only", false, "same as --only-changed")
	view := &cobra.Command{Use: "view", Short: "Show the configuration file in use", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := load()
			if err != nil {
				return err
			}
			if c.File == "" {
				return optionsError{errors.New("no configuration file is in use")}
			}
			data, err := os.ReadFile(c.File)
			if err != nil {
				return err
			}
			_, err = s.Out.Write(data)
			return err
		}}
	list := &cobra.Command{Use: "list", Short: "Show what can be set, and where", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return listConfig(s) }}
	for _, sub := range []*cobra.Command{dump, view, list} {
		sub.Flags().StringVarP(&file, "config", "c", "", "the configuration file")
		sub.Flags().CountVarP(&verbose, "verbose", "v", "say more")
		cmd.AddCommand(sub)
	}
	cmd.AddCommand(newConfigInitCommand(s))
	return cmd
}

// dumpConfig shows settings as NAME(origin) = value.
func dumpConfig(s Streams, c *config.Config, onlyChanged bool) {
	shownFile := false
	for _, setting := range sortedSettings() {
		if !shownFile && setting.Name > "CONFIG_FILE" {
			shownFile = true
			fmt.Fprintf(s.Out, "CONFIG_FILE() = %s\n", cmp.Or(c.File, "None"))
		}
		origin := c.Origin(setting.Name)
		if onlyChanged && origin == "default" {
			continue
		}
		v, _ := c.Lookup(setting.Name)
		shown := value.Repr(v)
		if text, ok := v.(string); ok {
			shown = text
		}
		fmt.Fprintf(s.Out, "%s(%s) = %s\n", setting.Name, origin, shown)
	}
}

// dumpPlugins shows the settings of one kind of plugin, or of all.
func dumpPlugins(s Streams, c *config.Config, wanted string, onlyChanged bool) {
	var kind, plugin string
	for _, o := range c.PluginOptions() {
		if wanted != "all" && wanted != o.Kind || onlyChanged && o.Origin == "default" {
			continue
		}
		if o.Kind != kind {
			kind, plugin = o.Kind, ""
			fmt.Fprintf(s.Out, "\n%s:\n%s\n", strings.ToUpper(kind), strings.Repeat("=", len(kind)))
		}
		if o.Plugin != plugin {
			plugin = o.Plugin
			fmt.Fprintf(s.Out, "\n%s:\n%s\n", plugin, strings.Repeat("_", len(plugin)))
		}
		shown := value.Repr(o.Value)
		if text, ok := o.Value.(string); ok {
			shown = text
		}
		fmt.Fprintf(s.Out, "%s(%s) = %s\n", o.Name, o.Origin, shown)
	}
}

func sortedSettings() []config.Setting {
	return slices.SortedFunc(slices.Values(config.Settings), func(a, b config.Setting) int { return strings.Compare(a.Name, b.Name) })
}

// usedFile says which configuration file is in force.
func usedFile(c *config.Config) string {
	if c.File == "" {
		return "No config file found; using defaults"
	}
	return "Using " + c.File + " as config file"
}

// kindNames are Ansible's words for the kinds of settings.
var kindNames = map[config.Kind]string{config.Text: "string", config.Bool: "boolean", config.Int: "integer", config.List: "list", config.PathList: "pathspec", config.Path: "path", config.TempPath: "tmppath"}

// listConfig shows every setting with its default and where it can be set.
func listConfig(s Streams) error {
	all := value.NewMap(len(config.Settings))
	for _, setting := range sortedSettings() {
		entry := value.MapOf("default", nil, "type", kindNames[setting.Kind])
		if setting.Default != "" {
			entry.Set("default", setting.Default)
		}
		var env, ini []any
		for _, name := range setting.Env {
			env = append(env, value.MapOf("name", name))
		}
		for _, place := range setting.Ini {
			section, key, _ := strings.Cut(place, ".")
			ini = append(ini, value.MapOf("key", key, "section", section))
		}
		if env != nil {
			entry.Set("env", env)
		}
		if ini != nil {
			entry.Set("ini", ini)
		}
		all.Set(setting.Name, entry)
	}
	text, err := yamldump.Dump(all, yamldump.Options{})
	if err == nil {
		fmt.Fprint(s.Out, text)
	}
	return err
}

// verboseTo is where what -v adds goes.
func verboseTo(s Streams, c *config.Config) io.Writer {
	if c.Bool("VERBOSE_TO_STDERR") {
		return s.Err
	}
	return s.Out
}
