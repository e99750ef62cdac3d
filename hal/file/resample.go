package file

import "math"

// resampler converts a mono stream between two rates by a bank of windowed
// sinc filters (Kaiser, about 80 dB), one for each phase.
type resampler struct {
	up, down int         // reduced ratio: out rate / in rate
	bank     [][]float32 // phases of taps coefficients; nil if rates agree
	history  []float32   // ring of the last taps inputs, stored twice
	pos      int
	phase    int
	started  bool
}

// resampleZeros is the number of zero crossings on each side of the sinc, and
// kaiserBeta its window: stop band 80 dB down, transition about 8 % of the
// band.
const (
	resampleZeros = 32
	kaiserBeta    = 8.0
	passBand      = 0.94 // of the narrower band

	// maxPhases bounds the bank for rates without a common divisor: the nearest
	// phase is taken then. The ratio stays exact.
	maxPhases = 2048
)

func newResampler(inHz, outHz int) *resampler {
	g := gcd(inHz, outHz)
	r := &resampler{up: outHz / g, down: inHz / g}
	if r.up == r.down {
		return r
	}
	cut := passBand * min(1, float64(r.up)/float64(r.down)) // of the input's half rate
	half := int(math.Ceil(resampleZeros / cut))
	taps := 2 * half
	r.history = make([]float32, 2*taps)
	r.bank = make([][]float32, min(r.up, maxPhases))
	for p := range r.bank {
		h := make([]float32, taps)
		sum := 0.0
		for i := range h {
			// Newest input last; the output lies a part of a sample behind the centre.
			x := float64(i-half+1) - float64(p)/float64(len(r.bank))
			w := x / float64(half)
			v := cut * sinc(cut*x) * bessel0(kaiserBeta*math.Sqrt(max(1-w*w, 0))) / bessel0(kaiserBeta)
			h[i] = float32(v)
			sum += v
		}
		for i := range h {
			h[i] /= float32(sum)
		}
		r.bank[p] = h
	}
	return r
}

// fill fills dst from src.
func (r *resampler) fill(dst []int16, src interface{ next() (float32, error) }) error {
	if r.bank == nil {
		for i := range dst {
			v, err := src.next()
			if err != nil {
				return err
			}
			dst[i] = int16(v)
		}
		return nil
	}
	taps := len(r.history) / 2
	if !r.started {
		for range taps / 2 { // the filter's delay
			if err := r.push(src); err != nil {
				return err
			}
		}
		r.started = true
	}
	for i := range dst {
		for r.phase >= r.up {
			if err := r.push(src); err != nil {
				return err
			}
			r.phase -= r.up
		}
		sum := float32(0)
		window := r.history[r.pos:][:taps]
		for j, c := range r.bank[r.phase*len(r.bank)/r.up] {
			sum += c * window[j]
		}
		dst[i] = int16(math.Round(float64(min(max(sum, -32768), 32767))))
		r.phase += r.down
	}
	return nil
}

func (r *resampler) push(src interface{ next() (float32, error) }) error {
	v, err := src.next()
	if err != nil {
		return err
	}
	taps := len(r.history) / 2
	r.history[r.pos], r.history[r.pos+taps] = v, v
	r.pos = (r.pos + 1) % taps
	return nil
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel0 is the modified Bessel function of the first kind and order 0.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
