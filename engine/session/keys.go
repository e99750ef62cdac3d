package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/voice/dtmf"
)

// ErrNoKeys says that the other side takes no telephone events.
var ErrNoKeys = errors.New("session: the other side takes no keys")

const (
	// keyStep is the time between two packets of an event, keyEnds how often its
	// end is sent (RFC 4733 sections 2.5.1.2 and 2.5.1.4).
	keyStep = 20 * time.Millisecond
	keyEnds = 3
	// leastKey and mostKey bound how long a key is pressed: shorter ones are not
	// recognised everywhere, longer ones overflow the duration's 16 bits.
	leastKey, mostKey = 40 * time.Millisecond, time.Second
	// keyVolumeDBm0 is usual for events.
	keyVolumeDBm0 = -10
)

// PressKey sends a key, one of 0 to 9, *, # and A to D, as a telephone event
// (RFC 4733) of a length of 40 ms to 1 s, in place of the own voice, and returns
// when it has been let go. Keys are sent one at a time. Errors: ErrNoKeys,
// ErrClosed, the context's.
func (c *Call) PressKey(ctx context.Context, key byte, length time.Duration) error {
	code, ok := dtmf.CodeOf(key)
	if !ok {
		return fmt.Errorf("session: %q is not a key: 0 to 9, *, #, A to D are", string(rune(key)))
	}
	c.keys.Lock()
	defer c.keys.Unlock()
	c.sendMu.Lock()
	rate := c.samples.rateHz
	if c.voice == nil || rate == 0 || c.voice.types.Event == 0 {
		c.sendMu.Unlock()
		return ErrNoKeys
	}
	c.key = true
	ts := uint32(c.samples.at(c.clock.ticks(time.Now(), rate)))
	c.sendMu.Unlock()
	defer func() {
		c.sendMu.Lock()
		c.key = false
		c.sendMu.Unlock()
	}()
	length = min(max(length, leastKey), mostKey)
	tick := time.NewTicker(keyStep)
	defer tick.Stop()
	ends := 0
	for n := 1; ends < keyEnds; n++ {
		past := min(time.Duration(n)*keyStep, length)
		e := dtmf.Event{Code: code, VolumeDBm0: keyVolumeDBm0, Ended: past == length, Duration: uint16(int64(past) * rate / int64(time.Second))}
		if e.Ended {
			ends++
		}
		if err := c.sendEvent(e, ts, n == 1); err != nil {
			return err
		}
		if e.Ended {
			continue // the end is repeated at once
		}
		select {
		case <-tick.C:
		case <-c.done:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("session: key: %w", ctx.Err())
		}
	}
	return nil
}

func (c *Call) sendEvent(e dtmf.Event, ts uint32, first bool) error {
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	p := &c.out
	p.role, p.ts, p.marker = roleEvent, ts, first
	p.n = len(e.Append(p.buf[:0]))
	if _, err := c.voice.send(p, label{}, 0); err != nil {
		c.counters.sendErrors.Add(1)
		return fmt.Errorf("session: send key: %w", err)
	}
	return nil
}
