package aec

import (
	"math/rand/v2"
	"testing"
)

// sparseEcho is a delayed far end with some reflections.
type sparseEcho struct {
	at   [24]int
	gain [24]float64
	past []float64
}

func newSparseEcho(r *rand.Rand, delay int) *sparseEcho {
	e := &sparseEcho{past: make([]float64, 9000)}
	e.move(r, delay)
	return e
}

// move makes another echo of the same far end.
func (e *sparseEcho) move(r *rand.Rand, delay int) {
	for i := range e.at {
		e.at[i] = delay + r.IntN(600)
		e.gain[i] = 0.15 * r.NormFloat64()
	}
	e.at[0], e.gain[0] = delay, 0.5
}

func (e *sparseEcho) frame(out, in []int16) {
	copy(e.past, e.past[hop:])
	n := len(e.past) - hop
	for i, v := range in {
		e.past[n+i] = float64(v)
	}
	for i := range out {
		s := 0.0
		for k, d := range e.at {
			s += e.gain[k] * e.past[n+i-d]
		}
		out[i] = int16(s)
	}
}

// hear gives a search hops of a far end and of its echo, with a near end and
// noise; until tells when to stop. It returns the hops that it took.
func hear(s *search, r *rand.Rand, far, near *talker, echo *sparseEcho, hops int, until func() bool) int {
	f, m, n := make([]int16, hop), make([]int16, hop), make([]int16, hop)
	farQ4, micQ4 := make([]int32, hop), make([]int32, hop)
	for h := range hops {
		far.frame(f, 9000)
		clear(m)
		if echo != nil {
			echo.frame(m, f)
		}
		if near != nil {
			near.frame(n, 9000)
		}
		for i := range f {
			farQ4[i] = int32(f[i]) << 4
			micQ4[i] = (int32(m[i])+int32(n[i])+int32(4*r.NormFloat64()))<<4 + 1
		}
		s.farEnd(farQ4)
		s.capture(micQ4)
		if until() {
			return h + 1
		}
	}
	return hops
}

// TestDelayIsFoundAtOnce gives the search far-end speech from the first hop on:
// the delay must be known within a second, wherever it lies, and mostly within a
// second after a jump.
func TestDelayIsFoundAtOnce(t *testing.T) {
	slow, late := 0, 0
	runs := uint64(24)
	for seed := range runs {
		r := rand.New(rand.NewPCG(seed, 41))
		s, err := newSearch(28)
		if err != nil {
			t.Fatal(err)
		}
		far := newTalker(seed+300, 16000)
		delay := 0
		found := func() bool {
			d := s.onset - delay/(2*hop)
			return s.onset >= 0 && d >= -1 && d <= 1
		}
		delay = r.IntN(480) * 16
		echo := newSparseEcho(r, delay)
		// The search hears nothing before the echo arrives.
		if n := hear(s, r, far, nil, echo, 200, found); n > 100 {
			slow++
			t.Logf("seed %d: %d ms found after %d hops", seed, delay/16, n)
		}
		hear(s, r, far, nil, echo, 100, func() bool { return false })
		delay = (delay + (100+r.IntN(280))*16) % (480 * 16)
		echo.move(r, delay)
		if n := hear(s, r, far, nil, echo, 200, found); n > 100 {
			late++
			t.Logf("seed %d: jump to %d ms found after %d hops", seed, delay/16, n)
		}
	}
	if slow > 1 || late > 4 {
		t.Errorf("of %d delays %d are not found within a second, nor %d jumps; one and 4 may be", runs, slow, late)
	}
}

// TestVoicesAreNotAnEcho has two voices talk that have nothing to do with each
// other, and two steady tones: no delay stands out.
func TestVoicesAreNotAnEcho(t *testing.T) {
	found := 0
	runs := uint64(16)
	for seed := range runs {
		r := rand.New(rand.NewPCG(seed, 42))
		s, err := newSearch(28)
		if err != nil {
			t.Fatal(err)
		}
		if n := hear(s, r, newTalker(seed+500, 16000), newTalker(seed+700, 16000), nil, 1000, func() bool { return s.proven }); n < 1000 {
			found++
			t.Logf("seed %d: a delay of %d ms after %d hops", seed, s.coherence.best*10, n)
		}
	}
	if found > 0 {
		t.Errorf("in %d of %d pairs of voices a delay is found", found, runs)
	}

	s, err := newSearch(28)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 43))
	tone := &tones{hz: 1000, peak: 8000, hiss: 3, noise: r}
	f, q := make([]int16, hop), make([]int32, hop)
	for range 500 {
		tone.n %= 6400 // always on
		tone.frame(f)
		for i, v := range f {
			q[i] = int32(v) << 4
		}
		s.farEnd(q)
		s.coherence.push(s.low[:])
		if s.coherence.follow(false) {
			t.Fatalf("a steady tone has a delay of %d ms", s.coherence.best*10)
		}
	}
}
