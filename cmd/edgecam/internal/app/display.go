package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/fbdev"
)

// chooseDisplay resolves a display: none, auto (the first usable framebuffer,
// else none) or fb:DEVICE.
func chooseDisplay(ctx context.Context, source string, log *slog.Logger) (func(context.Context) (hal.Display, error), error) {
	driver := fbdev.New()
	kind, device, _ := strings.Cut(source, ":")
	switch {
	case source == "none":
		return nil, nil
	case source == "auto" || source == "":
		found, err := driver.Displays(ctx)
		if err != nil {
			log.Warn("displays cannot be listed", "error", err)
		}
		for _, d := range found {
			if d.Problem == "" {
				device = d.ID
				break
			}
			log.Warn("display skipped", "display", d.ID, "problem", d.Problem)
		}
		if device == "" {
			log.Info("no display found: the picture is not shown")
			return nil, nil
		}
	case kind != "fb" || device == "":
		return nil, fmt.Errorf("app: display %q is none of none, auto, fb:/dev/fb0", source)
	}
	return func(ctx context.Context) (hal.Display, error) { return driver.OpenDisplay(ctx, device) }, nil
}
