package vad

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func detector(t testing.TB, c Config) *Detector {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func run(t testing.TB, d *Detector, x []int16) []bool {
	t.Helper()
	n := d.FrameSamples()
	var out []bool
	for at := 0; at+n <= len(x); at += n {
		s, err := d.Process(x[at : at+n])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func share(d []bool) float64 {
	n := 0
	for _, v := range d {
		if v {
			n++
		}
	}
	return float64(n) / float64(len(d))
}

func noise(rng *rand.Rand, n int, dBFS float64) []int16 {
	x := make([]int16, n)
	g := 32768 * math.Pow(10, dBFS/20)
	for i := range x {
		x[i] = int16(min(max(rng.NormFloat64()*g, -32768), 32767))
	}
	return x
}

// voiced adds a vowel, harmonics of a gliding pitch under two formants, from
// second a to b.
func voiced(x []int16, rate int, a, b, dBFS float64) {
	from, to := int(a*float64(rate)), int(b*float64(rate))
	g := 32768 * math.Pow(10, dBFS/20)
	phase := 0.0
	for i := from; i < to; i++ {
		hz := 120 + 40*math.Sin(2*math.Pi*float64(i-from)/float64(rate)*1.3)
		phase += 2 * math.Pi * hz / float64(rate)
		v := 0.0
		for k := 1; float64(k)*hz < 3600; k++ {
			f := float64(k) * hz
			v += math.Sin(float64(k)*phase) * (1/(1+math.Pow((f-600)/150, 2)) + 0.5/(1+math.Pow((f-1800)/200, 2)))
		}
		x[i] = int16(min(max(float64(x[i])+v*g, -32768), 32767))
	}
}

func TestSpeechInNoise(t *testing.T) {
	for _, rate := range []int{8000, 16000, 32000, 48000} {
		d := detector(t, Config{RateHz: rate})
		x := noise(rand.New(rand.NewPCG(1, uint64(rate))), 8*rate, -45)
		for _, at := range []float64{3, 5} {
			voiced(x, rate, at, at+0.8, -30)
		}
		got := run(t, d, x)
		for _, c := range []struct {
			from, to int
			want     bool
		}{{0, 299, false}, {305, 380, true}, {410, 499, false}, {505, 580, true}, {610, 800, false}} {
			s := share(got[c.from:c.to])
			if c.want && s < 0.99 || !c.want && s > 0.01 {
				t.Errorf("%d Hz: frames %d to %d: %.0f %% speech, want %v", rate, c.from, c.to, 100*s, c.want)
			}
		}
		if s := d.Stats(); s.Onsets != 2 || s.Frames != 800 {
			t.Errorf("%d Hz: statistics %+v", rate, s)
		}
	}
}

// TestLouderBackground: a background that grows by 20 dB is speech at most
// until the memory of the old one is over.
func TestLouderBackground(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	d := detector(t, Config{})
	run(t, d, noise(rng, 3*16000, -60))
	got := run(t, d, noise(rng, 6*16000, -40))
	if s := share(got[250:]); s > 0.01 {
		t.Errorf("2.5 s after noise became louder %.0f %% still count as speech", 100*s)
	}
}

func TestSilenceAndClicks(t *testing.T) {
	d := detector(t, Config{})
	x := make([]int16, 10*16000)
	for _, v := range run(t, d, x) {
		if v {
			t.Fatal("digital silence is taken for speech")
		}
	}
	if l := d.Stats().LevelDBov; l != -127 {
		t.Errorf("silence has a level of %d dBov", l)
	}
	for at := 16000; at < len(x); at += 16000 {
		x[at] = 20000 // a click of one sample each second
	}
	if s := share(run(t, d, x)); s > 0.05 {
		t.Errorf("clicks make %.1f %% speech", 100*s)
	}
}

func TestHangover(t *testing.T) {
	for _, hang := range []int{5, 20, 60} {
		d := detector(t, Config{Hangover: hang})
		x := noise(rand.New(rand.NewPCG(8, 8)), 5*16000, -60)
		voiced(x, 16000, 2, 3, -20)
		got := run(t, d, x)
		end := 300
		for end < len(got) && got[end] {
			end++
		}
		if end-300 < hang-1 || end-300 > hang+5 {
			t.Errorf("hangover of %d frames lasts %d", hang, end-300)
		}
	}
}

func TestLevel(t *testing.T) {
	d := detector(t, Config{})
	x := make([]int16, 160)
	for _, c := range []struct {
		v    int16
		want int
	}{{-32768, 0}, {3277, -20}, {33, -60}, {1, -90}} {
		for i := range x {
			x[i] = c.v
		}
		if _, err := d.Process(x); err != nil {
			t.Fatal(err)
		}
		if got := d.Stats().LevelDBov; got < c.want-1 || got > c.want+1 {
			t.Errorf("level of %d is %d dBov, want %d", c.v, got, c.want)
		}
	}
}

// TestExtremes: any input at all; with fixedcheck no operation may overflow.
func TestExtremes(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, rate := range []int{8000, 16000, 32000, 48000} {
		d := detector(t, Config{RateHz: rate})
		frame := make([]int16, d.FrameSamples())
		for range 500 {
			amp := 1 << rng.IntN(16)
			for i := range frame {
				frame[i] = int16(min(max(rng.IntN(4*amp)-2*amp, -32768), 32767))
			}
			before := append([]int16(nil), frame...)
			if _, err := d.Process(frame); err != nil {
				t.Fatal(err)
			}
			for i := range frame {
				if frame[i] != before[i] {
					t.Fatal("the detector changed the frame")
				}
			}
			if s := d.Stats(); s.ScoreQ10 < 0 || s.ScoreQ10 > span || s.ThresholdQ10 < leastThreshold || s.ThresholdQ10 > mostThreshold {
				t.Fatalf("out of range: %+v", s)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []Config{{RateHz: 44100}, {RateHz: -8000}, {Hangover: -1}, {Hangover: 201}} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("New(%+v): %v", c, err)
		}
	}
	if _, err := detector(t, Config{}).Process(nil); err == nil {
		t.Error("an empty frame was taken")
	}
}

func TestNoAllocation(t *testing.T) {
	d := detector(t, Config{})
	frame := make([]int16, 160)
	if n := testing.AllocsPerRun(100, func() { _, _ = d.Process(frame) }); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
}

func BenchmarkProcess(b *testing.B) {
	d := detector(b, Config{})
	x := noise(rand.New(rand.NewPCG(1, 1)), 16000, -30)
	for i := 0; b.Loop(); i++ {
		if _, err := d.Process(x[i%100*160:][:160]); err != nil {
			b.Fatal(err)
		}
	}
}
