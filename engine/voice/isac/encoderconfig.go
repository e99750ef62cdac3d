package isac

import (
	"fmt"
	"time"
)

// EncoderConfig sets an encoder up. Zero fields mean the defaults.
type EncoderConfig struct {
	// BitrateBps is the target rate without packet headers: wideband
	// 10000..32000, default 32000; super-wideband to 56000, default 56000. In
	// adaptive mode it is the rate to begin with, default 20000. Silence comes
	// out far below it, rich passages above.
	BitrateBps int
	// FrameDuration is 30 ms (default) or 60 ms (wideband only); in adaptive
	// mode the one to begin with.
	FrameDuration time.Duration
	// Adaptive selects the channel-adaptive mode: rate and frame length follow
	// the other side's reports, see Encoder.Received.
	Adaptive bool
	// KeepFrameDuration keeps the frame length in adaptive mode.
	KeepFrameDuration bool
	// MaxPayloadBytes bounds every payload: 100..400, default 400;
	// super-wideband 120..600, default 600.
	MaxPayloadBytes int
	// MaxRateBps bounds every payload by rate: 32000..53400, default 53400
	// (200 bytes in 30 ms); super-wideband 32000..160000, default 160000.
	MaxRateBps int
	// PiecewiseMap codes for decoders with the piecewise linear map of
	// reflection coefficients (A.3) instead of the exact one. Nothing in the
	// payload tells which was meant; the exact one is the better worst case.
	PiecewiseMap bool
}

const (
	shortFrame      = 30 * time.Millisecond
	longFrame       = 60 * time.Millisecond
	defaultAdaptive = 20000
)

// bounds are the limits of a kind of encoder's settings.
type bounds struct {
	bps, minPayload, maxPayload, maxRate int
	longest                              time.Duration
}

var (
	wideBounds  = bounds{bps: maxRateBps, minPayload: 100, maxPayload: 400, maxRate: 53400, longest: longFrame}
	superBounds = bounds{bps: maxSuperRateBps, minPayload: 120, maxPayload: MaxPayloadBytes, maxRate: 160000, longest: shortFrame}
)

// withDefaults fills in zero fields.
func (c EncoderConfig) withDefaults(b *bounds) EncoderConfig {
	if c.BitrateBps == 0 {
		c.BitrateBps = b.bps
		if c.Adaptive {
			c.BitrateBps = defaultAdaptive
		}
	}
	if c.FrameDuration == 0 {
		c.FrameDuration = shortFrame
	}
	if c.MaxPayloadBytes == 0 {
		c.MaxPayloadBytes = b.maxPayload
	}
	if c.MaxRateBps == 0 {
		c.MaxRateBps = b.maxRate
	}
	return c
}

func (c *EncoderConfig) validate(b *bounds) error {
	switch {
	case c.BitrateBps < minRateBps || c.BitrateBps > b.bps:
		return fmt.Errorf("%w: bit rate of %d bit/s, choose %d..%d", ErrUnsupported, c.BitrateBps, minRateBps, b.bps)
	case c.FrameDuration != shortFrame && b.longest == shortFrame:
		return fmt.Errorf("%w: frame of %v, super-wideband has %v only", ErrUnsupported, c.FrameDuration, shortFrame)
	case c.FrameDuration != shortFrame && c.FrameDuration != b.longest:
		return fmt.Errorf("%w: frame of %v, choose %v or %v", ErrUnsupported, c.FrameDuration, shortFrame, b.longest)
	case c.MaxPayloadBytes < b.minPayload || c.MaxPayloadBytes > b.maxPayload:
		return fmt.Errorf("%w: payload limit %d bytes, choose %d..%d", ErrUnsupported, c.MaxPayloadBytes, b.minPayload, b.maxPayload)
	case c.MaxRateBps < maxRateBps || c.MaxRateBps > b.maxRate:
		return fmt.Errorf("%w: rate limit %d bit/s, choose %d..%d", ErrUnsupported, c.MaxRateBps, maxRateBps, b.maxRate)
	}
	return nil
}

// limits returns the largest payloads of 30 and of 60 ms (12.3).
func (c *EncoderConfig) limits() (short, long int) {
	perBlock := c.MaxRateBps * 3 / 800
	return min(c.MaxPayloadBytes, perBlock), min(c.MaxPayloadBytes, 2*perBlock)
}
