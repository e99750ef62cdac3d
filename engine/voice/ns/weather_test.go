package ns

import (
	"math"
	"math/rand/v2"
	"testing"
)

// wind is noise below some 200 Hz in gusts of a second or two.
func wind(n int) []float64 {
	r := rand.New(rand.NewPCG(1, 71))
	x := make([]float64, n)
	var low, lower, gust, want float64
	for i := range x {
		if i%8000 == 0 {
			want = 0.4 + 0.6*r.Float64()
		}
		gust += (want - gust) / 8000
		low += (r.NormFloat64() - low) * 0.06
		lower += (low - lower) * 0.06
		x[i] = 10000 * gust * lower
	}
	return x
}

// rain is drops that ring for a millisecond or two, hundreds a second, over a
// steady rush.
func rain(n int) []float64 {
	r := rand.New(rand.NewPCG(2, 71))
	x := make([]float64, n+100)
	for range n / 40 {
		at, size, pitch := r.IntN(n), math.Exp(0.5*r.NormFloat64()), 0.4+1.8*r.Float64()
		for k := range 40 {
			x[at+k] += 300 * size * math.Exp(-float64(k)/10) * math.Sin(pitch*float64(k))
		}
	}
	for i := range x {
		x[i] += 100 * r.NormFloat64()
	}
	return x[:n]
}

// TestWeather has speech in wind and in rain at 5 dB.
func TestWeather(t *testing.T) {
	const rate, n = 16000, 12 * 16000
	for _, c := range []struct {
		name        string
		dirt        []float64
		gain, depth float64 // at least, dB
	}{
		{"wind", wind(n), 4, 16}, {"rain", rain(n), 5, 11},
	} {
		clean := recording(t, n, "speech", "en_f.wav")
		clear(clean[:2*rate])
		clear(clean[9*rate:])
		g := math.Sqrt(energy(clean) / energy(c.dirt[2*rate:9*rate]) / math.Pow(10, 0.5))
		x := make([]int16, n)
		noisy := make([]float64, n)
		for i := range x {
			x[i] = int16(min(max(math.Round(0.5*(clean[i]+g*c.dirt[i])), -32768), 32767))
			noisy[i] = float64(x[i])
		}
		s := suppressor(t, Config{})
		y := run(t, s, x)
		out := make([]float64, n)
		for i := range out[:len(out)-s.Delay()] {
			out[i] = float64(y[i+s.Delay()])
		}
		before, after := sdr(clean[2*rate:9*rate], noisy[2*rate:9*rate]), sdr(clean[2*rate:9*rate], out[2*rate:9*rate])
		depth := 10 * math.Log10(energy(noisy[10*rate:n-rate])/energy(out[10*rate:n-rate]))
		t.Logf("%s: speech to noise %.1f -> %.1f dB, noise alone %.1f dB down", c.name, before, after, depth)
		if after-before < c.gain || depth < c.depth {
			t.Errorf("%s: speech to noise goes from %.1f to %.1f dB, want %.0f more; noise alone %.1f dB down, want %.0f", c.name, before, after, c.gain, depth, c.depth)
		}
	}
}
