package aec

import (
	"math/bits"

	"github.com/edgecam/edgecam/engine/fixed"
)

// filter is a partitioned-block frequency-domain adaptive filter whose step
// sizes come from a Kalman model with diagonal covariance: each weight has an
// uncertainty, each bin a measured power of what is not echo. A partition
// spans two hops of far-end signal.
type filter struct {
	h      *history
	parts  int
	stride int

	weight []fixed.Complex32 // parts × stride, Q24
	uncert []int32           // parts × stride, Q28: variance of the weight's error
	psd    []int64           // Q8 power per bin of the windowed error
	energy []int64           // per partition: Σ|weight|², Q24

	sums    sums
	gains   gains
	project int // the partition whose time-domain constraint is due

	spec []fixed.Complex32 // of the error, Q4
	time []int32
}

const (
	weightLimit = 1 << 29 // Q24: 32
	uncertLimit = 1 << 30 // Q28: 4
	// A window so many bits of power below the loudest one teaches nothing: the
	// error is what the loud ones leave.
	drownedBits = 13
	// errorPowerQ8 is the least power that the error is taken to have.
	errorPowerQ8 = 512 << 8
	// The error's power follows with 2^-psdShift a hop. The gains' bounds need
	// that it is half the newest power at least.
	psdShift = 1
)

// newFilter makes a filter. The share of |weight|² that each hop adds to the
// uncertainty is 2^-noiseShift, floorQ28 the least uncertainty.
func newFilter(h *history, parts int, startQ28 int32, floorQ28, noiseShift int64) *filter {
	n := parts * h.stride
	f := &filter{
		h: h, parts: parts, stride: h.stride,
		weight: make([]fixed.Complex32, n), uncert: make([]int32, n),
		psd: make([]int64, h.bins), energy: make([]int64, parts),
		spec: make([]fixed.Complex32, h.bins), time: make([]int32, h.fft.Size()),
	}
	f.gains.floor, f.gains.noiseShift = floorQ28, noiseShift+20
	f.reset(startQ28)
	return f
}

// reset forgets the echo path.
func (f *filter) reset(startQ28 int32) {
	clear(f.weight)
	u := startQ28
	for p := range f.parts {
		fill(f.part(p), u)
		u -= u >> 3
	}
}

// part returns the uncertainties of a partition.
func (f *filter) part(p int) []int32 { return f.uncert[p*f.stride:][:f.stride] }

func fill(x []int32, v int32) {
	for i := range x {
		x[i] = v
	}
}

// estimate writes the echo of the newest hop as Q4 samples; base is the delay,
// in hops, of the first partition. It also renews what echo is expected in the
// error.
func (f *filter) estimate(echoQ4 []int32, base int) {
	h, s := f.h, &f.sums
	clear(s.re[:f.stride])
	clear(s.im[:f.stride])
	clear(s.expect[:f.stride])
	heard := false
	for p := range f.parts {
		x, power, shift := h.at(base + 2*p)
		if shift < 0 {
			continue
		}
		heard = true
		o := p * f.stride
		accumulate(s, x, f.weight[o:], f.uncert[o:], power, shift)
	}
	if !heard {
		clear(f.spec)
		clear(echoQ4)
		return
	}
	for k := range f.spec {
		f.spec[k] = fixed.Complex32{
			Re: clampSpec(s.re[k] >> 24),
			Im: clampSpec(s.im[k] >> 24),
		}
	}
	h.fft.Inverse(f.time, f.spec, h.work)
	copy(echoQ4, f.time[len(f.time)-h.hop:])
}

func clampSpec(x int64) int32 { return int32(min(max(x, -1<<28), 1<<28)) }

// analyse transforms the error of the newest hop and follows its power.
func (f *filter) analyse(errorQ4 []int32) {
	from := f.h.fft.Size() - f.h.hop
	clear(f.time[:from])
	copy(f.time[from:], errorQ4)
	f.h.fft.Forward(f.spec, f.time, f.h.work)
	for k, e := range f.spec {
		f.psd[k] += (power(e) - f.psd[k]) >> psdShift
	}
}

func power(z fixed.Complex32) int64 { return int64(z.Re)*int64(z.Re) + int64(z.Im)*int64(z.Im) }

// lowPower is the power of the error in the bins that all filters hear alike.
func (f *filter) lowPower() (sum int64) {
	for _, v := range f.psd[:flatBins] {
		sum += v
	}
	return sum
}

// expected returns the power of the echo that the last estimate leaves by the
// filter's own uncertainty, Q0, summed over the bins of a hop.
func (f *filter) expected() (sum int64) {
	for _, v := range f.sums.expect[:f.h.bins] {
		sum += v >> 12
	}
	return sum * 5
}

// weigh makes the gains of the hop from its error and what echo was expected
// in it.
func (f *filter) weigh() {
	g := &f.gains
	n := len(f.spec)
	spec, psd, expect := f.spec, f.psd[:n], f.sums.expect[:n]
	recip, ratio, gain := g.recip[:n], g.ratio[:n], g.gain[:n]
	steps, offset, back := g.step[:n], g.offset[:n], g.back[:n]
	for k, e := range spec {
		// hop/size of the error's window is filled: 5/16.
		d := uint64(expect[k]>>3*5 + psd[k] + errorPowerQ8)
		n := bits.Len64(d) // 18 to 62
		// 2^61/d, normalised: in [2^30, 2^31). d31 has 31 bits.
		d31 := d << (uint(62-n) & 63) >> 31
		inv := min(uint64(1<<61)/d31, 1<<31-1)
		recip[k] = uint32(inv * 5 >> 3)
		ratio[k] = int64(n - 2)
		re, im := int64(e.Re)*int64(inv), int64(e.Im)*int64(inv)
		// At least as many bits as the larger of the two has.
		s := max(bits.Len64(uint64((re^re>>63)|(im^im>>63)))-30, 0)
		gain[k] = fixed.Complex32{Re: int32(re >> (uint(s) & 63)), Im: int32(im >> (uint(s) & 63))}
		// E/D = gain·2^s·2^-61·2^-(n-31).
		step := min(max(61+n-31-s-30+4, 1), 62)
		steps[k] = int64(step)
		back[k] = 1 << (uint(62-step) & 63)
		offset[k] = 1<<62 + 1<<(uint(step-1)&63)
	}
}

// adapt learns from the error of the newest hop, mic less estimate, Q4, and
// constrains some of the partitions. The uncertainties must be those of the
// estimate.
func (f *filter) adapt(errorQ4 []int32, base, projects int) {
	f.analyse(errorQ4)
	f.weigh()
	top := 0
	for p := range f.parts {
		top = max(top, f.h.loudness(base+2*p))
	}
	for p := range f.parts {
		x, power, shift := f.h.at(base + 2*p)
		if shift < 0 || f.h.loudness(base+2*p) < top-drownedBits {
			continue
		}
		o := p * f.stride
		f.energy[p] = update(&f.gains, x, f.weight[o:], f.uncert[o:], power, shift) >> 4
	}
	for range projects {
		f.constrain(f.project)
		if f.project++; f.project == f.parts {
			f.project = 0
		}
	}
}

// constrain limits partition p to the two hops of taps that it stands for.
func (f *filter) constrain(p int) {
	h := f.h
	w := f.weight[p*f.stride:][:h.bins]
	h.fft.Inverse(f.time, w, h.work)
	clear(f.time[2*h.hop:])
	var sum int64
	for _, v := range f.time[:2*h.hop] {
		sum += max(int64(v), -int64(v))
	}
	if sum >= weightLimit { // no room answers so loud: the transform would overflow
		clear(w)
		return
	}
	h.fft.Forward(w, f.time, h.work)
}

// focus forgets the echo path but that it begins in partition first, or one
// later.
func (f *filter) focus(first int) {
	clear(f.weight)
	for p := range f.parts {
		u := int32(searchStart)
		switch {
		case p < first:
			u >>= 5
		case p > first+1:
			u >>= min(uint(p-first-1), 5)
		}
		fill(f.part(p), u)
	}
}

// move shifts the filter's place by d partitions toward longer delays. What
// comes in anew is unknown, with uncertainty startQ28.
func (f *filter) move(d int, startQ28 int32) {
	n := len(f.weight)
	o := min(max(d*f.stride, -n), n)
	var fresh []int32
	switch {
	case o > 0:
		copy(f.weight, f.weight[o:])
		clear(f.weight[n-o:])
		copy(f.uncert, f.uncert[o:])
		fresh = f.uncert[n-o:]
	case o < 0:
		copy(f.weight[-o:], f.weight)
		clear(f.weight[:-o])
		copy(f.uncert[-o:], f.uncert)
		fresh = f.uncert[:-o]
	}
	fill(fresh, startQ28)
}

// doubt makes every weight at least as uncertain as at the start and as its
// own size.
func (f *filter) doubt(startQ28 int32) {
	u := startQ28
	for p := range f.parts {
		for k := range f.stride {
			w := f.weight[p*f.stride+k]
			size := (int64(w.Re)*int64(w.Re) + int64(w.Im)*int64(w.Im)) >> 20
			f.uncert[p*f.stride+k] = int32(min(max(int64(f.uncert[p*f.stride+k]), int64(u), size), uncertLimit))
		}
		u -= u >> 3
	}
}
