package aec

import "github.com/edgecam/edgecam/engine/fixed"

// accumulateGeneric is the portable accumulate. Sums wrap.
func accumulateGeneric(s *sums, x, w []fixed.Complex32, u, power []int32, shift int) {
	for k := range x {
		a, b, c, d := int64(w[k].Re), int64(w[k].Im), int64(x[k].Re), int64(x[k].Im)
		s.re[k] += a*c - b*d
		s.im[k] += a*d + b*c
		s.expect[k] += int64(u[k]) * int64(power[k]) >> uint(28-shift)
	}
}

// updateGeneric is the portable update: weight += u·conj(x)·E/D, and u grows
// by a share of |weight|² and shrinks by half of u·(5/16·u·|x|²/D).
func updateGeneric(g *gains, x, w []fixed.Complex32, u, power []int32, shift int) {
	var energy int64
	for k := range x {
		xr, xi := int64(x[k].Re), int64(x[k].Im)
		gr, gi := int64(g.gain[k].Re), int64(g.gain[k].Im)
		uk := int64(u[k])
		cr := int64(fixed.Narrow32((xr*gr + xi*gi + 1<<29) >> 30))
		ci := int64(fixed.Narrow32((xr*gi - xi*gr + 1<<29) >> 30))
		step := uint(g.step[k]) & 63
		half := int64(1) << step >> 1
		wr := fixed.Add32(w[k].Re, fixed.Narrow32((cr*uk+half)>>step))
		wi := fixed.Add32(w[k].Im, fixed.Narrow32((ci*uk+half)>>step))
		wr = min(max(wr, -weightLimit), weightLimit)
		wi = min(max(wi, -weightLimit), weightLimit)
		w[k] = fixed.Complex32{Re: wr, Im: wi}

		size := uint64(int64(wr)*int64(wr) + int64(wi)*int64(wi))
		energy += int64(size >> 20)
		q := (uint64(power[k])*uint64(g.recip[k]) + 1<<30) >> 31
		ratio := uint64(uk) * q
		if down := g.ratio[k] - int64(shift); down >= 0 {
			ratio >>= uint64(down)
		} else {
			ratio <<= uint64(-down)
		}
		if fixedcheck && ratio > 1<<31 {
			panic("aec: an update takes more than there is")
		}
		less := uint32(uint64(uk) * uint64(min(uint32(ratio), 1<<30)) >> 31)
		v := uint32(uk) + uint32(size>>uint(g.noiseShift)) - less
		u[k] = int32(min(max(v, uint32(g.floor)), uncertLimit))
	}
	g.energy = energy
}
