package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/doctor"
	"github.com/edgecam/edgecam/internal/version"
)

// group returns a command that only holds others: without one of them, or with
// an unknown one, it fails instead of printing help with success.
func group(use, short string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q for %q; '%s --help' lists them", args[0], cmd.CommandPath(), cmd.CommandPath())}
			}
			return usageError{fmt.Errorf("%s needs a command; '%s --help' lists them", cmd.CommandPath(), cmd.CommandPath())}
		},
	}
}

func (a *app) configCommand() *cobra.Command {
	cmd := group("config", "Check, show or describe the configuration")
	cmd.AddCommand(&cobra.Command{
		Use: "check [FILE]", Short: "Check the configuration and list every problem", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				a.configPath = args[0]
			}
			l, _, _, _, err := a.load(nil)
			if err != nil {
				return asInput(err)
			}
			what := l.Path
			if what == "" {
				what = "no file, defaults"
			}
			fmt.Fprintf(a.streams.Out, "ok: %s\n", what)
			return nil
		},
	})
	var asJSON bool
	show := &cobra.Command{
		Use: "show", Short: "Print every value and where it came from (secrets are masked)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, _, _, _, err := a.load(nil)
			if err != nil {
				return asInput(err)
			}
			if asJSON {
				return printJSON(a.streams.Out, l.Entries())
			}
			return l.Show(a.streams.Out)
		},
	}
	show.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(show, &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of the configuration file, for editors", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.streams.Out.Write(config.Schema())
			return err
		},
	})
	return cmd
}

// asInput marks a configuration file that cannot be read as bad input.
func asInput(err error) error {
	var problems config.Problems
	if errors.As(err, &problems) {
		return err
	}
	return usageError{err}
}

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with this machine and how to mend it",
		Long:  "Look for what keeps a node from working. Exit code 0: all is well; 5: warnings; 1: something does not work.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := doctor.Subject{Board: lookup(a.streams.Environ, boardVariable)}
			l, log, _, _, err := a.load(nil)
			if err != nil {
				var usage usageError
				if errors.As(err, &usage) {
					return err
				}
				s.ConfigErr, s.Config = err, config.Defaults()
				log = newLogger(a.streams.Err, "text", config.Log{Level: "error"}.SlogLevel())
			} else {
				s.Config, s.Path, s.Warnings = l.Config, l.Path, l.Warnings
			}
			s.StateDir, s.StateErr = s.Config.ResolveStateDir()
			if a.commands.Devices != nil {
				inv, err := a.commands.Devices(cmd.Context(), s.Config, log)
				s.Inventory, s.DriverErr = &inv, err
			}
			r := doctor.Run(cmd.Context(), doctor.Local(), s)
			switch r.Status {
			case doctor.Failure:
				a.code = ExitFailure
			case doctor.Warning:
				a.code = ExitWarnings
			case doctor.OK, doctor.Note:
			}
			if asJSON {
				return printJSON(a.streams.Out, r)
			}
			return r.Print(a.streams.Out)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print version and build", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return printJSON(a.streams.Out, version.Get())
			}
			_, err := fmt.Fprintf(a.streams.Out, "edgecam %s\n", version.Get())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
