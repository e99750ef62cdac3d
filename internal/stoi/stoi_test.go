package stoi

import (
	"math"
	"math/rand/v2"
	"testing"
)

// speech is noise whose bands come and go like those of speech.
func speech(n int, rng *rand.Rand) []float64 {
	x := make([]float64, n)
	for b := range 6 {
		f := 200 * math.Pow(1.7, float64(b))
		gain := 0.0
		for i := range x {
			if i%700 == 0 {
				gain = rng.Float64()
				gain *= gain * gain
			}
			x[i] += 3000 * gain * math.Sin(2*math.Pi*f*float64(i)/rateHz+3*math.Sin(float64(i)/150))
		}
	}
	return x
}

func TestMeasure(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	clean := speech(5*rateHz, rng)
	noisy := func(snrDB float64) []float64 {
		var e float64
		for _, v := range clean {
			e += v * v / float64(len(clean))
		}
		s := math.Sqrt(e) * math.Pow(10, -snrDB/20)
		out := make([]float64, len(clean))
		for i, v := range clean {
			out[i] = 0.3*v + 0.3*s*rng.NormFloat64() // the level does not count
		}
		return out
	}
	last := 1.01
	for _, snr := range []float64{60, 20, 5, -5, -20} {
		got := Measure(clean, noisy(snr))
		if got >= last {
			t.Errorf("%g dB: %.3f, not below %.3f", snr, got, last)
		}
		last = got
		if snr == 60 && got < 0.95 || snr == -20 && got > 0.5 {
			t.Errorf("%g dB: %.3f", snr, got)
		}
	}
	if got := Measure(clean, clean); got < 0.999 {
		t.Errorf("itself: %.4f", got)
	}
	if got := Measure(clean[:1000], clean[:1000]); !math.IsNaN(got) {
		t.Errorf("too short: %v", got)
	}
}

func TestResampleAndLag(t *testing.T) {
	x := make([]int16, 48000)
	for i := range x {
		x[i] = int16(8000*math.Sin(2*math.Pi*700*float64(i)/48000) + 4000*math.Sin(2*math.Pi*9000*float64(i)/48000))
	}
	y := Resample(x, 48000)
	if len(y) != 10000 {
		t.Fatalf("%d samples", len(y))
	}
	var worst float64
	for i := 100; i < 9900; i++ {
		worst = math.Max(worst, math.Abs(y[i]-8000*math.Sin(2*math.Pi*700*float64(i)/10000)))
	}
	if worst > 80 {
		t.Errorf("off by %.0f", worst)
	}
	clean := speech(10000, rand.New(rand.NewPCG(3, 4)))
	late := append(make([]float64, 321), clean...)
	if lag, c := Lag(clean, late, 0, 500); lag != 321 || c < .999 {
		t.Errorf("lag %d, %.3f", lag, c)
	}
}
