package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/internal/sdnotify"
)

// devListen is where development mode listens unless told otherwise.
const devListen = "127.0.0.1:8080"

func (a *app) runCommand() *cobra.Command {
	var dev bool
	keys := map[string]string{ // flag to key
		"camera": "camera.source", "microphone": "microphone.source", "speaker": "speaker.source",
		"listen": "http.listen", "https-listen": "http.https_listen",
	}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the node",
		Long: "Run the node until SIGINT or SIGTERM. SIGHUP reads the configuration again, which also\n" +
			"happens by itself when the file changes; a bad one is refused and the old one kept.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags := map[string]string{}
			for flag, key := range keys {
				if f := cmd.Flags().Lookup(flag); f.Changed {
					flags[key] = f.Value.String()
				}
			}
			return a.run(cmd.Context(), dev, flags)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&dev, "dev", false, "development mode: plain HTTP on loopback only, everything allowed without a token")
	f.String("camera", "", "auto, sim, v4l2:ID or file:PATH")
	f.String("microphone", "", "auto, sim, alsa:CARD or file:PATH")
	f.String("speaker", "", "auto, sim, alsa:CARD or file:PATH")
	f.String("listen", "", "address of plain HTTP (default :8080, with --dev "+devListen+")")
	f.String("https-listen", "", "address of HTTPS (default :8443)")
	cmd.MarkFlagsMutuallyExclusive("dev", "https-listen")
	return cmd
}

func (a *app) run(parent context.Context, dev bool, flags map[string]string) error {
	l, log, level, src, err := a.load(flags)
	if err == nil && dev {
		// Development mode moves a default to loopback, but does not overrule
		// what somebody asked for: the server refuses that with a reason.
		flags["http.https_listen"] = ""
		if l.Origin("http.listen").Layer == config.LayerDefault {
			flags["http.listen"] = devListen
		}
		l, log, level, src, err = a.load(flags)
	}
	if err != nil {
		return err
	}
	if !dev {
		if l.StateDir, err = l.ResolveStateDir(); err != nil {
			return err
		}
	}
	notify, err := sdnotify.New(a.streams.Environ, os.Getpid())
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Once the stop has begun, the signals act as usual: a second one kills.
	defer context.AfterFunc(ctx, stop)()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	reload := make(chan *config.Config, 1)
	stateDir := l.StateDir
	watching, endWatch := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		err := config.Watch(watching, src, log, hangup, func(n *config.Loaded) {
			level.Set(n.Log.SlogLevel())
			n.StateDir = stateDir // moving secrets needs a restart
			select {              // only the newest counts
			case <-reload:
			default:
			}
			reload <- n.Config
		})
		if err != nil {
			log.Warn("configuration is not watched, changes need a restart", "error", err)
		}
	})
	defer wg.Wait()
	defer endWatch()
	return a.commands.Run(ctx, RunOptions{
		Config: l.Config, ConfigPath: l.Path, Dev: dev, Log: log,
		Stdout: a.streams.Out, Terminal: a.streams.Terminal, Reload: reload, Level: level, Notify: notify,
		Load: func(provisioned []byte) (*config.Loaded, error) {
			with := src
			with.Provisioned = config.Text{Name: "provisioned", YAML: provisioned}
			n, err := config.Load(with)
			if err == nil {
				n.StateDir = stateDir
			}
			return n, err
		},
	})
}
