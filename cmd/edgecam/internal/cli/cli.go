// Package cli is the command line of edgecam: commands, flags, output for
// people and for programs, and exit codes. What the commands do to devices is
// passed in as functions, so that this package knows no driver.
package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/doctor"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/fleetcmd"
	"github.com/edgecam/edgecam/internal/sdnotify"
	"github.com/edgecam/edgecam/internal/version"
)

// Commands are the functions behind the commands. A command whose function is
// nil does not exist in this build.
type Commands struct {
	// Run runs the node until the context is done and then returns nil.
	Run func(ctx context.Context, o RunOptions) error
	// Devices lists what the drivers find; it may return a part of it together
	// with an error.
	Devices func(ctx context.Context, cfg *config.Config, log *slog.Logger) (doctor.Inventory, error)
	// Snapshot writes one picture of the configured camera as JPEG.
	Snapshot func(ctx context.Context, cfg *config.Config, log *slog.Logger, w io.Writer) error
	// Watch passes pictures of the configured camera as JPEG to see, several a
	// second, until it returns true or the context is done.
	Watch func(ctx context.Context, cfg *config.Config, log *slog.Logger, see func(jpeg []byte) bool) error
	// Signal plays on the configured speaker that settings were taken, or
	// refused. It never fails: nothing depends on it.
	Signal func(ctx context.Context, cfg *config.Config, log *slog.Logger, accepted bool)
	// Call runs an indoor station until the context is done or it gives up.
	Call func(ctx context.Context, o CallOptions) error
}

// RunOptions is what a node starts with.
type RunOptions struct {
	Config     *config.Config // with StateDir set, but in development mode
	ConfigPath string         // file in use, "" if none
	Dev        bool           // loopback only, no token
	Log        *slog.Logger
	Stdout     io.Writer // for the URL and the owner secret
	Terminal   bool      // Stdout is a terminal, where a QR code makes sense
	// Reload gives a new, checked configuration when the file changed.
	Reload <-chan *config.Config
	// Load reads the configuration anew with this provisioned layer, a JSON
	// object, between file and environment. Nil: there is no such layer.
	Load func(provisioned []byte) (*config.Loaded, error)
	// Level is the log's level, which a command may change for a while.
	Level *slog.LevelVar
	// Notify is the service manager, nil if none started the node.
	Notify *sdnotify.Notifier
}

// Streams are the standard streams and the environment, for tests to replace.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Terminal bool     // Out is a terminal
	Environ  []string // as os.Environ gives it
}

// Main runs the command line args (without the program's name) and returns the
// exit code.
func Main(ctx context.Context, args []string, c Commands, s Streams) int {
	a := &app{commands: c, streams: s}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return a.code
	}
	// What fails before a command's own function runs is wrong usage.
	if !a.started {
		err = usageError{err}
	}
	printError(s.Err, err)
	return ExitCode(err)
}

// app carries what the commands share.
type app struct {
	commands Commands
	streams  Streams
	started  bool
	code     int // exit code of a command that itself did not fail

	configPath string
	logLevel   string
	logFormat  string
	set        []string
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "edgecam",
		Short: "Door station, intercom and camera over WebRTC",
		Long: "edgecam streams camera and microphone to browsers and lets them talk back.\n" +
			"Without a configuration file it takes the first camera and sound card, also those plugged in later.\n" +
			"In development mode simulated ones stand in until then.\n\n" +
			"Try it:  edgecam run --dev    and open http://127.0.0.1:8080/",
		Version:       version.Get().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("edgecam {{.Version}}\n")
	f := root.PersistentFlags()
	f.StringVarP(&a.configPath, "config", "c", "", "configuration file (default "+config.DefaultPath+" if it exists)")
	f.StringVar(&a.logLevel, "log-level", "", "debug, info, warn or error")
	f.StringVar(&a.logFormat, "log-format", "", "text or json")
	f.StringArrayVar(&a.set, "set", nil, "set any configuration key: --set video.speed=4 (repeatable)")
	root.AddCommand(a.configCommand(), a.doctorCommand(), a.tokenCommand(), a.natCommand(), a.vp8Command(), a.voiceCommand(), a.enhanceCommand(), a.versionCommand(), exitCodesTopic())
	fleetStreams := fleetcmd.Streams{Out: a.streams.Out, Err: a.streams.Err, Terminal: a.streams.Terminal}
	root.AddCommand(fleetcmd.Authority(fleetStreams), fleetcmd.Broker(fleetStreams), fleetcmd.Fleet(fleetStreams), a.updateCommand(), a.bootConfigCommand())
	if a.commands.Run != nil {
		root.AddCommand(a.runCommand())
	}
	if a.commands.Devices != nil {
		root.AddCommand(a.devicesCommand(), a.findCommand())
	}
	if a.commands.Call != nil {
		root.AddCommand(a.viewCommand(), a.callCommand())
	}
	if a.commands.Snapshot != nil {
		root.AddCommand(a.snapshotCommand())
	}
	root.AddCommand(a.manCommand(root))
	a.mark(root)
	return root
}

// mark makes every command say when its own function begins: an error before
// that (unknown flag, missing argument) is wrong usage.
func (a *app) mark(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(c *cobra.Command, args []string) error {
			a.started = true
			return run(c, args)
		}
	}
	for _, sub := range cmd.Commands() {
		a.mark(sub)
	}
}

// sources returns the configuration's layers with the global flags and more.
func (a *app) sources(more map[string]string) (config.Sources, error) {
	flags := map[string]string{}
	for _, kv := range a.set {
		key, value, ok := strings.Cut(kv, "=")
		if !ok {
			return config.Sources{}, usageError{fmt.Errorf("--set %s: give KEY=VALUE", kv)}
		}
		flags[key] = value
	}
	for key, value := range map[string]string{"log.level": a.logLevel, "log.format": a.logFormat} {
		if value != "" {
			flags[key] = value
		}
	}
	for key, value := range more {
		flags[key] = value
	}
	path := a.configPath
	if path == "" {
		path = lookup(a.streams.Environ, "EDGECAM_CONFIG")
	}
	board, err := boardDefaults(lookup(a.streams.Environ, boardVariable))
	if err != nil {
		return config.Sources{}, usageError{err}
	}
	environ, err := withCredentials(a.streams.Environ)
	return config.Sources{Board: board, Path: path, Environ: environ, Flags: flags}, err
}

func lookup(environ []string, name string) string {
	for _, kv := range environ {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}

// load reads the configuration and makes the logger that it asks for.
func (a *app) load(more map[string]string) (*config.Loaded, *slog.Logger, *slog.LevelVar, config.Sources, error) {
	src, err := a.sources(more)
	if err != nil {
		return nil, nil, nil, src, err
	}
	l, err := config.Load(src)
	if err != nil {
		return nil, nil, nil, src, err
	}
	level := &slog.LevelVar{}
	level.Set(l.Log.SlogLevel())
	log := newLogger(a.streams.Err, l.Log.Format, level)
	for _, w := range l.Warnings {
		log.Warn("configuration", "warning", w.String())
	}
	return l, log, level, src, nil
}

func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && isatty(f.Fd())
}

// usageError marks an error as the caller's.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }
