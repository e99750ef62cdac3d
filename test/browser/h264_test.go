package browser_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
	"github.com/edgecam/edgecam/test/x264"
)

// page is the least that shows a picture.
const page = `<!doctype html><title>H.264</title><link rel="icon" href="data:,"><edge-cam></edge-cam>
<video autoplay muted playsinline style="width:640px"></video>
<script>document.querySelector('edge-cam').video = document.querySelector('video')</script>`

// TestH264 lets Chromium watch a node whose board has an encoder for H.264, and
// loses it.
func TestH264(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	tl, x := findTools(t), x264.New(t)
	cfg := engine.Defaults()
	cfg.Session.UDPPort, cfg.Session.Loopback, cfg.Session.ICETCP = 0, true, false
	cfg.Video.BitrateBps, cfg.Video.Speed = 500_000, 10
	e, err := engine.New(cfg, engine.Devices{
		Camera: func(ctx context.Context) (hal.Camera, error) {
			return sim.NewCameraDriver(sim.CameraOptions{}).OpenCamera(ctx, sim.CameraID, hal.VideoMode{})
		},
		VideoEncoder: x.Open,
	}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	handler := whep.New(e.Sessions(), whep.AuthorizerFunc(func(*http.Request) (session.Grant, error) {
		return session.Grant{Subject: "browser", View: true}, nil
	}), whep.Options{})
	mux := http.NewServeMux()
	mux.Handle("/whep", handler)
	mux.Handle("/whep/", handler)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, page)
	})
	server := httptest.NewServer(mux)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		handler.Close()
		server.Close()
	}()
	measured := tl.run(t, "h264", map[string]any{"url": server.URL}, func(ask string) error {
		x.SetBroken(ask == "break the encoder")
		for _, v := range e.Sessions().Viewers() {
			t.Logf("%s: %+v", ask, v)
		}
		return nil
	})
	if t.Failed() {
		t.Logf("%+v", e.Sessions().Stats())
	}
	t.Logf("measured %v; the encoder was opened %d times", measured, x.Opened())
}
