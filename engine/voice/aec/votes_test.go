package aec

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/fixed"
)

// TestCoherenceVotes gives scores to the vote: which looks at which delays, and
// after how many of them it is believed.
func TestCoherenceVotes(t *testing.T) {
	type look struct {
		delay int
		score int32
		want  bool
	}
	const weak, sure, certain = coherentLeast + 1, coherentSure + 1, coherentKnown + 1
	for name, c := range map[string]struct {
		known bool
		looks []look
	}{
		"sure":                   {false, []look{{10, sure, false}, {10, sure, true}}},
		"sure, next delay":       {false, []look{{10, sure, false}, {11, sure, true}}},
		"sure, another delay":    {false, []look{{10, sure, false}, {20, sure, false}, {20, sure, true}}},
		"weak, a second time":    {false, []look{{10, weak, false}, {10, weak, false}, {10, weak, false}, {10, weak, true}}},
		"weak, elsewhere":        {false, []look{{10, weak, false}, {10, weak, false}, {20, weak, false}, {20, weak, false}}},
		"too weak":               {false, []look{{10, weak - 2, false}, {10, weak - 2, false}, {10, weak - 2, false}, {10, weak - 2, false}}},
		"sure, one known":        {true, []look{{10, sure, false}, {10, sure, false}, {10, sure, false}, {10, sure, true}}},
		"certain, one known":     {true, []look{{10, certain, false}, {10, certain, true}}},
		"interrupted, then sure": {false, []look{{10, sure, false}, {10, 0, false}, {10, sure, false}, {10, sure, true}}},
	} {
		h, err := newHistory(searchSize, searchHop, 60)
		if err != nil {
			t.Fatal(err)
		}
		v := newCoherence(h, 28)
		for i, l := range c.looks {
			v.hops = coherentWarm
			clear(v.score)
			v.score[l.delay], v.score[40] = l.score, coherentLeast/3
			if got := v.decide(c.known); got != l.want {
				t.Errorf("%s: look %d says %v, want %v", name, i, got, l.want)
				break
			}
		}
	}
	h, err := newHistory(searchSize, searchHop, 60)
	if err != nil {
		t.Fatal(err)
	}
	v := newCoherence(h, 28)
	for range 4 {
		v.hops = coherentWarm - 1
		v.score[10] = certain
		if v.decide(false) {
			t.Error("believed before enough was heard")
		}
		v.hops = coherentWarm
		v.score[10], v.score[30] = certain, certain*2/3
		if v.decide(false) {
			t.Error("believed beside another delay that is nearly as likely")
		}
	}
}

// TestFoundDelayIsLearnt looks at the search filter when the delay has been found:
// it must have forgotten the rest, and learn there first.
func TestFoundDelayIsLearnt(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 44))
		s, err := newSearch(28)
		if err != nil {
			t.Fatal(err)
		}
		delay := (150 + r.IntN(250)) * 16
		hear(s, r, newTalker(seed+300, 16000), nil, newSparseEcho(r, delay), 300, func() bool { return s.proven })
		if !s.proven || s.onset < 1 {
			t.Fatalf("seed %d: no delay found", seed)
		}
		for p := range s.filter.parts {
			u := s.filter.part(p)[searchBins/2]
			if near := p == s.onset || p == s.onset+1; near != (u == searchStart) || u > searchStart {
				t.Errorf("seed %d: partition %d, delay %d, has an uncertainty of %d", seed, p, s.onset, u)
			}
		}
		for _, w := range s.filter.weight {
			if w != (fixed.Complex32{}) {
				t.Fatalf("seed %d: weights of the time before the delay was known are left", seed)
			}
		}
	}
}

// TestFarTurnIsNoDrift turns the weights by so much that no phase says how far.
func TestFarTurnIsNoDrift(t *testing.T) {
	x := newTurning(t, 3, 0)
	turned := 0
	for late := 1.0; late < 20; late += 0.01 {
		var re, im float64
		for i, w := range x.weight {
			if k := float64(i % x.f.stride); k < searchBins {
				a := 2 * math.Pi * k * late / fftSize
				re += real(w*cmplx.Conj(w)) * k * k * math.Cos(a)
				im += real(w*cmplx.Conj(w)) * k * math.Sin(a)
			}
		}
		if re <= 0 || math.Abs(im) < 1.5*re {
			continue
		}
		turned++
		d := newDrift(len(x.f.weight))
		d.known, d.ppmQ8 = true, 50<<8
		x.late = 0
		x.look(d, float64(d.ppmQ8)/256)
		x.look(d, late*1e6/(driftEvery*hop)+50)
		if d.ppmQ8 != 50<<8 {
			t.Errorf("a turn by %.2f samples makes %.1f ppm of 50", late, float64(d.ppmQ8)/256)
		}
	}
	if turned == 0 {
		t.Fatal("no such turn")
	}
}
