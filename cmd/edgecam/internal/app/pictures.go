package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine"
)

// watchEvery is the pause between two of Watch's pictures.
const watchEvery = 250 * time.Millisecond

// Snapshot writes one picture of the configured camera to w as JPEG.
func Snapshot(ctx context.Context, cfg *config.Config, log *slog.Logger, w io.Writer) error {
	return withCamera(ctx, cfg, log, func(e *engine.Engine) error { return e.Snapshot(ctx, w) })
}

// Watch passes pictures of the configured camera as JPEG to see until it
// returns true or ctx is done. The buffer is see's only during the call. A
// camera that is away for a moment is waited for.
func Watch(ctx context.Context, cfg *config.Config, log *slog.Logger, see func(jpeg []byte) bool) error {
	return withCamera(ctx, cfg, log, func(e *engine.Engine) error {
		var jpeg bytes.Buffer
		for {
			jpeg.Reset()
			if err := e.Snapshot(ctx, &jpeg); err == nil && see(jpeg.Bytes()) {
				return nil
			} else if err != nil && ctx.Err() == nil {
				log.Debug("no picture", "error", err)
			}
			select {
			case <-time.After(watchEvery):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// withCamera runs an engine with the configured camera and nothing else during
// work.
func withCamera(ctx context.Context, cfg *config.Config, log *slog.Logger, work func(*engine.Engine) error) error {
	silent := *cfg
	silent.Microphone.Enabled, silent.Speaker.Enabled = false, false
	_, found, err := openDevices(&silent, false, log)
	if err != nil {
		return err
	}
	ec := engineConfig(cfg, true)
	ec.Night = engine.AlwaysDay // no lines are switched for one picture
	ec.Session.UDPPort, ec.Session.ICETCP = 0, false
	e, err := engine.New(ec, engine.Devices{Camera: found.Camera}, nil, log)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- e.Run(running) }()
	err = work(e)
	stop()
	return errors.Join(err, <-done)
}
