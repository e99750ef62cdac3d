package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/bootconfig"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/qrsetup"
	"github.com/edgecam/edgecam/internal/durable"
)

// bootFlags are the options of boot-config.
type bootFlags struct {
	into               string
	schema, camera, qr bool
	wait               time.Duration
}

func (a *app) bootConfigCommand() *cobra.Command {
	var o bootFlags
	cmd := &cobra.Command{
		Use: "boot-config {FILE|--camera} --into DIR", Short: "Take first settings from a file on the boot partition or a QR code", Args: cobra.MaximumNArgs(1),
		Long: "Check edgecam.json as a whole, store its parts in DIR, then overwrite and remove it, since it may\n" +
			"hold secrets; FILE.done keeps what it said without them. Without the file nothing happens. After a\n" +
			"power cut at any point the same command goes on.\n\n" +
			"With --camera the settings come from a QR code that is held before the camera: one that 'edgecam\n" +
			"boot-config FILE --qr' draws, or the one with which a phone shares its wireless network. Two rising notes from the speaker\n" +
			"say that a code was taken, a low one that it was refused.",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.schema:
				_, err := a.streams.Out.Write(config.BootSchema())
				return err
			case o.qr && len(args) == 1:
				return a.drawSettings(args[0])
			case o.camera && len(args) == 0 && o.into != "":
				return a.watchForSettings(cmd.Context(), o)
			case len(args) == 1 && o.into != "" && !o.camera:
				return a.takeBootFile(args[0], o.into)
			}
			return usageError{errors.New("boot-config needs a file or --camera, and --into DIR; or a file and --qr")}
		},
	}
	cmd.Flags().StringVar(&o.into, "into", "", "folder for what is stored")
	cmd.Flags().BoolVar(&o.camera, "camera", false, "take the settings from a QR code before the camera")
	cmd.Flags().DurationVar(&o.wait, "wait", 5*time.Minute, "how long --camera waits for a code")
	cmd.Flags().BoolVar(&o.qr, "qr", false, "draw the file as a QR code and store nothing")
	cmd.Flags().BoolVar(&o.schema, "schema", false, "print the file's JSON schema, for editors")
	return cmd
}

func (a *app) takeBootFile(path, into string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	from, err := durable.OpenDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	to, err := durable.OpenDir(into)
	if err != nil {
		return err
	}
	names, err := bootconfig.Apply(from, filepath.Base(path), to)
	a.taken(names)
	return err
}

func (a *app) taken(names []string) {
	for _, name := range names {
		fmt.Fprintf(a.streams.Out, "%s taken\n", name)
	}
}

// drawSettings draws a file's settings for a camera.
func (a *app) drawSettings(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return asInput(err)
	}
	code, err := qrsetup.Make(data)
	if err != nil {
		return asInput(err)
	}
	var b strings.Builder
	auth.DrawQR(&b, code)
	_, err = fmt.Fprint(a.streams.Out, b.String())
	return err
}

// signal tells who holds a code before the camera, and sees no terminal, what
// became of it.
func (a *app) signal(ctx context.Context, cfg *config.Config, log *slog.Logger, accepted bool) {
	if a.commands.Signal != nil {
		a.commands.Signal(ctx, cfg, log, accepted)
	}
}

// watchForSettings stores the settings of the first good code that the camera
// sees. A bad one is named and the wait goes on.
func (a *app) watchForSettings(ctx context.Context, o bootFlags) error {
	if o.wait < time.Second || o.wait > time.Hour {
		return usageError{errors.New("--wait must be 1s to 1h")}
	}
	l, log, _, _, err := a.load(nil)
	if err != nil {
		return err
	}
	to, err := durable.OpenDir(o.into)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, o.wait)
	defer cancel()
	fmt.Fprintf(a.streams.Out, "hold the QR code before the camera, so that it fills half of the picture (%v)\n", o.wait)
	refused := ""
	var names []string
	var failed error
	err = a.commands.Watch(limited, l.Config, log, func(picture []byte) bool {
		text, err := qrsetup.ReadJPEG(picture)
		if err != nil {
			return false
		}
		data, err := qrsetup.Settings(text)
		if err != nil {
			// A code may stay before the camera for long; it is named once.
			if why := err.Error(); why != refused {
				refused = why
				fmt.Fprintf(a.streams.Err, "refused: %s\n", why)
				a.signal(ctx, l.Config, log, false)
			}
			return false
		}
		names, failed = bootconfig.Store("QR code", data, to)
		return true
	})
	if names != nil || failed != nil {
		a.signal(ctx, l.Config, log, failed == nil)
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("no code with settings was seen within %v; the folder is unchanged", o.wait)
	}
	a.taken(names)
	return errors.Join(failed, err)
}
