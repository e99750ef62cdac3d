package neteq

import (
	"math/bits"

	"github.com/edgecam/edgecam/engine/fixed"
)

const (
	maxOrder = 16
	// windowSamples is the longest piece of signal that is analysed: 24 ms at
	// 48 kHz.
	windowSamples = 1152
)

// orderOf returns the order of linear prediction at a rate: more for wider bands.
func orderOf(rateHz int) int { return min(8+rateHz/4000, maxOrder) }

// halfSineQ15 is a quarter period of a sine, for windows and cross-fades.
var halfSineQ15 = func() (t [257]int16) {
	for i := range t {
		t[i] = int16(min(fixed.SinQ30(uint32(i)<<22)>>15, 32767))
	}
	return t
}()

// fadeQ15 is the power-complementary rise from 0 to 1 at i of n.
func fadeQ15(i, n int) int32 { return int32(halfSineQ15[i*256/n]) }

// predictor is a linear prediction filter 1 + Σ a[j] z^-(j+1), Q12.
type predictor struct {
	order int
	aQ12  [maxOrder]int32
}

// analyse computes the predictor of x, at most windowSamples long, from its
// windowed autocorrelation by the Levinson-Durbin recursion. Silence gives the
// filter that predicts nothing.
func (p *predictor) analyse(x []int16, order int) {
	*p = predictor{order: order}
	n := len(x)
	if n > windowSamples || n <= 2*order {
		return
	}
	var w [windowSamples]int32
	for i := range x {
		// A sine window.
		at := i
		if at > n-1-i {
			at = n - 1 - i
		}
		w[i] = int32(x[i]) * fadeQ15(2*at, n) >> 15
	}
	var r [maxOrder + 1]int64
	for k := range order + 1 {
		var s int64
		for i := k; i < n; i++ {
			s += int64(w[i]) * int64(w[i-k])
		}
		r[k] = s
	}
	if r[0] == 0 {
		return
	}
	p.levinson(&r)
}

// levinson solves for the predictor. A noise floor 40 dB down keeps it from
// modelling what is not there, and its bandwidths are widened a little.
func (p *predictor) levinson(r *[maxOrder + 1]int64) {
	r[0] += r[0]>>13 + 1
	shift := 33 - bits.LeadingZeros64(uint64(r[0])) // r[0] gets 31 bits
	for k := range r {
		if shift > 0 {
			r[k] >>= shift
		} else {
			r[k] <<= -shift
		}
	}
	const q = 24
	var a, t [maxOrder]int64
	err := r[0]
	for i := range p.order {
		acc := r[i+1] << q
		for j := range i {
			acc += a[j] * r[i-j]
		}
		k := -acc / err
		if k >= 1<<q || k <= -1<<q {
			break
		}
		for j := range i {
			t[j] = a[j] + k*a[i-1-j]>>q
		}
		copy(a[:i], t[:i])
		a[i] = k
		err -= (err * k >> q) * k >> q
		if err <= 0 {
			break
		}
	}
	weight := int64(1 << 15)
	for i := range p.order {
		weight = weight * 32604 >> 15 // 0.995
		p.aQ12[i] = int32(min(max((a[i]*weight>>15+1<<(q-13))>>(q-12), -1<<17), 1<<17))
	}
}

// residual writes the prediction error of x[from:] to e; x has order samples
// before from.
func (p *predictor) residual(e []int16, x []int16, from int) {
	for i := range e {
		acc := int64(x[from+i]) << 12
		for j, a := range p.aQ12[:p.order] {
			acc += int64(a) * int64(x[from+i-1-j])
		}
		e[i] = fixed.Sat16(fixed.Sat32(acc >> 12))
	}
}

// synthesis is the inverse of a predictor, with the samples it goes on from.
type synthesis struct {
	state [maxOrder]int32 // the newest first
}

// load takes the last samples of x as what to go on from.
func (s *synthesis) load(x []int16) {
	for j := range s.state {
		s.state[j] = 0
		if i := len(x) - 1 - j; i >= 0 {
			s.state[j] = int32(x[i])
		}
	}
}

// next returns the output for an excitation.
func (s *synthesis) next(p *predictor, e int32) int32 {
	acc := int64(e) << 12
	for j := range p.order {
		acc -= int64(p.aQ12[j]) * int64(s.state[j])
	}
	y := int32(fixed.Sat16(fixed.Sat32((acc + 1<<11) >> 12)))
	copy(s.state[1:], s.state[:maxOrder-1])
	s.state[0] = y
	return y
}
