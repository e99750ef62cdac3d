package g711

import "math/bits"

// Figures of Appendix I (09/1999) at 8 kHz.
const (
	minPitch   = 40  // 200 Hz
	maxPitch   = 120 // 66.7 Hz
	window     = 160 // samples that the pitch search correlates
	stride     = 2   // of its first pass
	step       = 80  // samples after which more periods are repeated, and the signal is weaker
	maxPeriods = 3
	fadeQ15    = 6554 // lost in each step: 0.2
	silentFrom = 6 * step
	kept       = maxPeriods*maxPitch + maxPitch/4
)

// concealer continues the signal over a loss by repeating the pitch period, after
// the manner of Appendix I but without its delay: what was played is not touched,
// a step at the seam is faded out instead.
type concealer struct {
	history [kept]int16 // newest last
	lost    int         // samples concealed in a row
	pitch   int
	now     reader
	old     reader // faded out for a quarter period after now took over
	fade    int    // samples of that left
	seam    int32  // height of the step at the start of the loss
}

// reader runs over the last length samples of the history again and again.
type reader struct{ length, at int }

// received takes a decoded packet. If the packet before was concealed, the start
// of pcm is mixed with the continued concealment.
func (c *concealer) received(pcm []int16) {
	if c.lost > 0 {
		// A quarter period, and 4 ms more for each 10 ms lost, up to 10 ms.
		n := min(c.pitch/4+c.lost*4/10, step, len(pcm))
		var tail [step]int16
		c.fill(tail[:n])
		for i, s := range tail[:n] {
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

// fill writes the next samples of the concealment. They do not become history:
// the repeated periods stay those that were received.
func (c *concealer) fill(pcm []int16) {
	if c.lost == 0 {
		c.pitch = c.findPitch()
		c.now, c.fade = reader{length: c.pitch}, 0
		c.seam = int32(c.history[kept-1]) - int32(c.history[kept-1-c.pitch])
	}
	quarter := c.pitch / 4
	for i := range pcm {
		if c.lost > 0 && c.lost%step == 0 && c.lost/step < maxPeriods {
			// One period alone, again and again, would sound like a beep.
			c.old, c.fade = c.now, quarter
			c.now = reader{length: c.now.length + c.pitch, at: c.now.at + c.pitch}
		}
		s := int32(c.next(&c.now))
		if c.fade > 0 {
			s = int32(mix(c.next(&c.old), int16(s), quarter-c.fade, quarter))
			c.fade--
		}
		if c.lost < quarter {
			s += c.seam * int32(quarter-c.lost) / int32(quarter)
		}
		pcm[i] = int16(int64(min(max(s, -32768), 32767)) * c.gainQ15() >> 15)
		if c.lost < silentFrom {
			c.lost++
		}
	}
}

// gainQ15 falls linearly from the second step on, and is 0 from silentFrom on.
func (c *concealer) gainQ15() int64 {
	if c.lost >= silentFrom {
		return 0
	}
	return max(1<<15-int64(max(c.lost-step, 0))*fadeQ15/step, 0)
}

// next returns the next sample of r. The last quarter period is led over to what
// was before the first, so that the end joins the start.
func (c *concealer) next(r *reader) int16 {
	v := c.history[kept-r.length+r.at]
	quarter := c.pitch / 4
	if k := r.at - (r.length - quarter); k >= 0 {
		v = mix(v, c.history[kept-r.length-quarter+k], k, quarter)
	}
	if r.at++; r.at == r.length {
		r.at = 0
	}
	return v
}

// mix leads from a to b in n samples, of which this is the ith.
func mix(a, b int16, i, n int) int16 {
	w := int32(i + 1)
	return int16((int32(a)*(int32(n)+1-w) + int32(b)*w) / (int32(n) + 1))
}

// findPitch returns the lag with the highest normalized correlation over the end
// of the history: coarsely on every second sample, then finely about it.
func (c *concealer) findPitch() int {
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
		// cross²/energy by cross-multiplication; the sums have less than 38 bits.
		square, e := uint64(cross>>6)*uint64(cross>>6), uint64(energy>>6)+1
		hi, lo := bits.Mul64(square, bestEnergy)
		bestHi, bestLo := bits.Mul64(bestSquare, e)
		if hi > bestHi || hi == bestHi && lo > bestLo {
			best, bestSquare, bestEnergy = lag, square, e
		}
	}
	return best
}
