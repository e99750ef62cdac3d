package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/updatecmd"
)

func (a *app) updateCommand() *cobra.Command {
	root := group("update", "Install updates of edgecam, or make them")
	var target updatecmd.Target
	root.PersistentFlags().StringVar(&target.Installed, "installed", "/usr/bin/edgecam", "the program that was installed with the system")
	open := func() error {
		l, _, _, _, err := a.load(nil)
		if err != nil {
			return err
		}
		target.Keys = l.Update.Keys
		target.StateDir, err = l.ResolveStateDir()
		return err
	}
	var again bool
	apply := &cobra.Command{
		Use: "apply FILE|URL", Short: "Download the program of a signed manifest and put it on trial", Args: cobra.ExactArgs(1),
		Long: "Check a signed manifest, download the program for this board and put it on trial: the launcher\n" +
			"tries it at the next start of the service, and returns to the former one if it does not do well\n" +
			"within two minutes. A download that was cut off is continued.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := open(); err != nil {
				return err
			}
			return updatecmd.Apply(cmd.Context(), target, args[0], again, a.streams.Out)
		},
	}
	apply.Flags().BoolVar(&again, "again", false, "also take a version that was tried and rolled back")
	apply.Flags().StringVar(&target.Board, "board", "", "model of the board (default: what the device tree says)")
	var asJSON bool
	status := &cobra.Command{
		Use: "status", Short: "Say what the slots hold and what became of the last update", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := open(); err != nil {
				return err
			}
			return updatecmd.Status(target, asJSON, a.streams.Out)
		},
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	keygen := &cobra.Command{
		Use: "keygen FILE", Short: "Make a signing key; prints the public key for update.keys", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return updatecmd.Keygen(args[0], a.streams.Out) },
	}
	var release updatecmd.Release
	var key string
	sign := &cobra.Command{
		Use: "sign ARCH[:BOARD,BOARD]=FILE …", Short: "Print a signed manifest of programs", Args: cobra.MinimumNArgs(1),
		Example: "  edgecam update sign --key release.key --release v1.2.3 --index 12 arm64=edgecam-arm64 amd64=edgecam-amd64 > manifest.json",
		RunE: func(_ *cobra.Command, args []string) error {
			release.Programs = args
			return updatecmd.Sign(release, key, a.streams.Out)
		},
	}
	f := sign.Flags()
	f.StringVar(&key, "key", "", "file with the private key")
	f.StringVar(&release.Version, "release", "", "version of the programs")
	f.Uint64Var(&release.Index, "index", 0, "rollback index; nodes at a higher one refuse the manifest")
	f.DurationVar(&release.Valid, "valid", 90*24*time.Hour, "how long the manifest can be used")
	f.StringVar(&release.Notes, "notes", "", "one line for people")
	f.StringVar(&release.BaseURL, "base-url", "", "https address before the files' names (default: beside the manifest)")
	for _, name := range []string{"key", "release", "index"} {
		if err := sign.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	root.AddCommand(apply, status, keygen, sign)
	return root
}
