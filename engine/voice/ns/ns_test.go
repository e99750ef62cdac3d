package ns

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func suppressor(t testing.TB, c Config) *Suppressor {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t testing.TB, s *Suppressor, x []int16) []int16 {
	t.Helper()
	n := s.FrameSamples()
	y := append([]int16(nil), x[:len(x)/n*n]...)
	for at := 0; at < len(y); at += n {
		if err := s.Process(y[at : at+n]); err != nil {
			t.Fatal(err)
		}
	}
	return y
}

func noise(rng *rand.Rand, n int, dBFS float64) []int16 {
	x := make([]int16, n)
	g := 32768 * math.Pow(10, dBFS/20)
	for i := range x {
		x[i] = int16(min(max(math.Round(rng.NormFloat64()*g), -32768), 32767))
	}
	return x
}

func dBFS(x []int16) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return 10 * math.Log10(s/float64(len(x))/(1<<30)+1e-20)
}

// vowels adds harmonics of a gliding pitch, 0.3 s on and 0.1 s off, from second
// from on.
func vowels(x []int16, rate int, from, amp float64) {
	phase := 0.0
	for i := int(from * float64(rate)); i < len(x); i++ {
		t := float64(i) / float64(rate)
		hz := 140 + 40*math.Sin(2*math.Pi*t*1.3)
		phase += 2 * math.Pi * hz / float64(rate)
		if math.Mod(t, 0.4) > 0.3 {
			continue
		}
		v := 0.0
		for k := 1.0; k <= 16; k++ {
			v += math.Sin(k*phase) / k
		}
		x[i] = int16(min(max(float64(x[i])+amp*v, -32768), 32767))
	}
}

var rates = []int{8000, 16000, 32000, 48000}

// TestReconstruction: with all gains at one the filter bank is a pure delay.
func TestReconstruction(t *testing.T) {
	for _, rate := range rates {
		s := suppressor(t, Config{RateHz: rate})
		s.est.edges = s.est.edges[:1] // no cell: nothing is changed
		s.est.power, s.est.powerLog, s.est.gains.gainQ15 = nil, nil, nil
		s.est.presence.edges = []int{0, 0}
		s.est.gains.log = nil
		rng := rand.New(rand.NewPCG(1, 1))
		x := make([]int16, rate/2)
		for i := range x {
			x[i] = int16(rng.IntN(65536) - 32768)
		}
		d := s.Delay()
		y := run(t, s, x)
		for i := 2 * d; i < len(y); i++ {
			if e := int(y[i]) - int(x[i-d]); e < -2 || e > 2 {
				t.Fatalf("%d Hz: sample %d is %d, want %d", rate, i, y[i], x[i-d])
			}
		}
	}
}

// TestNoiseFloor: steady noise comes down by the depth of the strength and
// keeps its character.
func TestNoiseFloor(t *testing.T) {
	for _, rate := range rates {
		for strength, least := range map[Strength]float64{Low: 11.5, Mid: 20, High: 26} {
			s := suppressor(t, Config{RateHz: rate, Strength: strength})
			x := noise(rand.New(rand.NewPCG(2, uint64(rate))), 4*rate, -30)
			y := run(t, s, x)
			if got := dBFS(x[2*rate:]) - dBFS(y[2*rate:]); got < least || got > float64(depths[strength].pauseDB)+0.5 {
				t.Errorf("%d Hz, strength %d: noise comes down by %.1f dB, want %g to %d", rate, strength, got, least, depths[strength].pauseDB)
			}
			if st := s.Stats(); st.NoiseDBFS < -33 || st.NoiseDBFS > -28 || st.Frames != 400 {
				t.Errorf("%d Hz: statistics %+v, the noise has -30 dBFS", rate, st)
			}
		}
	}
}

// TestNoMusicalNoise compares how peaked short-time spectra of the noise are
// before and after: tones that come and go raise the kurtosis of bin powers
// (Y. Uemura et al., IWAENC 2008).
func TestNoMusicalNoise(t *testing.T) {
	s := suppressor(t, Config{Strength: High})
	x := noise(rand.New(rand.NewPCG(3, 3)), 12*16000, -20)
	y := run(t, s, x)
	before, after := kurtosis(x[4*16000:]), kurtosis(y[4*16000:])
	if after > before*1.2 {
		t.Errorf("kurtosis of bin powers grows from %.2f to %.2f", before, after)
	}
}

func kurtosis(x []int16) float64 {
	var m1, m2, n float64
	for at := 0; at+256 <= len(x); at += 256 {
		for k := 8; k < 120; k += 7 {
			var re, im float64
			for i, v := range x[at : at+256] {
				sin, cos := math.Sincos(2 * math.Pi * float64(k*i%256) / 256)
				re, im = re+float64(v)*cos, im+float64(v)*sin
			}
			p := re*re + im*im
			m1, m2, n = m1+p, m2+p*p, n+1
		}
	}
	return m2 / n / (m1 / n * m1 / n)
}

// TestSpeechStays: loud speech in little noise loses less than half a decibel.
func TestSpeechStays(t *testing.T) {
	for _, rate := range rates {
		s := suppressor(t, Config{RateHz: rate, Strength: High})
		x := noise(rand.New(rand.NewPCG(4, 4)), 5*rate, -65)
		vowels(x, rate, 1, 4000)
		y := run(t, s, x)
		if loss := dBFS(x[rate:]) - dBFS(y[rate:]); loss > 0.5 || loss < -0.1 {
			t.Errorf("%d Hz: speech loses %.2f dB", rate, loss)
		}
		if p := s.Stats().SpeechPercent; p == 0 {
			t.Errorf("%d Hz: speech is not seen", rate)
		}
	}
}

// TestSpeechFirst: speech from the first frame on is not taken for noise for
// long.
func TestSpeechFirst(t *testing.T) {
	s := suppressor(t, Config{})
	x := noise(rand.New(rand.NewPCG(5, 5)), 4*16000, -60)
	vowels(x, 16000, 0, 4000)
	y := run(t, s, x)
	if loss := dBFS(x[16000:]) - dBFS(y[16000:]); loss > 1 {
		t.Errorf("speech from the start loses %.2f dB after the first second", loss)
	}
}

// TestNoiseSteps: a noise that grows or falls by 20 dB is followed.
func TestNoiseSteps(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	s := suppressor(t, Config{})
	for _, level := range []float64{-50, -30, -60, -20} {
		x := noise(rng, 5*16000, level)
		y := run(t, s, x)
		if got := dBFS(x[4*16000:]) - dBFS(y[4*16000:]); got < 18 {
			t.Errorf("4 s after a step to %g dBFS noise comes down by %.1f dB only", level, got)
		}
	}
}

func TestSilence(t *testing.T) {
	for _, rate := range rates {
		s := suppressor(t, Config{RateHz: rate})
		for _, v := range run(t, s, make([]int16, rate)) {
			if v != 0 {
				t.Fatalf("%d Hz: silence does not stay silent", rate)
			}
		}
	}
}

// TestExtremes: full-scale input of any kind must not wrap. A wrapped sample
// would differ in sign from a loud input.
func TestExtremes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, rate := range rates {
		s := suppressor(t, Config{RateHz: rate, Strength: Low})
		d := s.Delay()
		x := make([]int16, 3*rate)
		for i := range x { // a loud low square wave with pauses, some of it random
			switch {
			case i/rate == 2 && rng.IntN(4) == 0:
				x[i] = int16(rng.IntN(65536) - 32768)
			case i*1000/rate%700 < 500 && i*300/rate%2 == 0:
				x[i] = 32767
			case i*1000/rate%700 < 500:
				x[i] = -32768
			}
		}
		y := run(t, s, x)
		for i := d; i < 2*rate; i++ {
			if in := x[i-d]; in == 32767 && y[i] < -16384 || in == -32768 && y[i] > 16384 {
				t.Fatalf("%d Hz: sample %d is %d for an input of %d", rate, i, y[i], in)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []Config{{RateHz: 44100}, {RateHz: -1}, {Strength: 3}, {Strength: -1}} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("New(%+v): %v", c, err)
		}
	}
	if err := suppressor(t, Config{}).Process(make([]int16, 480)); err == nil {
		t.Error("a frame of 480 samples was taken at 16 kHz")
	}
}

func TestNoAllocation(t *testing.T) {
	for _, rate := range rates {
		s := suppressor(t, Config{RateHz: rate})
		frame := make([]int16, s.FrameSamples())
		if n := testing.AllocsPerRun(100, func() { _ = s.Process(frame) }); n != 0 {
			t.Errorf("%d Hz: %v allocations per frame", rate, n)
		}
	}
}

func BenchmarkProcess(b *testing.B) {
	for _, rate := range rates {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			s := suppressor(b, Config{RateHz: rate})
			n := s.FrameSamples()
			x := noise(rand.New(rand.NewPCG(1, 1)), rate, -40)
			vowels(x, rate, 0, 3000)
			frame := make([]int16, n)
			for i := 0; b.Loop(); i++ {
				copy(frame, x[i%100*n:])
				if err := s.Process(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
