package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/bootconfig"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/internal/durable"
)

func (a *app) bootConfigCommand() *cobra.Command {
	var into string
	var schema bool
	cmd := &cobra.Command{
		Use: "boot-config FILE --into DIR", Short: "Take first settings from a file on the boot partition", Args: cobra.MaximumNArgs(1),
		Long: "Check edgecam.json as a whole, store its parts in DIR, then overwrite and remove it, since it may\n" +
			"hold secrets; FILE.done keeps what it said without them. Without the file nothing happens. After a\n" +
			"power cut at any point the same command goes on.",
		RunE: func(_ *cobra.Command, args []string) error {
			if schema {
				_, err := a.streams.Out.Write(config.BootSchema())
				return err
			}
			if len(args) != 1 || into == "" {
				return usageError{errors.New("boot-config needs a file and --into DIR")}
			}
			if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			from, err := durable.OpenDir(filepath.Dir(args[0]))
			if err != nil {
				return err
			}
			to, err := durable.OpenDir(into)
			if err != nil {
				return err
			}
			names, err := bootconfig.Apply(from, filepath.Base(args[0]), to)
			for _, name := range names {
				fmt.Fprintf(a.streams.Out, "%s taken\n", name)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&into, "into", "", "folder for what is stored")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the file's JSON schema, for editors")
	return cmd
}
