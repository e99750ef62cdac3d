package ns

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// recording returns n samples of a 16 kHz WAV file, looped.
func recording(t *testing.T, n int, elem ...string) []float64 {
	t.Helper()
	b, err := os.ReadFile(testdata.Shared(t, append([]string{"voice", "open"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	b = b[44:]
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(int16(binary.LittleEndian.Uint16(b[2*i%(len(b)&^1):])))
	}
	return x
}

func energy(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return s
}

// sdr is the scale-invariant ratio of speech to everything else in y, in dB.
func sdr(clean, y []float64) float64 {
	dot := 0.0
	for i, v := range clean {
		dot += v * y[i]
	}
	a := dot / energy(clean)
	rest := 0.0
	for i, v := range clean {
		rest += (y[i] - a*v) * (y[i] - a*v)
	}
	return 10 * math.Log10(a*a*energy(clean)/rest)
}

// TestRecordedNoise: prompts in recorded street and car noise at 5 dB.
func TestRecordedNoise(t *testing.T) {
	const rate, n = 16000, 12 * 16000
	for _, name := range []string{"street1.wav", "car.wav"} {
		clean := recording(t, n, "speech", "en_f.wav")
		clear(clean[:2*rate])
		clear(clean[9*rate:]) // noise alone at both ends
		dirt := recording(t, n, "noise", name)
		g := math.Sqrt(energy(clean) / energy(dirt[2*rate:9*rate]) / math.Pow(10, 0.5))
		x := make([]int16, n)
		noisy := make([]float64, n)
		for i := range x {
			x[i] = int16(min(max(math.Round(0.5*(clean[i]+g*dirt[i])), -32768), 32767))
			noisy[i] = float64(x[i])
		}
		s := suppressor(t, Config{})
		y := run(t, s, x)
		out := make([]float64, n)
		for i := range out[:len(out)-s.Delay()] {
			out[i] = float64(y[i+s.Delay()])
		}
		before := sdr(clean[2*rate:9*rate], noisy[2*rate:9*rate])
		after := sdr(clean[2*rate:9*rate], out[2*rate:9*rate])
		depth := 10 * math.Log10(energy(noisy[10*rate:n-rate])/energy(out[10*rate:n-rate]))
		t.Logf("%s: speech to noise %.1f -> %.1f dB, noise alone %.1f dB down", name, before, after, depth)
		if after-before < 2 {
			t.Errorf("%s: speech to noise goes from %.1f to %.1f dB, want 2 dB more", name, before, after)
		}
		if depth < 10 { // passing cars are no steady noise
			t.Errorf("%s: noise alone comes down by %.1f dB, want 10", name, depth)
		}
	}
}
