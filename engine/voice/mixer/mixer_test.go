package mixer

import (
	"math"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

func block(amplitude, hz float64, n int) *media.Block {
	b := new(media.Block)
	for i := range b.Samples {
		b.Samples[i] = int16(amplitude * math.Sin(2*math.Pi*hz*float64(n*media.BlockSamples+i)/media.EngineRateHz))
	}
	return b
}

func TestOneTalkerIsUntouched(t *testing.T) {
	var m Mixer
	for n := range 20 {
		in, out := block(20000, 300, n), new(media.Block)
		m.Add(in)
		if got := m.Mix(out); got != 1 {
			t.Fatalf("Mix = %d inputs, want 1", got)
		}
		if out.Samples != in.Samples {
			t.Fatalf("block %d changed", n)
		}
	}
}

func TestSilenceWithoutTalkers(t *testing.T) {
	var m Mixer
	out := block(100, 100, 0)
	if n := m.Mix(out); n != 0 || out.Samples != [media.BlockSamples]int16{} {
		t.Errorf("Mix without input = %d, samples not silent", n)
	}
}

// TestLoudSumIsScaled adds two loud talkers: no sample may be cut off, and after
// they stop a lone talker comes back to full gain.
func TestLoudSumIsScaled(t *testing.T) {
	var m Mixer
	out := new(media.Block)
	for n := range 100 {
		m.Add(block(30000, 200, n))
		m.Add(block(30000, 330, n))
		m.Mix(out)
		for i, s := range out.Samples {
			if n > 0 && (s > ceiling+200 || s < -ceiling-200) {
				t.Fatalf("block %d sample %d = %d: over the ceiling", n, i, s)
			}
		}
	}
	if m.Limited() == 0 {
		t.Fatal("the limiter never acted")
	}
	for n := range 2000 {
		m.Add(block(10000, 200, n))
		m.Mix(out)
	}
	want := block(10000, 200, 1999)
	for i := range want.Samples {
		if d := int(out.Samples[i]) - int(want.Samples[i]); d < -80 || d > 80 {
			t.Fatalf("sample %d off by %d after recovery", i, d)
		}
	}
}

func TestAllocations(t *testing.T) {
	var m Mixer
	in, out := block(1000, 100, 0), new(media.Block)
	if n := testing.AllocsPerRun(100, func() { m.Add(in); m.Mix(out) }); n != 0 {
		t.Errorf("%v allocations per block", n)
	}
}
