package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/value"
)

func newConfigCommand(s Streams) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Show the configuration in force (as ansible-config)"}
	var file string
	var changed bool
	load := func() (*config.Config, error) {
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
			dumpConfig(s, c, changed)
			return nil
		}}
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
	for _, sub := range []*cobra.Command{dump, view} {
		sub.Flags().StringVarP(&file, "config", "c", "", "the configuration file")
		sub.Flags().CountP("verbose", "v", "say more")
		cmd.AddCommand(sub)
	}
	return cmd
}

// dumpConfig shows settings as NAME(origin) = value.
func dumpConfig(s Streams, c *config.Config, onlyChanged bool) {
	for _, setting := range config.Settings {
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
