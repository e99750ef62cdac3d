package isac

import "github.com/edgecam/edgecam/engine/fixed"

// bandSplit divides 32 kHz into the bands below and above 8 kHz, 16 kHz each;
// the upper one comes out mirrored (14.4).
type bandSplit struct{ odd, even qmfBranch }

func (s *bandSplit) split(pcm, low, high []int16) {
	for n := range low {
		even := s.even.step(int32(pcm[2*n])<<10, &qmfUp)
		odd := s.odd.step(int32(pcm[2*n+1])<<10, &qmfDown)
		low[n] = fixed.Sat16((odd + even + 1024) >> 11)
		high[n] = fixed.Sat16((odd - even + 1024) >> 11)
	}
}

// bandwidth is the audio bandwidth of a super-wideband packet.
type bandwidth int

const (
	bandwidth8  bandwidth = iota // the lower layer alone
	bandwidth12                  // to 12 kHz
	bandwidth16                  // to 16 kHz
)

// Overall rates in bit/s from which the wider bandwidths are used (14.5).
const (
	rate12Bps        = 38000
	rate16Bps        = 50000
	maxSuperRateBps  = 56000
	split12StepBps   = 7000.0 / 6
	split16StepBps   = 1200.0
	holdNarrowBps    = 37000 // a lower-layer coder stays there …
	releaseNarrowBps = 41000 // … until the rate reaches this (13.5)
	holdHalfBps      = 46000 // a coder below 16 kHz goes no higher by itself
)

// splitRate divides an overall rate between the layers (14.5).
func splitRate(bps float64) (width bandwidth, lower, upper float64) {
	switch {
	case bps < rate12Bps:
		return bandwidth8, min(bps, maxRateBps), 0
	case bps < rate16Bps:
		x := (bps - rate12Bps) / split12StepBps
		return bandwidth12, interpolate(split12Lower[:], x), interpolate(split12Upper[:], x)
	}
	x := (bps - rate16Bps) / split16StepBps
	return bandwidth16, interpolate(split16Lower[:], x), interpolate(split16Upper[:], x)
}

// interpolate reads table at position x, linearly between entries.
func interpolate(table []float64, x float64) float64 {
	x = min(max(x, 0), float64(len(table)-1))
	i := min(int(x), len(table)-2)
	return table[i] + (x-float64(i))*(table[i+1]-table[i])
}
