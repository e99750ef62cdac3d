package ilbc

// concealment continues the excitation over a lost frame (section 4.5): pitch
// repetition and noise, mixed by how periodic the signal was.
type concealment struct {
	previous [maxSamples]int16 // excitation of the last frame
	lpc      predictor         // its last synthesis filter
	lag      int               // of the running loss
	share    int32             // squared periodicity of the running loss, Q15
	lost     int               // frames in a row
	seed     int16
}

func newConcealment() concealment {
	return concealment{lpc: unityPredictor, lag: 120, seed: 777}
}

// received keeps what a later loss starts from.
func (c *concealment) received(residual []int16, lpc *predictor) {
	copy(c.previous[:], residual)
	c.lpc = *lpc
	c.lost = 0
}

const (
	silence          = 900   // mean square below which a concealed frame is all noise: 30 dB
	longLossSamples  = 320   // from here on the signal is faded
	longLossGainQ15  = 29491 // 0.9
	fade2Q15         = 31130 // 0.95, from 10 ms on
	fade3Q15         = 29491 // 0.9, from 20 ms on
	shortLag         = 80    // lags below are doubled, lest the voice buzz
	periodicShareQ15 = 7868  // 0.7^4: all pitch
)

// conceal fills out, a frame, with excitation. lag is the pitch lag at the end of
// the frame before.
func (c *concealment) conceal(out []int16, lag int) {
	n := len(out)
	c.lost++
	if c.lost == 1 {
		c.lag, c.share = c.search(n, lag)
	}
	gainQ15 := int32(32767)
	if c.lost*n > longLossSamples {
		gainQ15 = longLossGainQ15
	}
	pitchQ15 := pitchShare(c.share)
	period := c.lag
	if period < shortLag {
		period *= 2
	}
	previous := c.previous[:n]
	var noise [maxSamples]int16
	var energy int32
	threshold := int32(n) * silence
	for i := range out {
		c.seed = int16(int32(c.seed)*31821 + 13849)
		back := 53 + int(c.seed&63)
		if back > i {
			noise[i] = previous[n+i-back]
		} else {
			noise[i] = previous[i-back]
		}
		var pitch int16
		if period > i {
			pitch = previous[n+i-period]
		} else {
			pitch = out[i-period]
		}
		gQ15 := gainQ15
		switch {
		case i >= 160:
			gQ15 = fade3Q15 * gainQ15 >> 15
		case i >= 80:
			gQ15 = fade2Q15 * gainQ15 >> 15
		}
		mixed := (pitchQ15*int32(pitch) + (32767-pitchQ15)*int32(noise[i]) + 1<<14) >> 15
		out[i] = int16(gQ15 * mixed >> 15)
		if energy < threshold {
			energy += int32(out[i]) * int32(out[i])
		}
	}
	if energy < threshold {
		copy(out, noise[:n])
	}
	copy(c.previous[:], out)
}

// pitchShare maps the squared periodicity to the share of pitch repetition: none
// below 0.4^4, all above 0.7^4.
func pitchShare(share int32) int32 {
	switch {
	case share > periodicShareQ15:
		return 32767
	case share <= int32(periodicityQ15[0]):
		return 0
	}
	k := len(periodicityQ15) - 1
	for share < int32(periodicityQ15[k]) && k > 0 {
		k--
	}
	above := share - int32(periodicityQ15[k])
	return min(int32(pitchShareQ15[k])+(int32(pitchShareSlopeQ11[k])*above)>>11, 32767)
}

// search finds the best lag within three samples of guess at the end of the last
// frame, and its squared normalized correlation in Q15.
func (c *concealment) search(n, guess int) (lag int, share int32) {
	x := c.previous[:n]
	shift := uint(max(2*bitLen(peakOf(x))-25, 0))
	length := min(60, n-(guess+3))
	target := x[n-length:]
	measure := func(lag int) (cross, energy int32) {
		past := x[n-length-lag : n-lag]
		cross, energy = dot(target, past, shift), dot(past, past, shift)
		if energy == 0 {
			return 0, 1
		}
		return cross, energy
	}
	square := func(cross int32) (sq int32, shift int) {
		shift = bitLen(abs32(cross)) - 15
		v := scale16(cross, -shift)
		return int32(int16(v * v >> 15)), shift
	}
	lag = guess - 3
	cross, energy := measure(lag)
	best, bestShift := square(cross)
	for l := guess - 2; l <= guess+3; l++ {
		xc, xe := measure(l)
		sq, sqShift := square(xc)
		// cross²/energy, compared by cross-multiplication.
		eShift := bitLen(energy) - 15
		xeShift := bitLen(xe) - 15
		here := scale16(energy, -eShift) * sq
		there := scale16(xe, -xeShift) * best
		diff := 2*bestShift + xeShift - 2*sqShift - eShift
		if here>>uint(min(max(diff, 0), 31)) > there>>uint(min(max(-diff, 0), 31)) {
			lag, cross, energy, best, bestShift = l, xc, xe, sq, sqShift
		}
	}
	own := dot(target, target, shift)
	if own <= 0 {
		return lag, 0
	}
	ownNorm, energyNorm := norm(own)-16, norm(energy)-16
	den := int16(scale16(own, ownNorm) * scale16(energy, energyNorm) >> 16)
	total := ownNorm + energyNorm - 1
	num := scale16(cross, total>>1) * scale16(cross, total-total>>1)
	return lag, int32(int16(quotient(num, den)))
}
