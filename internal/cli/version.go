package cli

import (
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
)

func newVersionCommand(s Streams) *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := config.Load(os.Getenv)
			if err != nil {
				return optionsError{err}
			}
			file := c.File
			if file == "" {
				file = "None"
			}
			if as == "" {
				fmt.Fprintf(s.Out, "tutti %s\n", Version)
			} else {
				fmt.Fprintf(s.Out, "%s [core 2.14.18] (tutti %s)\n", as, Version)
			}
			fmt.Fprintf(s.Out, "  config file = %s\n  language = ansible-core 2.14\n  %s %s/%s\n", file, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "the command that Tutti stands in for")
	_ = cmd.Flags().MarkHidden("as")
	return cmd
}
