package aec

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// scene is a random doorstep: room, loudspeaker, levels, delay, noise.
type scene struct {
	path  *room
	far   *talker
	near  *talker
	noise *rand.Rand
	peak  float64 // of the far end
	hiss  float64 // of the microphone
	knee  float64 // where the loudspeaker bends, relative to full scale; 0: it does not
}

func newScene(seed uint64) *scene {
	r := rand.New(rand.NewPCG(seed, 21))
	s := &scene{
		path: newRoom(seed, 16000, time.Duration(10+r.IntN(240))*time.Millisecond, 0.15+0.8*r.Float64()),
		far:  newTalker(seed+1000, 16000), near: newTalker(seed+2000, 16000), noise: r,
		peak: 3000 + 12000*r.Float64(), hiss: 1 + 15*r.Float64(),
	}
	if seed%4 == 0 {
		s.knee = 0.1 + 0.2*r.Float64()
	}
	return s
}

// play runs the scene's far end for a number of frames; it returns the mean
// powers of microphone, output and near end.
func (s *scene) play(c *Canceller, frames int, nearPeak float64) (mic, out, near float64) {
	far, m, echo := make([]int16, hop), make([]int16, hop), make([]float64, hop)
	played := make([]int16, hop)
	for range frames {
		s.far.frame(far, s.peak)
		for i, v := range far {
			played[i] = v
			if s.knee > 0 {
				played[i] = int16(32768 * s.knee * math.Atan(float64(v)/(32768*s.knee)))
			}
		}
		s.path.frame(echo, played)
		clear(m)
		if nearPeak > 0 {
			s.near.frame(m, nearPeak)
		}
		for i, e := range echo {
			near += float64(m[i]) * float64(m[i])
			m[i] = int16(max(min(float64(m[i])+e+s.hiss*s.noise.NormFloat64(), 32767), -32768))
			mic += float64(m[i]) * float64(m[i])
		}
		c.ProcessFarEnd(far)
		c.ProcessCapture(m)
		for _, v := range m {
			out += float64(v) * float64(v)
		}
	}
	n := float64(frames * hop)
	return mic / n, out / n, near / n
}

// TestRandomRooms bounds the distribution over random scenes: how much echo
// above the noise is taken away, and what happens to a near end that talks.
func TestRandomRooms(t *testing.T) {
	scenes := uint64(12)
	if os.Getenv("EDGECAM_LONG") != "" {
		scenes = 100
	} else if testing.Short() {
		scenes = 6
	}
	var depth, level []float64
	for seed := range scenes {
		s := newScene(seed)
		c := mustNew(t, Config{RateHz: 16000})
		s.play(c, 400, 0)
		mic, out, _ := s.play(c, 200, 0)
		hiss := s.hiss * s.hiss
		// What noise hides cannot be measured.
		depth = append(depth, min(db(mic)-db(max(out-hiss, out/10)), db(mic)-db(hiss)))
		_, out, near := s.play(c, 300, 9000)
		level = append(level, math.Abs(db(out)-db(near)))
	}
	slices.Sort(depth)
	slices.Sort(level)
	t.Logf("ERLE: least %.1f, median %.1f dB; near level off by: median %.1f, most %.1f dB",
		depth[0], depth[len(depth)/2], level[len(level)/2], level[len(level)-1])
	if d := depth[len(depth)/10]; d < 12 {
		t.Errorf("10th percentile of ERLE %.1f dB, want 12", d)
	}
	if d := depth[len(depth)/2]; d < 22 {
		t.Errorf("median of ERLE %.1f dB, want 22", d)
	}
	if d := level[len(level)*9/10]; d > 4 {
		t.Errorf("90th percentile of the near end's change of level %.1f dB, want 4", d)
	}
}

// TestHour runs an hour of far end, double talk, silence, noise and clipping in
// random turns; a minute unless EDGECAM_LONG is set. What comes out may not be
// louder than the microphone by more than a change of the echo path explains,
// and the echo is cancelled at the end.
func TestHour(t *testing.T) {
	minutes := 1
	if os.Getenv("EDGECAM_LONG") != "" {
		minutes = 60
	} else if testing.Short() {
		t.Skip("takes seconds")
	}
	s := newScene(3)
	c := mustNew(t, Config{RateHz: 16000})
	r := rand.New(rand.NewPCG(8, 8))
	for at := 0; at < minutes*60; at += 2 {
		s.peak, s.hiss = 12000, 4
		talk := 0.0
		switch r.IntN(7) {
		case 0:
			s.peak = 0
		case 1:
			s.peak = 0
			talk = 9000
		case 2:
			talk = 9000
		case 3:
			s.peak = 60000
			talk = 60000
		case 4:
			s.hiss = 400
		case 5:
			s.path = newRoom(r.Uint64N(50), 16000, time.Duration(r.IntN(300))*time.Millisecond, 0.2+0.6*r.Float64())
		}
		mic, out, _ := s.play(c, 200, talk)
		if db(out) > db(mic)+6 && out > 2000 { // what was played before dies away below -57 dBFS
			t.Fatalf("second %d: %.1f dB louder than the microphone", at, db(out)-db(mic))
		}
	}
	s.peak, s.hiss = 12000, 4
	s.play(c, 600, 0)
	mic, out, _ := s.play(c, 200, 0)
	if erle := db(mic) - db(out); erle < 20 {
		t.Errorf("ERLE %.1f dB at the end, want 20", erle)
	}
}
