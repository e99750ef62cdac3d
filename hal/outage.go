package hal

import (
	"context"
	"log/slog"
	"time"
)

// Outage logs the absence of a device once, and again when its cause changes or
// the device is back, however often somebody tries. The zero value is a device
// that is there. It is for one goroutine.
type Outage struct {
	cause string
	since time.Time
	tries int
}

// Failed logs a try that failed with err: as a warning if that is news.
func (o *Outage) Failed(log *slog.Logger, device string, err error) {
	if o.cause == "" {
		o.since = time.Now()
	}
	o.tries++
	level := slog.LevelDebug
	if cause := err.Error(); cause != o.cause {
		o.cause, level = cause, slog.LevelWarn
	}
	log.Log(context.Background(), level, "device not available, trying again", "device", device, "kind", KindOf(err).String(), "tries", o.tries, "error", err)
}

// Over logs that the device works, if it did not before.
func (o *Outage) Over(log *slog.Logger, device string) {
	if o.cause == "" {
		return
	}
	log.Info("device is available again", "device", device, "tries", o.tries, "outage_s", time.Since(o.since).Seconds())
	*o = Outage{}
}
