package resample

import "github.com/edgecam/edgecam/engine/fixed"

const (
	// betaQ8 is the parameter of Kaiser's window: 8.0.
	betaQ8 = 8 << 8
	// cutoffNum/cutoffDen of the lower Nyquist frequency is the middle of the
	// transition.
	cutoffNum, cutoffDen = 925, 1000
)

// design computes the rows of the polyphase filter. Row p, tap t weighs the
// sample that lies taps/2 - t - 1 + p/phases input samples after the output's
// place; each row adds up to one, so that DC passes exactly.
func (r *Resampler) design() {
	r.filterQ24 = make([]int32, (r.phases+1)*r.taps)
	low := min(r.inHz, r.outH)
	h := make([]int64, r.taps)
	bottom := besselQ20(betaQ8 * betaQ8 << 4 >> 2)
	for p := range r.phases + 1 {
		var sum int64
		for t := range h {
			// Distance from the centre in 1/phases input samples.
			d := int64(t-r.taps/2+1)*int64(r.phases) - int64(p)
			h[t] = r.sincQ30(d, int64(low)) * r.kaiserQ20(d) / bottom
			sum += h[t]
		}
		row := r.filterQ24[p*r.taps : (p+1)*r.taps]
		var total int64
		for t, v := range h {
			c := (v<<coefBits + sum/2) / sum
			row[t] = int32(c)
			total += c
		}
		row[r.taps/2] += int32(1<<coefBits - total)
	}
}

// sincQ30 returns sin(πcx)/(πcx) for a distance x = d/phases input samples,
// where c is the cut-off over the input's Nyquist frequency; that is, 1 at 0.
func (r *Resampler) sincQ30(d, low int64) int64 {
	if d < 0 {
		d = -d
	}
	if d == 0 {
		return 1 << 30
	}
	// cx/2 turns, c = low·num/(in·den)
	num := d * low * cutoffNum
	den := int64(r.phases) * int64(r.inHz) * cutoffDen * 2
	whole, rest := num/den, num%den
	turn := uint32(whole<<32) + uint32(divQ32(rest, den))
	sine := int64(fixed.SinQ30(turn))
	const twoPiQ20 = 6588397
	argQ30 := (whole<<32 + divQ32(rest, den)) * twoPiQ20 >> 22 // πcx
	if argQ30 == 0 {
		return 1 << 30
	}
	return sine << 30 / argQ30
}

// divQ32 returns a/b in Q32 for 0 <= a < b.
func divQ32(a, b int64) int64 {
	var q int64
	for range 4 {
		a <<= 8
		q = q<<8 | a/b
		a %= b
	}
	return q
}

// kaiserQ20 returns I0(β·sqrt(1-(x/half)²)) in Q20 for the distance d.
func (r *Resampler) kaiserQ20(d int64) int64 {
	half := int64(r.taps/2) * int64(r.phases)
	if d < 0 {
		d = -d
	}
	if d >= half {
		return 0
	}
	uQ15 := d << 15 / half
	return besselQ20(betaQ8 * betaQ8 * (1<<30 - uQ15*uQ15) >> 26 >> 2)
}

// besselQ20 returns the modified Bessel function I0(x) in Q20 for q = x²/4 in
// Q20: Σ q^k/(k!)².
func besselQ20(q int64) int64 {
	sum, term := int64(1<<20), int64(1<<20)
	for k := int64(1); term > 0 && k < 40; k++ {
		term = term * q >> 20 / (k * k)
		sum += term
	}
	return sum
}
