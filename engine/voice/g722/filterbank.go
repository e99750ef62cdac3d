package g722

import "github.com/edgecam/edgecam/engine/fixed"

const taps = 24 // of the quadrature mirror filters

// halfFilterQ13 is every second coefficient of the filter of table 11; the others
// are the same backwards.
var halfFilterQ13 = [taps / 2]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

// filterBank splits a signal into two sub-bands, or joins them (section 3.1 and
// 4.4). The delay line is kept twice so that a window over it never wraps.
type filterBank struct {
	line [2 * taps]int32
	at   int
}

// push puts a pair of samples into the delay line and returns the sums over the
// older and the newer of all pairs.
func (f *filterBank) push(a, b int32) (older, newer int32) {
	f.line[f.at], f.line[f.at+taps] = a, a
	f.line[f.at+1], f.line[f.at+1+taps] = b, b
	f.at = (f.at + 2) % taps
	x := f.line[f.at : f.at+taps]
	for i, c := range halfFilterQ13 {
		older += x[2*i] * c
		newer += x[taps-1-2*i] * c
	}
	return older, newer
}

// analyse returns the next sample of each sub-band, 15 bits.
func (f *filterBank) analyse(a, b int16) (low, high int32) {
	odd, even := f.push(int32(a), int32(b))
	return (even + odd) >> 14, (even - odd) >> 14
}

// synthesize returns the next two samples of the signal.
func (f *filterBank) synthesize(low, high int32) (a, b int16) {
	second, first := f.push(low+high, low-high)
	return fixed.Sat16(first >> 11), fixed.Sat16(second >> 11)
}
