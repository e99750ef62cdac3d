package agc

import "github.com/edgecam/edgecam/engine/fixed"

const (
	floorParts  = 10
	floorFrames = 50 // per part: the memory is 5 s
	// floorMargin: speech stands at least this far above the background.
	floorMargin = 8 * decibel
	// leastPower is -62 dBFS (Q12): below, nothing is taken for speech.
	leastPower = 1 << 42 / 1585000
)

// floor follows the background as the least smoothed power of the last five
// seconds (the time-domain form of minimum statistics, R. Martin 2001).
type floor struct {
	smooth int64
	least  [floorParts]int64
	now    int64
	n, at  int
	// background is the power of what is always there, Q12.
	background int64
}

func (f *floor) init() {
	for i := range f.least {
		f.least[i] = 1 << 62
	}
	f.now = 1 << 62
	f.smooth = -1
}

// above takes the next frame's power (Q12) and reports whether it stands above
// the background.
func (f *floor) above(power int64) bool {
	if f.smooth < 0 {
		f.smooth = power
	}
	// It falls faster than it rises: pauses between words are short.
	if d := power - f.smooth; d < 0 {
		f.smooth += d >> 1
	} else {
		f.smooth += d >> 2
	}
	f.now = min(f.now, f.smooth)
	background := f.now
	for _, v := range f.least {
		background = min(background, v)
	}
	f.n++
	if f.n == floorFrames {
		f.least[f.at] = f.now
		f.at = (f.at + 1) % floorParts
		f.now, f.n = f.smooth, 0
	}
	f.background = background
	return power > leastPower && fixed.Log2Q10(uint64(power))-fixed.Log2Q10(uint64(background)) > floorMargin
}
