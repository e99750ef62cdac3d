// Command edgecam turns a board with a camera, a microphone and a speaker into
// a door station, an intercom or a camera for browsers.
package main

import (
	"context"
	"os"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/app"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:],
		cli.Commands{Run: app.Run, Devices: app.Devices, Snapshot: app.Snapshot, Watch: app.Watch, Signal: app.Signal, Call: app.Call},
		cli.Streams{
			In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
			Terminal: cli.IsTerminal(os.Stdout), Environ: os.Environ(),
		}))
}
