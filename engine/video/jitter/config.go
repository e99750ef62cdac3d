package jitter

import "time"

// RateHz is the clock rate of VP8's RTP timestamps.
const RateHz = 90000

// MaxPayloadBytes is the longest RTP payload that is kept.
const MaxPayloadBytes = 1500

// Config sets a Buffer up. The zero value is good.
type Config struct {
	// Packets is how many packets are kept at most, a power of two from 64 to
	// 8192; others are rounded up. 0 means 1024, about 1.2 MB when in use. A
	// frame of more packets cannot be assembled.
	Packets int
	// MinDelay and MaxDelay bound the playout delay (the playout-delay header
	// extension). MaxDelay 0 with Immediate unset means 1 s.
	MinDelay, MaxDelay time.Duration
	// Immediate hands frames out as soon as they can be decoded, as a playout
	// delay of 0 to 0 asks for.
	Immediate bool
	// NoNACK says that the sender sends nothing again.
	NoNACK bool
	// Retries is how often a packet is asked for, 0 means 16; GiveUp is how long,
	// 0 means 1 s. After either the frame is given up and a key frame wanted.
	Retries int
	GiveUp  time.Duration
	// RTT is the round-trip time until SetRTT tells a better one; 0 means 100 ms.
	RTT time.Duration
	// RPSI acknowledges long-term references (Buffer.Stored). Only for senders
	// that understand it. Buffer.SetRPSI changes it.
	RPSI bool
}

const (
	minPackets, maxPackets = 64, 8192
	// maxFrames is how many frames may be in the making or waiting.
	maxFrames = 256
	// maxMissing is how many packets may be asked for at a time; a longer gap is
	// mended by a key frame.
	maxMissing = 300
	// maxJump is the step of sequence numbers that is believed of one packet
	// alone (RFC 3550 appendix A.1: MAX_DROPOUT).
	maxJump = 3000
	// leastRetry bounds how often a packet is asked for on fast networks.
	leastRetry = 15 * time.Millisecond
	// mostReorder bounds how long a gap may be taken for reordering.
	mostReorder = 30 * time.Millisecond
	// leastPLI is the least time between two requests for a key frame.
	leastPLI = 250 * time.Millisecond
)

func (c Config) withDefaults() Config {
	if c.Packets == 0 {
		c.Packets = 1024
	}
	n := minPackets
	for n < c.Packets && n < maxPackets {
		n *= 2
	}
	c.Packets = n
	switch {
	case c.Immediate:
		c.MinDelay, c.MaxDelay = 0, 0
	case c.MaxDelay <= 0:
		c.MaxDelay = max(time.Second, c.MinDelay)
	}
	c.MinDelay = min(max(c.MinDelay, 0), c.MaxDelay)
	if c.Retries <= 0 {
		c.Retries = 16
	}
	if c.GiveUp <= 0 {
		c.GiveUp = time.Second
	}
	if c.RTT <= 0 {
		c.RTT = 100 * time.Millisecond
	}
	return c
}
