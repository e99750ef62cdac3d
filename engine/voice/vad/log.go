package vad

import "github.com/edgecam/edgecam/engine/fixed"

// decibel is one decibel of power as a logarithm to base 2 in Q10.
const decibel = 340

// levelDBov returns a mean square in dB of that of a full-scale square wave
// (2^30), -127 to 0.
func levelDBov(meanSquare int64) int {
	if meanSquare <= 0 {
		return -127
	}
	return int(max((fixed.Log2Q10(uint64(meanSquare))-30<<10-decibel/2)/decibel, -127))
}
