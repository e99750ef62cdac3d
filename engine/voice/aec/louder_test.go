package aec

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestOldEchoIsNotHeard takes a loud echo away while it sounds: what was learnt of
// it is subtracted from a microphone that does not hear it any more, and must not
// be heard instead.
func TestOldEchoIsNotHeard(t *testing.T) {
	louder := 0
	const runs = 12
	for seed := range uint64(runs) {
		r := rand.New(rand.NewPCG(seed, 61))
		s := newScene(seed + 1)
		s.peak, s.hiss, s.knee = 30000, 4, 0
		s.path = newRoom(seed, 16000, time.Duration(20+r.IntN(100))*time.Millisecond, 0.8)
		c := mustNew(t, Config{RateHz: 16000})
		s.play(c, 400, 0)
		for { // until somebody speaks
			if mic, _, _ := s.play(c, 2, 0); mic > 1e5 {
				break
			}
		}
		s.path = newRoom(seed+100, 16000, 350*time.Millisecond, 0.1)
		mic, out, _ := s.play(c, 12, 0)
		t.Logf("seed %d: microphone %.1f dB, result %.1f dB", seed, db(mic), db(out))
		if db(out) > db(mic) && out > 1000 {
			louder++
		}
	}
	if louder > 0 {
		t.Errorf("after %d of %d changes of the path the result is louder than the microphone", louder, runs)
	}
}

// TestNoiseThatEnds has a noisy microphone become quiet while the far end talks:
// noise that is over must not be put into the result any longer.
func TestNoiseThatEnds(t *testing.T) {
	worst := math.Inf(-1)
	for seed := range uint64(8) {
		s := newScene(seed)
		s.peak, s.hiss, s.knee = 12000, 400, 0
		c := mustNew(t, Config{RateHz: 16000})
		s.play(c, 500, 0)
		s.hiss = 1
		s.play(c, 20, 0)
		for range 20 {
			mic, out, _ := s.play(c, 5, 0)
			worst = max(worst, db(out)-max(db(mic), 15))
		}
	}
	if worst > 12 {
		t.Errorf("the result is %.1f dB louder than a microphone whose noise is over, want 12 at most", worst)
	}
}

// TestComfortNoise compares what stands in for the echo with the noise alone.
func TestComfortNoise(t *testing.T) {
	for _, hiss := range []float64{5, 40, 200} {
		s := newScene(6)
		s.peak, s.hiss, s.knee = 0, hiss, 0
		c := mustNew(t, Config{RateHz: 16000})
		s.play(c, 600, 0)
		s.peak = 9000
		s.play(c, 300, 0)
		_, with, _ := s.play(c, 300, 0)
		s.peak = 0
		s.play(c, 100, 0)
		_, without, _ := s.play(c, 300, 0)
		if d := db(with) - db(without); d < -5 || d > 1 {
			t.Errorf("hiss %.0f: the noise is %.1f dB off while the far end talks, want -5 to 1", hiss, d)
		}
	}
}

// TestSpeechIsNoNoise has the near end sound, with pauses of 70 ms, before the far
// end does: it must not be made up for as noise then.
func TestSpeechIsNoNoise(t *testing.T) {
	s := newScene(1)
	s.peak, s.knee = 0, 0
	c := mustNew(t, Config{RateHz: 16000})
	for range 10 {
		s.hiss = 1000
		s.play(c, 30, 0)
		s.hiss = 3
		s.play(c, 7, 0)
	}
	s.peak = 9000
	for {
		if mic, _, _ := s.play(c, 2, 0); mic > 1e5 {
			break
		}
	}
	worst := math.Inf(-1)
	for range 10 {
		_, out, _ := s.play(c, 2, 0)
		worst = max(worst, db(out))
	}
	if worst > 30 {
		t.Errorf("%.1f dB come out before the echo is known, want 30 at most", worst)
	}
}
