// Package stoi measures how much of speech is understood after a transmission:
// the short-time objective intelligibility of C. H. Taal, R. C. Hendriks,
// R. Heusdens and J. Jensen, "An algorithm for intelligibility prediction of
// time-frequency weighted noisy speech", IEEE TASLP 19(7), 2011. For tests.
package stoi

import (
	"math"
	"math/cmplx"
)

const (
	rateHz  = 10000
	frame   = 256
	hop     = frame / 2
	fftSize = 512
	bands   = 15
	lowest  = 150.0 // Hz, centre of the first third-octave band
	segment = 30    // frames, 384 ms
	betaDB  = -15.0 // least signal-to-distortion ratio
	rangeDB = 40.0  // frames this much below the loudest are silence
)

// Resample converts to 10 kHz, the measure's rate.
func Resample(x []int16, fromHz int) []float64 {
	const half = 24 // zero crossings each side
	ratio := float64(fromHz) / rateHz
	cut := math.Min(1, 1/ratio) * 0.95
	width := half / cut
	// The kernel depends on where between two samples an output lies; those
	// places repeat.
	phases := rateHz / gcd(fromHz, rateHz)
	taps := 2*int(width) + 3
	kernels := make([]float64, phases*taps)
	for p := range phases {
		_, frac := math.Modf(float64(p) * ratio)
		for k := range taps {
			d := float64(k-int(width)-1) - frac
			switch {
			case math.Abs(d) > width:
			case d == 0:
				kernels[p*taps+k] = cut
			default:
				kernels[p*taps+k] = math.Sin(math.Pi*cut*d) / (math.Pi * d) * (0.5 + 0.5*math.Cos(math.Pi*d/width))
			}
		}
	}
	out := make([]float64, int(float64(len(x))/ratio))
	for i := range out {
		kernel := kernels[i%phases*taps:][:taps]
		from := int(float64(i)*ratio+1e-9) - int(width) - 1
		sum := 0.0
		for k, w := range kernel {
			if at := from + k; at >= 0 && at < len(x) {
				sum += float64(x[at]) * w
			}
		}
		out[i] = sum
	}
	return out
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Measure compares a degraded signal with the clean one, both at 10 kHz and
// aligned. It returns a number near 1 for perfectly intelligible speech, and NaN
// if there is less than a segment of speech.
func Measure(clean, degraded []float64) float64 {
	n := min(len(clean), len(degraded))
	clean, degraded = voiced(clean[:n], degraded[:n])
	a, b := envelope(clean), envelope(degraded)
	if len(a) < segment {
		return math.NaN()
	}
	clip := 1 + math.Pow(10, -betaDB/20)
	sum, count := 0.0, 0
	for m := segment; m <= len(a); m++ {
		for j := range bands {
			var x, y [segment]float64
			var ex, ey float64
			for i := range segment {
				x[i], y[i] = a[m-segment+i][j], b[m-segment+i][j]
				ex += x[i] * x[i]
				ey += y[i] * y[i]
			}
			gain := 0.0
			if ey > 0 {
				gain = math.Sqrt(ex / ey)
			}
			for i := range y {
				y[i] = math.Min(y[i]*gain, x[i]*clip)
			}
			sum += correlation(x[:], y[:])
			count++
		}
	}
	return sum / float64(count)
}

func correlation(x, y []float64) float64 {
	var mx, my float64
	for i := range x {
		mx += x[i] / float64(len(x))
		my += y[i] / float64(len(y))
	}
	var xy, xx, yy float64
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
		yy += (y[i] - my) * (y[i] - my)
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

func window() [frame]float64 {
	var w [frame]float64
	for i := range w {
		w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i+1)/(frame+1))
	}
	return w
}

// voiced leaves out the frames in which the clean signal is silent, by overlap
// and add.
func voiced(clean, degraded []float64) (a, b []float64) {
	w := window()
	var energy []float64
	loudest := math.Inf(-1)
	for i := 0; i+frame <= len(clean); i += hop {
		e := 0.0
		for k := range frame {
			v := clean[i+k] * w[k]
			e += v * v
		}
		db := 10 * math.Log10(e+1e-9)
		energy = append(energy, db)
		loudest = math.Max(loudest, db)
	}
	at := 0
	for f, db := range energy {
		if db < loudest-rangeDB {
			continue
		}
		for len(a) < at+frame {
			a, b = append(a, 0), append(b, 0)
		}
		for k := range frame {
			a[at+k] += clean[f*hop+k] * w[k]
			b[at+k] += degraded[f*hop+k] * w[k]
		}
		at += hop
	}
	return a, b
}

// envelope returns the amplitude in third-octave bands, per frame.
func envelope(x []float64) [][bands]float64 {
	w := window()
	var edge [bands + 1]int
	for j := range edge {
		edge[j] = int(math.Round(lowest * math.Pow(2, (float64(j)-0.5)/3) * fftSize / rateHz))
	}
	var out [][bands]float64
	buf := make([]complex128, fftSize)
	for i := 0; i+frame <= len(x); i += hop {
		clear(buf)
		for k := range frame {
			buf[k] = complex(x[i+k]*w[k], 0)
		}
		fft(buf)
		var e [bands]float64
		for j := range bands {
			for k := edge[j]; k < edge[j+1]; k++ {
				v := cmplx.Abs(buf[k])
				e[j] += v * v
			}
			e[j] = math.Sqrt(e[j])
		}
		out = append(out, e)
	}
	return out
}

// fft is in place; the length is a power of two.
func fft(x []complex128) {
	n := len(x)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		j ^= bit
		if i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		step := cmplx.Exp(complex(0, -2*math.Pi/float64(size)))
		for start := 0; start < n; start += size {
			w := complex(1, 0)
			for k := start; k < start+size/2; k++ {
				u, v := x[k], x[k+size/2]*w
				x[k], x[k+size/2] = u+v, u-v
				w *= step
			}
		}
	}
}

// Lag finds by how many samples degraded is behind clean, from least to most:
// where their correlation is highest. It returns the normalised correlation too.
func Lag(clean, degraded []float64, least, most int) (lag int, correlation float64) {
	best := -1.0
	for l := least; l <= most; l++ {
		var xy, yy, xx float64
		for i := max(0, -l); i < len(clean) && i+l < len(degraded); i++ {
			xy += clean[i] * degraded[i+l]
			yy += degraded[i+l] * degraded[i+l]
			xx += clean[i] * clean[i]
		}
		if xx > 0 && yy > 0 {
			if c := xy / math.Sqrt(xx*yy); c > best {
				best, lag = c, l
			}
		}
	}
	return lag, best
}
