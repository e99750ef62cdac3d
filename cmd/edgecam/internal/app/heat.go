package app

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	boards "github.com/edgecam/edgecam/board-configs"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/metrics"
)

// heatEvery is how often the thermometer is read.
const heatEvery = 2 * time.Second

// throttledNow are the bits of the firmware's flags that say that the processor
// is slowed down now: capped, throttled, soft limit.
const throttledNow = 0b1110

// watchHeat reads the board's thermometer and throttle flags until ctx is done.
// Boards that are not known are left alone: a laptop at 80 degrees is well.
func watchHeat(ctx context.Context, root string, limits boards.Thermal, tell func(celsius float64, throttled bool)) error {
	if limits.Zone == "" {
		<-ctx.Done()
		return nil
	}
	t := time.NewTicker(heatEvery)
	defer t.Stop()
	for {
		tell(readHeat(root, limits))
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// readHeat returns 0 degrees where there is no such zone.
func readHeat(root string, limits boards.Thermal) (celsius float64, throttled bool) {
	for _, z := range metrics.Temperatures(filepath.Join(root, "sys")) {
		if z.Name == limits.Zone {
			celsius = z.Celsius
		}
	}
	if limits.ThrottleFlags != "" {
		if text, err := os.ReadFile(filepath.Join(root, limits.ThrottleFlags)); err == nil {
			bits, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(string(text)), "0x"), 16, 32)
			throttled = err == nil && bits&throttledNow != 0
		}
	}
	return celsius, throttled
}

// thisBoard is the board that the program runs on; the zero value if its files
// cannot be read.
func thisBoard() boards.Board {
	b, _, err := boards.Detect("/")
	if err != nil {
		return boards.Board{}
	}
	return b
}

// heat tells the engine's governor how hot the board is.
func (n *node) heat(ctx context.Context) error {
	return watchHeat(ctx, "/", thisBoard().Thermal, n.engine.SetHeat)
}
