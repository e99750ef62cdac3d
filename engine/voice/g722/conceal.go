package g722

import "math/bits"

const (
	minPitch   = 80  // 200 Hz
	maxPitch   = 240 // 66.7 Hz
	window     = 320 // samples that the pitch search correlates
	seam       = 64  // samples over which signals are joined
	fadeFrom   = 160 // samples of a loss at full strength
	silentFrom = 960 // samples after which a loss is silent
	kept       = window + maxPitch
)

// concealer repeats the last pitch period over a loss, falling off to silence in
// 60 ms. The sub-bands' own states wait meanwhile: they are adaptive and find back
// to the encoder's by themselves.
type concealer struct {
	history [kept]int16 // newest last; in a loss, its end is the period repeated
	last    [seam]int16 // what follows the loss's end if it goes on
	lost    int         // samples concealed in a row
	pitch   int
	at      int   // next sample of the period
	step    int32 // height of the step from the signal to the period
}

// received takes a decoded packet, whose start is mixed with the continued
// concealment if the packet before was concealed.
func (c *concealer) received(pcm []int16) {
	if c.lost > 0 {
		n := min(seam, len(pcm))
		c.fill(c.last[:n])
		for i, s := range c.last[:n] {
			pcm[i] = mix(s, pcm[i], i, n)
		}
		c.lost = 0
	}
	if len(pcm) >= kept {
		copy(c.history[:], pcm[len(pcm)-kept:])
		return
	}
	copy(c.history[:], c.history[len(pcm):])
	copy(c.history[kept-len(pcm):], pcm)
}

// fill writes the next samples of the concealment.
func (c *concealer) fill(pcm []int16) {
	if c.lost == 0 {
		c.pitch, c.at = c.findPitch(), 0
		c.step = int32(c.history[kept-1]) - int32(c.history[kept-1-c.pitch])
		// The period's end leads over to what was before its start.
		period := c.history[kept-c.pitch:]
		before := c.history[kept-c.pitch-seam:]
		var end [seam]int16
		for i := range end {
			end[i] = mix(period[c.pitch-seam+i], before[i], i, seam)
		}
		copy(period[c.pitch-seam:], end[:])
	}
	for i := range pcm {
		gain := int32(silentFrom - max(c.lost, fadeFrom))
		s := int32(c.history[kept-c.pitch+c.at])
		if c.lost < seam {
			s = min(max(s+c.step*int32(seam-c.lost)/seam, -32768), 32767)
		}
		pcm[i] = int16(s * gain / (silentFrom - fadeFrom))
		if c.at++; c.at == c.pitch {
			c.at = 0
		}
		if c.lost < silentFrom {
			c.lost++
		}
	}
}

// mix leads from a to b in n samples, of which this is the ith.
func mix(a, b int16, i, n int) int16 {
	w := int32(i + 1)
	return int16((int32(a)*(int32(n)+1-w) + int32(b)*w) / (int32(n) + 1))
}

// findPitch returns the lag with the highest normalized correlation, in steps of
// a quarter of a millisecond and then of single samples.
func (c *concealer) findPitch() int {
	const stride = 4
	best := c.bestLag(minPitch, maxPitch, stride)
	return c.bestLag(max(best-stride+1, minPitch), min(best+stride-1, maxPitch), 1)
}

func (c *concealer) bestLag(from, to, by int) int {
	target := c.history[kept-window:]
	best, bestSquare, bestEnergy := from, uint64(0), uint64(1)
	for lag := from; lag <= to; lag += by {
		past := c.history[kept-window-lag:]
		var cross, energy int64
		for i := 0; i < window; i += by {
			p := int64(past[i])
			cross += int64(target[i]) * p
			energy += p * p
		}
		if cross <= 0 {
			continue
		}
		// cross²/energy by cross-multiplication; the sums have less than 39 bits.
		square, e := uint64(cross>>7)*uint64(cross>>7), uint64(energy>>7)+1
		hi, lo := bits.Mul64(square, bestEnergy)
		bestHi, bestLo := bits.Mul64(bestSquare, e)
		if hi > bestHi || hi == bestHi && lo > bestLo {
			best, bestSquare, bestEnergy = lag, square, e
		}
	}
	return best
}
