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

// predictor is a linear prediction filter 1 + Σ a[j] z^-(j+1), Q12. Coefficients lie
// in the order of the signal, the last one belongs to the newest sample, with zeros
// before them.
type predictor struct {
	order int
	aQ12  [maxOrder]int64
}

// apply is Σ aQ12[j]·x[j].
func (p *predictor) apply(x *[maxOrder]int64) int64 {
	a := &p.aQ12
	return a[0]*x[0] + a[1]*x[1] + a[2]*x[2] + a[3]*x[3] + a[4]*x[4] + a[5]*x[5] + a[6]*x[6] + a[7]*x[7] + p.applyNewer(x)
}

// applyNewer is that of the newer half: all of it for predictors up to order 8.
func (p *predictor) applyNewer(x *[maxOrder]int64) int64 {
	a := &p.aQ12
	return a[8]*x[8] + a[9]*x[9] + a[10]*x[10] + a[11]*x[11] + a[12]*x[12] + a[13]*x[13] + a[14]*x[14] + a[15]*x[15]
}

// analyse computes the predictor of x, at most windowSamples long, from its
// windowed autocorrelation by the Levinson-Durbin recursion; work is as long. Silence
// gives the filter that predicts nothing.
func (p *predictor) analyse(x []int16, order int, work []int16) {
	*p = predictor{order: order}
	n := len(x)
	if n > windowSamples || n <= 2*order {
		return
	}
	w := work[:n]
	// A sine window: at 512/n of the table's steps per sample.
	at, rest := 0, 0
	for i, j := 0, n-1; i <= j; i, j = i+1, j-1 {
		fade := int32(halfSineQ15[at])
		w[i], w[j] = int16(int32(x[i])*fade>>15), int16(int32(x[j])*fade>>15)
		for rest += 512; rest >= n; rest -= n {
			at++
		}
	}
	var r [maxOrder + 1]int64
	for k := range order + 1 {
		r[k] = fixed.Dot64(w[k:], w)
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
		p.aQ12[maxOrder-1-i] = min(max((a[i]*weight>>15+1<<(q-13))>>(q-12), -1<<17), 1<<17)
	}
}

// residual writes the prediction error of x[from:] to e; x has order samples
// before from.
func (p *predictor) residual(e []int16, x []int16, from int) {
	a := p.aQ12[maxOrder-p.order:]
	for i := range e {
		acc := int64(x[from+i]) << 12
		past := x[from+i-len(a):][:len(a)]
		for j, v := range a {
			acc += v * int64(past[j])
		}
		e[i] = fixed.Sat16(fixed.Sat32(acc >> 12))
	}
}

// pieceSamples is how many samples a synthesis filter makes at a time.
const pieceSamples = 32

// synthesis is the inverse of a predictor, with the samples it goes on from: the
// first maxOrder of past, the oldest first. What it makes follows them.
type synthesis struct {
	past [maxOrder + pieceSamples]int64
}

// load takes the last samples of x as what to go on from.
func (s *synthesis) load(x []int16) {
	for j := range maxOrder {
		s.past[j] = 0
		if i := len(x) - maxOrder + j; i >= 0 {
			s.past[j] = int64(x[i])
		}
	}
}

// run filters an excitation in place.
func (s *synthesis) run(p *predictor, x []int16) {
	for len(x) > 0 {
		n := min(len(x), pieceSamples)
		for i, e := range x[:n] {
			past := (*[maxOrder]int64)(s.past[i:])
			var sum int64
			if p.order > maxOrder/2 {
				sum = p.apply(past)
			} else {
				sum = p.applyNewer(past)
			}
			y := fixed.Sat16(fixed.Sat32((int64(e)<<12 - sum + 1<<11) >> 12))
			s.past[maxOrder+i] = int64(y)
			x[i] = y
		}
		copy(s.past[:maxOrder], s.past[n:])
		x = x[n:]
	}
}
