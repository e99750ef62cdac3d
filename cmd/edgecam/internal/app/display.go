package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/drm"
	"github.com/edgecam/edgecam/hal/fbdev"
)

// displayDrivers are tried in this order: changing pages at the screen's refresh is
// better than drawing into what is seen, which a framebuffer on top of DRM does.
func displayDrivers() []displayDriver {
	return []displayDriver{{"drm", drm.New()}, {"fb", fbdev.New()}}
}

type displayDriver struct {
	kind string
	hal.DisplayDriver
}

// chooseDisplay resolves a display: none, auto (the first usable one, else none),
// drm:DEVICE[:CONNECTOR] or fb:DEVICE.
func chooseDisplay(ctx context.Context, source string, drivers []displayDriver, log *slog.Logger) (func(context.Context) (hal.Display, error), error) {
	kind, device, _ := strings.Cut(source, ":")
	switch source {
	case "none":
		return nil, nil
	case "auto", "":
		for _, d := range drivers {
			found, err := d.Displays(ctx)
			if err != nil {
				log.Warn("displays cannot be listed", "driver", d.kind, "error", err)
			}
			for _, i := range found {
				if i.Problem != "" {
					log.Warn("display skipped", "display", i.ID, "problem", i.Problem)
					continue
				}
				log.Info("display", "driver", d.kind, "display", i.ID, "width", i.Width, "height", i.Height)
				return func(ctx context.Context) (hal.Display, error) { return d.OpenDisplay(ctx, i.ID) }, nil
			}
		}
		log.Info("no display found: the picture is not shown")
		return nil, nil
	}
	for _, d := range drivers {
		if d.kind == kind && device != "" {
			return func(ctx context.Context) (hal.Display, error) { return d.OpenDisplay(ctx, device) }, nil
		}
	}
	return nil, fmt.Errorf("app: display %q is none of none, auto, drm:/dev/dri/card0, fb:/dev/fb0", source)
}
