package ns

import "github.com/edgecam/edgecam/engine/fixed"

const (
	// startFrames are averaged for the first noise spectrum.
	startFrames = 8
	// settleFrames: in the first second the spectrum falls faster, in case
	// somebody spoke from the beginning.
	settleFrames = 100
	// rateQ15 is the weight of a frame without speech: a memory of 200 ms.
	rateQ15 = 1600
	// stuckQ15: a cell that seems to hold speech nearly all the time has been
	// left behind by a noise that became louder; then it follows slowly (0.99).
	stuckQ15 = 32440
	// minParts of minFrames frames are the memory of the least power: 1.6 s.
	minParts, minFrames = 8, 20
	// minShift is how the least power bounds the noise from below: by half, 3 dB.
	minShift = 1
)

// tracker follows the noise spectrum.
//
// A cell's noise moves toward its power by as much as speech is improbable in
// it, with fixed priors (T. Gerkmann, R. C. Hendriks, "Unbiased MMSE-based
// noise power estimation with low complexity and low tracking delay", IEEE
// TASLP 20 (2012)). The least smoothed power of the last 1.6 s bounds it from
// below (R. Martin, "Noise power spectral density estimation based on optimal
// smoothing and minimum statistics", IEEE TSAP 9 (2001)), so that a noise that
// grows at once is followed.
type tracker struct {
	power    []int64 // of noise, scaled like the spectrum's
	powerLog []int32 // log2 of it, Q10
	usualQ15 []int32 // smoothed probability of speech
	smooth   []int64
	now      []int64 // least smooth power of the part that runs
	parts    [minParts][]int64
	least    []int64 // of the parts that are over
	at, n    int
	frames   int
}

func (t *tracker) init(cells int) {
	t.power, t.powerLog = make([]int64, cells), make([]int32, cells)
	t.usualQ15 = make([]int32, cells)
	t.smooth, t.now, t.least = make([]int64, cells), make([]int64, cells), make([]int64, cells)
	for i := range t.parts {
		t.parts[i] = make([]int64, cells)
	}
}

func (t *tracker) update(power []int64, powerLog []int32) {
	t.frames++
	if t.frames <= startFrames {
		t.start(power)
		return
	}
	n := len(power)
	powerLog = powerLog[:n]
	smooth, now, least, usual := t.smooth[:n], t.now[:n], t.least[:n], t.usualQ15[:n]
	noises, noiseLogs := t.power[:n], t.powerLog[:n]
	for c, p := range power {
		smooth[c] += (p - smooth[c]) >> 3
		now[c] = min(now[c], smooth[c])
		noise := noises[c]
		speechQ15 := nearest(presenceQ15[:], powerLog[c]-noiseLogs[c], presenceFirst)
		usual[c] += (speechQ15 - usual[c]) >> 3
		if usual[c] > stuckQ15 {
			speechQ15 = min(speechQ15, stuckQ15)
		}
		weightQ15 := int64(rateQ15) * int64(1<<15-speechQ15) >> 15
		if p < noise && t.frames < settleFrames {
			weightQ15 *= 4
		}
		noise += (p - noise) >> 3 * weightQ15 >> 12
		noise = max(noise, min(least[c], now[c])>>minShift, 1)
		noises[c], noiseLogs[c] = noise, fixed.Log2Q10(uint64(noise))
	}
	if t.n++; t.n == minFrames {
		t.roll()
	}
}

// start averages the first frames.
func (t *tracker) start(power []int64) {
	for c, p := range power {
		t.power[c] += (p - t.power[c]) / int64(t.frames)
		t.powerLog[c] = fixed.Log2Q10(uint64(t.power[c]))
		t.smooth[c], t.now[c], t.least[c] = t.power[c], t.power[c], t.power[c]
		for i := range t.parts {
			t.parts[i][c] = t.power[c]
		}
	}
}

// roll ends a part of the memory of the least power.
func (t *tracker) roll() {
	copy(t.parts[t.at], t.now)
	t.at, t.n = (t.at+1)%minParts, 0
	copy(t.now, t.smooth)
	copy(t.least, t.parts[0])
	for _, part := range t.parts[1:] {
		for c, p := range part {
			t.least[c] = min(t.least[c], p)
		}
	}
}
