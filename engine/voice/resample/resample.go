// Package resample changes the rate of 16-bit PCM: a polyphase low-pass
// between any two rates, and a high-pass that removes DC and rumble.
//
// The low-pass is a windowed sinc with Kaiser's window (J. F. Kaiser,
// "Nonrecursive digital filter design using the I0-sinh window function",
// ISCAS 1974). With N the Nyquist frequency of the lower of the two rates, the
// pass band reaches to 0.85 N within 0.05 dB, and from N upward everything is at
// least 78 dB down. Coefficients are integers, computed without floating point.
package resample

import (
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/engine/fixed"
)

// ErrRate is wrapped by the errors of New and NewHighPass.
var ErrRate = errors.New("resample: rate")

// Rates that New takes.
const (
	MinRateHz = 4000
	MaxRateHz = 192000
)

const (
	// baseTaps is the length of the filter in samples of the lower rate.
	baseTaps = 70
	// mostPhases bounds the table. Rates whose ratio needs more phases than
	// this are interpolated between interpolated phases, with an error below
	// -100 dB.
	mostPhases = 640
	inexact    = 512
	blockIn    = 480
	coefBits   = 24
)

// Resampler converts one signal from one rate to another. It is for one
// goroutine.
type Resampler struct {
	up, down   int // the ratio of the rates in lowest terms
	taps       int
	phases     int
	filterQ24  []int32 // phases+1 rows of taps coefficients
	history    []int16 // taps-1 old samples, then the block
	phase      int     // of the next output, in 1/up input samples
	skip       int     // input samples until the next output
	inHz, outH int
}

// New returns a Resampler from inHz to outHz, both MinRateHz to MaxRateHz.
func New(inHz, outHz int) (*Resampler, error) {
	for _, r := range [2]int{inHz, outHz} {
		if r < MinRateHz || r > MaxRateHz {
			return nil, fmt.Errorf("%w: %d Hz, must be %d to %d", ErrRate, r, MinRateHz, MaxRateHz)
		}
	}
	g := gcd(inHz, outHz)
	r := &Resampler{up: outHz / g, down: inHz / g, inHz: inHz, outH: outHz}
	r.taps = baseTaps
	if inHz > outHz {
		r.taps = (baseTaps*inHz + outHz - 1) / outHz
		r.taps += r.taps & 1
	}
	r.phases = r.up
	if r.phases > mostPhases {
		r.phases = inexact
	}
	if inHz != outHz {
		r.design()
	}
	r.history = make([]int16, r.taps-1+blockIn)
	return r, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Delay returns the delay in samples of the output rate, rounded.
func (r *Resampler) Delay() int {
	if r.inHz == r.outH {
		return 0
	}
	return (r.taps*r.up/2 + r.down/2) / r.down
}

// MaxOutput returns the most samples that Process gives for n.
func (r *Resampler) MaxOutput(n int) int { return n*r.up/r.down + 1 }

// Process converts src and writes the result to dst, which must hold
// MaxOutput(len(src)) samples and may not overlap src. It returns how many
// samples it wrote; over a whole signal that is len·outHz/inHz.
func (r *Resampler) Process(dst, src []int16) int {
	if r.inHz == r.outH {
		return copy(dst, src)
	}
	n := 0
	for len(src) > 0 {
		block := src[:min(len(src), blockIn)]
		src = src[len(block):]
		n += r.block(dst[n:], block)
	}
	return n
}

func (r *Resampler) block(dst, src []int16) int {
	old := r.taps - 1
	copy(r.history[old:], src)
	n, at := 0, r.skip
	for at < len(src) {
		dst[n] = r.output(r.history[at : at+r.taps])
		n++
		r.phase += r.down
		at += r.phase / r.up
		r.phase %= r.up
	}
	r.skip = at - len(src)
	copy(r.history, r.history[len(src):len(src)+old])
	return n
}

func (r *Resampler) output(x []int16) int16 {
	row, rest := r.phase, 0
	if r.phases != r.up {
		row = r.phase * r.phases / r.up
		rest = r.phase * r.phases % r.up << 15 / r.up
	}
	y := dot(x, r.filterQ24[row*r.taps:])
	if rest != 0 {
		z := dot(x, r.filterQ24[(row+1)*r.taps:])
		y += (z - y) >> 15 * int64(rest)
	}
	return fixed.Sat16(fixed.Sat32((y + 1<<(coefBits-1)) >> coefBits))
}

func dot(x []int16, h []int32) int64 {
	h = h[:len(x)]
	var a, b int64
	i := 0
	for ; i+1 < len(x); i += 2 {
		a += int64(x[i]) * int64(h[i])
		b += int64(x[i+1]) * int64(h[i+1])
	}
	if i < len(x) {
		a += int64(x[i]) * int64(h[i])
	}
	return a + b
}
