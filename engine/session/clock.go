package session

import "time"

// videoRateHz is the clock rate of video's RTP timestamps. That of sound is its
// codec's.
const videoRateHz = 90000

// ntpUnixOffset is the number of seconds from 1900 to 1970.
const ntpUnixOffset = 2208988800

// mediaClock turns capture times into RTP timestamps and NTP times. Both use
// the monotonic reading since epoch: a step of the wall clock while the node
// runs moves neither, so picture and sound stay in step.
type mediaClock struct {
	epoch   time.Time
	wallSec int64 // Unix time of epoch
	wallNs  int64
}

func newMediaClock(epoch time.Time) mediaClock {
	return mediaClock{epoch: epoch, wallSec: epoch.Unix(), wallNs: int64(epoch.Nanosecond())}
}

// ticks returns t in units of 1/rateHz since the epoch.
func (c mediaClock) ticks(t time.Time, rateHz int64) int64 {
	d := t.Sub(c.epoch)
	// Whole seconds apart, or the product overflows after a day.
	sec, ns := int64(d/time.Second), int64(d%time.Second)
	return sec*rateHz + ns*rateHz/int64(time.Second)
}

// ntp returns t as a 64-bit NTP timestamp (RFC 3550 section 4).
func (c mediaClock) ntp(t time.Time) uint64 {
	ns := c.wallNs + int64(t.Sub(c.epoch))
	sec := c.wallSec + ns/int64(time.Second) + ntpUnixOffset
	ns %= int64(time.Second)
	if ns < 0 {
		ns += int64(time.Second)
		sec--
	}
	return uint64(sec)<<32 | uint64(ns)<<32/uint64(time.Second)
}

// audioGap is the jump of capture time against the count of samples that is
// taken for a real gap in the recording, in ms.
const audioGap = 60

// sampleClock gives audio packets timestamps that count samples. Receivers
// conceal or drop samples when timestamps jitter, and capture times do; so the
// difference between the sample count and the media clock is only tracked (a
// sound card's crystal is off by some 10 ppm) and goes into sender reports.
type sampleClock struct {
	started bool
	rateHz  int64
	next    int64 // timestamp of the next packet
	lagQ8   int64 // media clock minus sample count, low-passed, 8 fraction bits
}

// stamp returns the timestamp of a packet of n samples captured at want (media
// clock, in samples).
func (s *sampleClock) stamp(want, n int64) int64 {
	gap := audioGap * s.rateHz / 1000
	lag := want - s.next
	switch off := lag - s.lagQ8>>8; {
	case !s.started:
		s.started, s.next, s.lagQ8 = true, want, 0
	case off > gap:
		// Samples are missing: leave the gap in the timestamps.
		s.next += off
	case off < -gap:
		// The capture clock went back; timestamps never do.
		s.lagQ8 = lag << 8
	default:
		s.lagQ8 += (lag<<8 - s.lagQ8) / 64
	}
	ts := s.next
	s.next += n
	return ts
}

// at returns the timestamp that belongs to a moment of the media clock.
func (s *sampleClock) at(ticks int64) int64 { return ticks - s.lagQ8>>8 }
