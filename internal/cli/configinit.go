package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
)

func newConfigInitCommand(s Streams) *cobra.Command {
	var format, kind string
	var disabled bool
	cmd := &cobra.Command{Use: "init", Short: "Write a configuration file with every setting at its default", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var settings []config.Setting
			if kind == "base" || kind == "all" {
				settings = append(settings, sortedSettings()...)
			}
			for _, p := range config.PluginSettings() {
				if kind == "all" || strings.HasPrefix(p.Name, kind+".") {
					settings = append(settings, p)
				}
			}
			switch format {
			case "ini":
				writeINI(s.Out, settings, disabled)
			case "env":
				writeEnv(s.Out, settings, disabled)
			default:
				return usageError{fmt.Errorf("--format is ini or env, not %q", format)}
			}
			return nil
		}}
	cmd.Flags().StringVarP(&format, "format", "f", "ini", "ini, or env for a file of variables")
	cmd.Flags().StringVarP(&kind, "type", "t", "base", "settings of base, of a kind of plugin (become, connection, shell), or all")
	cmd.Flags().BoolVar(&disabled, "disabled", false, "as comments, so that the file changes nothing")
	return cmd
}

// writeINI writes settings by section, those of the defaults first.
func writeINI(w io.Writer, settings []config.Setting, disabled bool) {
	lines := map[string][]string{}
	seen := map[string]bool{}
	for _, setting := range settings {
		if len(setting.Ini) == 0 {
			continue
		}
		place := setting.Ini[len(setting.Ini)-1] // the newest of its names
		if seen[place] {
			continue
		}
		seen[place] = true
		section, key, _ := strings.Cut(place, ".")
		lines[section] = append(lines[section], fmt.Sprintf("# (%s) %s\n%s%s=%s\n", kindNames[setting.Kind], setting.Name, comment(disabled, ";"), key, setting.Default))
	}
	sections := make([]string, 0, len(lines))
	for section := range lines {
		sections = append(sections, section)
	}
	// The defaults come first.
	slices.SortFunc(sections, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	for i, section := range sections {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "[%s]\n%s", section, strings.Join(lines[section], "\n"))
	}
}

func rank(section string) int {
	if section == "defaults" {
		return 0
	}
	return 1
}

// writeEnv writes settings as variables of the environment.
func writeEnv(w io.Writer, settings []config.Setting, disabled bool) {
	for _, setting := range settings {
		if len(setting.Env) > 0 {
			fmt.Fprintf(w, "# (%s) %s\n%s%s=%s\n\n", kindNames[setting.Kind], setting.Name, comment(disabled, "#"), setting.Env[0], quoteArg(setting.Default))
		}
	}
}

func comment(disabled bool, mark string) string {
	if disabled {
		return mark
	}
	return ""
}
