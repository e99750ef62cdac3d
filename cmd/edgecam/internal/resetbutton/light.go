package resetbutton

import (
	"context"
	"log/slog"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// light is the line that shows where a press stands. Without a line, and when
// the line fails, it does nothing: the button works all the same.
type light struct {
	out    hal.Output
	log    *slog.Logger
	ticker *time.Ticker
	lit    bool
}

func (l *light) open(ctx context.Context, c Config) {
	l.log = c.Log
	if c.Light == nil {
		return
	}
	out, err := c.Light(ctx)
	if err != nil {
		c.Log.Warn("reset button's light not available", "error", err)
		return
	}
	l.out = out
}

func (l *light) close(log *slog.Logger) {
	l.stop()
	if l.out != nil {
		if err := l.out.Close(); err != nil {
			log.Warn("reset button's light not closed", "error", err)
		}
	}
}

func (l *light) stop() {
	if l.ticker != nil {
		l.ticker.Stop()
		l.ticker = nil
	}
}

func (l *light) set(lit bool) {
	l.lit = lit
	if l.out == nil {
		return
	}
	if err := l.out.Set(lit); err != nil {
		l.log.Warn("reset button's light not set", "error", err)
	}
}

func (l *light) off() { l.stop(); l.set(false) }
func (l *light) on()  { l.stop(); l.set(true) }

// blink lights it, and turns it round every half.
func (l *light) blink(half time.Duration) {
	l.stop()
	l.set(true)
	if l.out != nil {
		l.ticker = time.NewTicker(half)
	}
}

// tick returns when to turn it round, nil for never.
func (l *light) tick() <-chan time.Time {
	if l.ticker == nil {
		return nil
	}
	return l.ticker.C
}

func (l *light) turn() { l.set(!l.lit) }
