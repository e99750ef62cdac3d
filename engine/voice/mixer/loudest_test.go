package mixer

import (
	"math"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// tone measures the amplitude of a frequency.
func tone(x []int16, hz float64) float64 {
	var re, im float64
	for i, s := range x {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / media.EngineRateHz)
		re, im = re+float64(s)*cos, im+float64(s)*sin
	}
	return 2 * math.Hypot(re, im) / float64(len(x))
}

// crowd mixes talkers with one tone each; amplitude says how loud each is in a block.
func crowd(m *Mixer, talkers, blocks int, amplitude func(talker, n int) float64) (out []int16, heard []int) {
	inputs := make([]Input, talkers)
	in := make([]*media.Block, talkers)
	var b media.Block
	for n := range blocks {
		for i := range inputs {
			if a := amplitude(i, n); a > 0 {
				in[i] = block(a, 300.5+200*float64(i), n) // no block begins at zero
				m.AddFrom(&inputs[i], in[i])
			}
		}
		heard = append(heard, m.Mix(&b))
		out = append(out, b.Samples[:]...)
	}
	return out, heard
}

func TestLoudest(t *testing.T) {
	m := Mixer{Loudest: 2}
	loud := []float64{400, 2500, 800, 4000, 1000}
	out, heard := crowd(&m, len(loud), 20, func(i, _ int) float64 { return loud[i] })
	for i, a := range loud {
		want := 0.0
		if a > 2000 {
			want = a
		}
		if got := tone(out, 300.5+200*float64(i)); math.Abs(got-want) > 20 {
			t.Errorf("talker %d of amplitude %.0f is heard with %.0f, want %.0f", i, a, got, want)
		}
	}
	for n, h := range heard {
		if h != 2 {
			t.Errorf("%d are heard in block %d", h, n)
		}
	}
	if m.LeftOut() != 60 {
		t.Errorf("%d blocks were left out, want 60", m.LeftOut())
	}
	m = Mixer{}
	out, _ = crowd(&m, len(loud), 20, func(i, _ int) float64 { return loud[i] })
	if got := tone(out, 300.5); math.Abs(got-400) > 20 || m.LeftOut() != 0 {
		t.Errorf("without a limit, the softest is heard with %.0f", got)
	}
}

// TestLoudestChanges: who becomes loud gets a place at once, who pauses for a word
// keeps it, who is as loud as others does not come and go, and no change clicks.
func TestLoudestChanges(t *testing.T) {
	m := Mixer{Loudest: 1}
	out, _ := crowd(&m, 2, 100, func(i, n int) float64 {
		switch {
		case i == 0 && n >= 20 && n < 25:
			return 100 // a pause of a word
		case i == 0:
			return 3000
		case n < 50:
			return 1000
		}
		return 8000
	})
	at := func(n int, hz float64) float64 {
		return tone(out[n*media.BlockSamples:][:2*media.BlockSamples], hz)
	}
	if got := at(22, 500.5); got > 50 {
		t.Errorf("in a pause another is heard with %.0f", got)
	}
	if a, b := at(51, 300.5), at(51, 500.5); a > 100 || b < 7000 {
		t.Errorf("10 ms after another became loud: %.0f and %.0f", a, b)
	}
	// The largest step of a tone of 500 Hz and 8000 is 523.
	for i := 45 * media.BlockSamples; i < 60*media.BlockSamples; i++ {
		if d := int(out[i]) - int(out[i-1]); d > 700 || d < -700 {
			t.Fatalf("a step of %d at sample %d", d, i)
		}
	}
	m = Mixer{Loudest: 1}
	out, _ = crowd(&m, 2, 100, func(i, n int) float64 {
		if (n/5+i)%2 == 0 {
			return 3000
		}
		return 2500
	})
	if a, b := tone(out, 300.5), tone(out, 500.5); min(a, b) > 10 || max(a, b) < 2500 {
		t.Errorf("two of about one level come and go: %.0f and %.0f", a, b)
	}
}

func TestLoudestAllocations(t *testing.T) {
	m := Mixer{Loudest: 2}
	var inputs [4]Input
	in, out := block(1000, 100, 0), new(media.Block)
	mix := func() {
		for i := range inputs {
			m.AddFrom(&inputs[i], in)
		}
		m.Mix(out)
	}
	mix()
	if n := testing.AllocsPerRun(100, mix); n != 0 {
		t.Errorf("%v allocations per block", n)
	}
}
