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
	h     *history
	parts int
	bins  int

	weight []fixed.Complex32 // parts × bins, Q24
	uncert []int32           // parts × bins, Q28: variance of the weight's error
	psd    []int64           // Q8 power per bin of the windowed error
	expect []int64           // Q8 power per bin of the echo that is expected in the error
	energy []int64           // per partition: Σ|weight|², Q24

	floorQ28 int64 // least uncertainty
	// What an update takes from the uncertainty is less by 2^-shrinkShift than
	// the model's: bins and partitions depend on each other more than it knows.
	shrinkShift uint
	noiseShift  uint // the share of |weight|² added to uncert each hop is 2^-noiseShift
	psdShift    uint // psd follows with 2^-psdShift per hop
	project     int  // the partition whose time-domain constraint is due
	projects    int  // constraints per hop

	spec []fixed.Complex32 // of the error, Q4
	gain []binGain
	time []int32
}

// binGain is E/D of one bin: mantissa·2^-shift.
type binGain struct {
	re, im int64 // mantissa, below 2^31
	shift  int
	inv    int64 // 2^61/(D >> (len-31)): in [2^30, 2^31]
	bits   int   // bits.Len64(D)
}

const (
	weightLimit  = 1 << 30 // Q24: 64
	uncertLimit  = 1 << 30 // Q28: 4
	uncertFloor  = 8       // Q28
	errorPowerQ8 = 512 << 8
)

func newFilter(h *history, parts int, startQ28 int32) *filter {
	n := parts * h.bins
	f := &filter{
		h: h, parts: parts, bins: h.bins,
		weight: make([]fixed.Complex32, n), uncert: make([]int32, n),
		psd: make([]int64, h.bins), expect: make([]int64, h.bins), energy: make([]int64, parts),
		floorQ28: uncertFloor, shrinkShift: 1, noiseShift: 13, psdShift: 1, projects: 1,
		spec: make([]fixed.Complex32, h.bins), gain: make([]binGain, h.bins), time: make([]int32, h.fft.Size()),
	}
	f.reset(startQ28)
	return f
}

// reset forgets the echo path.
func (f *filter) reset(startQ28 int32) {
	clear(f.weight)
	u := startQ28
	for p := range f.parts {
		for k := range f.bins {
			f.uncert[p*f.bins+k] = u
		}
		u -= u >> 3
	}
}

// estimate writes the echo of the newest hop as Q4 samples; base is the delay,
// in hops, of the first partition. It also renews f.expect.
func (f *filter) estimate(echoQ4 []int32, base int) {
	h := f.h
	out, expect := f.spec, f.expect
	var sumRe, sumIm [maxBins]int64
	clear(expect)
	for p := range f.parts {
		age := base + 2*p
		shift := h.shift[h.slot(age)]
		if shift < 0 {
			continue
		}
		x, pw := h.at(age)
		w := f.weight[p*f.bins:][:len(x)]
		u := f.uncert[p*f.bins:][:len(x)]
		pw = pw[:len(x)]
		for k := range x {
			a, b, c, d := int64(w[k].Re), int64(w[k].Im), int64(x[k].Re), int64(x[k].Im)
			sumRe[k] += a*c - b*d
			sumIm[k] += a*d + b*c
			expect[k] += int64(u[k]) * int64(pw[k]) >> 28 << (uint(shift) & 63)
		}
	}
	for k := range out {
		out[k] = fixed.Complex32{
			Re: clampSpec(sumRe[k] >> 24),
			Im: clampSpec(sumIm[k] >> 24),
		}
	}
	h.fft.Inverse(f.time, out, h.work)
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
		pw := int64(e.Re)*int64(e.Re) + int64(e.Im)*int64(e.Im)
		f.psd[k] += (pw - f.psd[k]) >> f.psdShift
	}
}

// adapt learns from the error of the newest hop, mic less estimate, Q4.
func (f *filter) adapt(errorQ4 []int32, base int) {
	h := f.h
	f.analyse(errorQ4)
	// hop/size of the error's window is filled: 5/16.
	for k := range f.gain {
		echo := f.expect[k] >> 4 * 5
		d := echo + f.psd[k] + errorPowerQ8
		n := bits.Len64(uint64(d))
		g := &f.gain[k]
		if n >= 31 {
			g.inv = int64(1<<61) / (d >> uint(n-31))
		} else {
			g.inv = int64(1<<61) / (d << uint(31-n))
		}
		g.bits = n
		re, im := int64(f.spec[k].Re)*g.inv, int64(f.spec[k].Im)*g.inv
		m := bits.Len64(uint64(max(re, -re) | max(im, -im)))
		s := max(m-31, 0)
		g.re, g.im = re>>uint(s), im>>uint(s)
		// E/D = (re·2^s)·2^-61·2^-(n-31)
		g.shift = 61 + n - 31 - s
	}
	floor := f.floorQ28
	for p := range f.parts {
		age := base + 2*p
		shift := int(h.shift[h.slot(age)])
		if shift < 0 {
			continue
		}
		x, pw := h.at(age)
		w := f.weight[p*f.bins:][:len(x)]
		u := f.uncert[p*f.bins:][:len(x)]
		pw = pw[:len(x)]
		gain := f.gain[:len(x)]
		var energy int64
		for k := range x {
			g := &gain[k]
			xr, xi := int64(x[k].Re), int64(x[k].Im)
			uk := int64(u[k])
			// conj(X)·E
			cr, ci := (xr*g.re+xi*g.im)>>30, (xr*g.im-xi*g.re)>>30
			// value Q28·2^-(shift-30); to Q24: >> 4
			s := uint(min(max(g.shift-30+4, 0), 63)) & 63
			wr := int64(w[k].Re) + (cr*uk)>>s
			wi := int64(w[k].Im) + (ci*uk)>>s
			wr = min(max(wr, -weightLimit), weightLimit)
			wi = min(max(wi, -weightLimit), weightLimit)
			w[k] = fixed.Complex32{Re: int32(wr), Im: int32(wi)}
			// u -= u·(5/16·u·|X|²/D)
			t := (uk * int64(pw[k])) >> 31 // Q-3 units of power<<shift
			// ratio Q30 = 5/16·t·8·2^shift·inv·2^-61·2^-(n-31)·2^30
			rs := uint(min(max(61+g.bits-31-30-shift-3+4, 0), 63)) & 63
			ratio := min((t*g.inv)>>rs*5, 1<<30)
			e2 := (wr*wr + wi*wi) >> 20 // Q28
			energy += e2
			uk += e2>>f.noiseShift - (uk*ratio)>>(30+f.shrinkShift)
			u[k] = int32(min(max(uk, floor), uncertLimit))
		}
		f.energy[p] = energy >> 4
	}
	for range f.projects {
		f.constrain(f.project)
		if f.project++; f.project == f.parts {
			f.project = 0
		}
	}
}

// constrain limits partition p to the two hops of taps that it stands for.
func (f *filter) constrain(p int) {
	h := f.h
	w := f.weight[p*f.bins:][:f.bins]
	// Weights Q24 below 2^30: half of them fits the inverse transform.
	for k, v := range w {
		f.spec[k] = fixed.Complex32{Re: v.Re >> 1, Im: v.Im >> 1}
	}
	h.fft.Inverse(f.time, f.spec, h.work)
	clear(f.time[2*h.hop:])
	var sum int64
	for _, v := range f.time[:2*h.hop] {
		sum += max(int64(v), -int64(v))
	}
	if sum >= weightLimit/2 { // no room answers so loud: the transform would overflow
		clear(w)
		return
	}
	h.fft.Forward(f.spec, f.time, h.work)
	for k, v := range f.spec {
		w[k] = fixed.Complex32{Re: v.Re << 1, Im: v.Im << 1}
	}
}

// move shifts the filter's place by d partitions toward longer delays. What
// comes in anew is unknown, with uncertainty startQ28.
func (f *filter) move(d int, startQ28 int32) {
	n := len(f.weight)
	o := min(max(d*f.bins, -n), n)
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
	for i := range fresh {
		fresh[i] = startQ28
	}
}

// doubt makes every weight at least as uncertain as at the start and as its
// own size.
func (f *filter) doubt(startQ28 int32) {
	u := startQ28
	for p := range f.parts {
		for k := range f.bins {
			w := f.weight[p*f.bins+k]
			size := (int64(w.Re)*int64(w.Re) + int64(w.Im)*int64(w.Im)) >> 20
			f.uncert[p*f.bins+k] = int32(min(max(int64(f.uncert[p*f.bins+k]), int64(u), size), uncertLimit))
		}
		u -= u >> 3
	}
}
