package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/cli"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/internal/sdnotify"
)

// TestSupervised runs a node under a service manager's eyes: it is ready when
// it serves, gives signs of life, says when it starts anew with another
// configuration and when it stops.
func TestSupervised(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	must(t, err)
	defer manager.Close()
	notify, err := sdnotify.New([]string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=600000"}, 1)
	must(t, err)
	cfg := config.Defaults()
	cfg.Camera.Source = "sim"
	cfg.Microphone.Enabled, cfg.Speaker.Enabled = false, false
	cfg.HTTP.Listen, cfg.HTTP.HTTPSListen = "127.0.0.1:0", ""
	cfg.WebRTC.UDPPort, cfg.WebRTC.ICETCP = 0, false
	ctx, stop := context.WithCancel(t.Context())
	reload, ended := make(chan *config.Config, 1), make(chan error, 1)
	go func() {
		ended <- Run(ctx, cli.RunOptions{
			Config: cfg, Dev: true, Log: slog.New(slog.DiscardHandler), Stdout: io.Discard, Reload: reload, Notify: notify,
		})
	}()
	// until reads messages up to one that begins with want; anything but signs
	// of life and lines for people in between is wrong.
	until := func(want string) {
		t.Helper()
		buf := make([]byte, 1024)
		for {
			must(t, manager.SetReadDeadline(time.Now().Add(30*time.Second)))
			n, err := manager.Read(buf)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			got := string(buf[:n])
			if strings.HasPrefix(got, want) {
				return
			}
			if !strings.HasPrefix(got, "STATUS=") && got != "WATCHDOG=1" {
				t.Fatalf("%q came before %q", got, want)
			}
		}
	}
	until("READY=1\nSTATUS=0 viewers, camera")
	for range 3 {
		until("WATCHDOG=1")
	}
	next := *cfg
	next.Node.Name = "renamed"
	reload <- &next
	until("RELOADING=1\nMONOTONIC_USEC=")
	until("READY=1")
	stop()
	until("STOPPING=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
