package agc

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/fixed"
)

func control(t testing.TB, c Config) *Control {
	t.Helper()
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func run(t testing.TB, a *Control, x []int16) []int16 {
	t.Helper()
	y := append([]int16(nil), x...)
	n := a.FrameSamples()
	y = y[:len(y)/n*n]
	for at := 0; at < len(y); at += n {
		if err := a.Process(y[at : at+n]); err != nil {
			t.Fatal(err)
		}
	}
	return y
}

// talk is noise in the rhythm of syllables and words: 150 ms on at changing
// loudness, 50 ms off, and a pause of 300 ms each 1.5 s.
func talk(rng *rand.Rand, rate, n int, levelDBFS float64) []int16 {
	x := make([]float64, n)
	syllable := 1.0
	var sum float64
	var active int
	for i := range x {
		ms := i * 1000 / rate
		if i%(rate/5) == 0 {
			syllable = math.Exp2(rng.Float64()*3 - 1.5)
		}
		if ms%1500 < 1200 && ms%200 < 150 {
			x[i] = rng.NormFloat64() * syllable
			sum += x[i] * x[i]
			active++
		}
	}
	g := 32768 * math.Pow(10, levelDBFS/20) / math.Sqrt(sum/float64(active))
	y := make([]int16, n)
	for i, v := range x {
		y[i] = int16(min(max(v*g+rng.NormFloat64()*3, -32768), 32767))
	}
	return y
}

func activeDBFS(x []int16, rate int) float64 {
	var p []float64
	peak := 0.0
	f := rate / 50
	for i := 0; i+f <= len(x); i += f {
		s := 0.0
		for _, v := range x[i : i+f] {
			s += float64(v) * float64(v)
		}
		p = append(p, s/float64(f))
		peak = max(peak, s/float64(f))
	}
	sum, n := 0.0, 0
	for _, v := range p {
		if v > peak/1000 {
			sum += v
			n++
		}
	}
	return 10 * math.Log10(sum/float64(n)/(1<<30))
}

// TestTarget steps the level up and down; two seconds after each step the
// output is within 2 dB of the target.
func TestTarget(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		rng := rand.New(rand.NewPCG(3, uint64(rate)))
		a := control(t, Config{RateHz: rate})
		for _, in := range []float64{-40, -28, -16, -34, -22, -40, -18} {
			y := run(t, a, talk(rng, rate, 8*rate, in))
			if got := activeDBFS(y[2*rate:], rate); math.Abs(got+22) > 2 {
				t.Errorf("%d Hz: %g dBFS becomes %.1f", rate, in, got)
			}
		}
		if s := a.Stats(); s.Steps == 0 || s.SpeechFrames == 0 {
			t.Errorf("statistics %+v", s)
		}
	}
}

// TestNeverClips feeds soft speech, so that the gain is high, and then full
// scale at once, in every phase of a frame.
func TestNeverClips(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		for shift := range 23 {
			rng := rand.New(rand.NewPCG(7, uint64(shift)))
			a := control(t, Config{RateHz: rate, MaxGainDB: 36})
			x := talk(rng, rate, rate, -40)
			x = append(x[:len(x)-shift*rate/2300], make([]int16, rate/2)...)
			for i := len(x) - rate/2; i < len(x); i++ {
				x[i] = int16(-32768 + 65535*(i/7%2))
			}
			for i, v := range run(t, a, x) {
				if v > ceiling || v < -ceiling-1 {
					t.Fatalf("%d Hz: sample %d is %d, above the ceiling of %d", rate, i, v, ceiling)
				}
			}
			if a.Stats().LimitedPieces == 0 {
				t.Fatal("the limiter never acted: the test is too soft")
			}
		}
	}
}

func TestRandomInputStaysBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	a := control(t, Config{MaxGainDB: 36})
	frame := make([]int16, a.FrameSamples())
	for range 3000 {
		amp := rng.IntN(32768) + 1
		for i := range frame {
			frame[i] = int16(rng.IntN(2*amp) - amp)
		}
		if err := a.ProcessGated(frame, rng.IntN(2) == 0); err != nil {
			t.Fatal(err)
		}
		for _, v := range frame {
			if v > ceiling || v < -ceiling-1 {
				t.Fatalf("%d is above the ceiling", v)
			}
		}
	}
}

// TestNoiseAlone: a steady background is not turned up, and a gain that speech
// had called for is taken back in long silence.
func TestNoiseAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	noise := make([]int16, 30*16000)
	for i := range noise {
		noise[i] = int16(rng.NormFloat64() * 100) // -50 dBFS
	}
	a := control(t, Config{})
	run(t, a, noise)
	if g := a.Stats().GainDB; g != 0 {
		t.Errorf("noise alone is turned up by %d dB", g)
	}
	run(t, a, talk(rng, 16000, 4*16000, -40))
	high := a.Stats().GainDB
	if high < 10 {
		t.Fatalf("speech of -40 dBFS is turned up by %d dB only", high)
	}
	run(t, a, noise)
	if g := a.Stats().GainDB; g > high-10 {
		t.Errorf("after 30 s without speech the gain is still %d dB (was %d)", g, high)
	}
}

// TestNoiseSetsIn: noise that begins after silence looks like speech at first;
// once it has been known for a background its gain must be gone.
func TestNoiseSetsIn(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	a := control(t, Config{})
	x := make([]int16, 15*16000)
	for i := 2 * 16000; i < len(x); i++ {
		x[i] = int16(rng.NormFloat64() * 184) // -45 dBFS
	}
	run(t, a, x)
	if g := a.Stats().GainDB; g > 6 {
		t.Errorf("13 s of noise of -45 dBFS are turned up by %d dB", g)
	}
}

func TestGate(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	a := control(t, Config{})
	x := talk(rng, 16000, 5*16000, -40)
	for at := 0; at < len(x); at += 160 {
		if err := a.ProcessGated(x[at:at+160], false); err != nil {
			t.Fatal(err)
		}
	}
	if s := a.Stats(); s.GainDB != 0 || s.SpeechFrames != 0 || s.OtherFrames != 500 {
		t.Errorf("what the caller calls noise changed the gain: %+v", s)
	}
}

func TestSilence(t *testing.T) {
	a := control(t, Config{})
	for _, v := range run(t, a, make([]int16, 16000)) {
		if v != 0 {
			t.Fatal("silence does not stay silent")
		}
	}
}

// TestTransparent: speech at the target goes through unchanged but for delay.
func TestTransparent(t *testing.T) {
	a := control(t, Config{})
	x := make([]int16, 1600)
	for i := range x {
		x[i] = int16(i * 7 % 2000)
	}
	y := run(t, a, x)
	d := a.Delay()
	for i := d; i < 480; i++ {
		if y[i] != x[i-d] {
			t.Fatalf("sample %d is %d, want %d: gain before any speech must be 1", i, y[i], x[i-d])
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []Config{{RateHz: 44100}, {RateHz: -1}, {TargetDBFS: -41}, {TargetDBFS: 3}, {MaxGainDB: 37}, {MaxGainDB: -1}} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("New(%+v): %v", c, err)
		}
	}
	if err := control(t, Config{}).Process(make([]int16, 159)); err == nil {
		t.Error("a frame of 159 samples was taken")
	}
}

func TestLogarithms(t *testing.T) {
	for x := uint64(1); x < 1<<50; x += x/7 + 1 {
		if got, want := float64(fixed.Log2Q10(x))/1024, math.Log2(float64(x)); math.Abs(got-want) > 0.011 {
			t.Errorf("log2(%d) = %.4f, want %.4f", x, got, want)
		}
	}
	for x := int32(-8 << 10); x < 8<<10; x += 37 {
		got, want := float64(expQ16(x))/65536, math.Exp2(float64(x)/1024)
		if math.Abs(got/want-1) > 0.01 {
			t.Errorf("2^%.4f = %.5f, want %.5f", float64(x)/1024, got, want)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	a := control(t, Config{RateHz: 48000})
	frame := make([]int16, 480)
	if n := testing.AllocsPerRun(100, func() { _ = a.Process(frame) }); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
}

func BenchmarkProcess(b *testing.B) {
	a := control(b, Config{})
	x := talk(rand.New(rand.NewPCG(1, 1)), 16000, 16000, -30)
	frame := make([]int16, 160)
	for i := 0; b.Loop(); i++ {
		copy(frame, x[i%100*160:])
		if err := a.Process(frame); err != nil {
			b.Fatal(err)
		}
	}
}
