package aec

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
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
	ppm   float64 // by how much the loudspeaker's clock is fast
	queue []float64
	pos   float64 // in queue, of the next sample that is played
	late  []int16 // what the microphone heard while the output is late by Delay
}

// drifted reads a frame from what was played at the loudspeaker's pace, 20 ms
// late at first.
func (s *scene) drifted(out, played []int16) {
	if s.queue == nil {
		s.queue = make([]float64, 2*hop+4)
		s.pos = 4
	}
	for _, v := range played {
		s.queue = append(s.queue, float64(v))
	}
	if least, most := 2.0, float64(len(s.queue)-hop-8); s.pos < least || s.pos > most {
		s.pos = min(max(s.pos, least), most) // samples are lost or repeated
	}
	for i := range out {
		p := int(s.pos)
		x := s.pos - float64(p)
		q := s.queue[p-1 : p+3]
		out[i] = int16(max(min(-q[0]*x*(x-1)*(x-2)/6+q[1]*(x+1)*(x-1)*(x-2)/2-q[2]*(x+1)*x*(x-2)/2+q[3]*(x+1)*x*(x-1)/6, 32767), -32768))
		s.pos += 1 + s.ppm/1e6
	}
	const keep = 8 * hop
	if drop := len(s.queue) - keep; drop > 0 {
		s.queue = append(s.queue[:0], s.queue[drop:]...)
		s.pos -= float64(drop)
	}
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
// powers of the microphone, as late as the output, of that and of the near end.
func (s *scene) play(c *Canceller, frames int, nearPeak float64) (mic, out, near float64) {
	far, m, echo := make([]int16, hop), make([]int16, hop), make([]float64, hop)
	played := make([]int16, hop)
	if s.late == nil {
		s.late = make([]int16, c.Delay()*16000/time.Second)
	}
	for range frames {
		s.far.frame(far, s.peak)
		for i, v := range far {
			played[i] = v
			if s.knee > 0 {
				played[i] = int16(32768 * s.knee * math.Atan(float64(v)/(32768*s.knee)))
			}
		}
		if s.ppm != 0 || s.queue != nil {
			s.drifted(played, played)
		}
		s.path.frame(echo, played)
		clear(m)
		if nearPeak > 0 {
			s.near.frame(m, nearPeak)
		}
		for i, e := range echo {
			near += float64(m[i]) * float64(m[i])
			m[i] = int16(max(min(float64(m[i])+e+s.hiss*s.noise.NormFloat64(), 32767), -32768))
		}
		s.late = append(s.late, m...)
		for _, v := range s.late[:hop] {
			mic += float64(v) * float64(v)
		}
		s.late = append(s.late[:0], s.late[hop:]...)
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

// TestHour runs an hour of far end, double talk, silence, noise, clipping,
// moved rooms and clocks that change their pace, in random turns (EDGECAM_SEED
// draws others); a minute unless EDGECAM_LONG is set (a number: so many minutes).
// What comes out may not be
// louder than the microphone, and the echo is cancelled at the end.
func TestHour(t *testing.T) {
	minutes := 1
	if v := os.Getenv("EDGECAM_LONG"); v != "" {
		minutes = 60
		if n, err := strconv.Atoi(v); err == nil && n > 1 {
			minutes = n
		}
	} else if testing.Short() {
		t.Skip("takes seconds")
	}
	s := newScene(3)
	c := mustNew(t, Config{RateHz: 16000})
	seed := uint64(8)
	if v := os.Getenv("EDGECAM_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatalf("EDGECAM_SEED: %v", err)
		}
		seed = n
	}
	r := rand.New(rand.NewPCG(seed, 8))
	most, mostAt := math.Inf(-1), 0
	for at := 0; at < minutes*60; at += 2 {
		s.peak, s.hiss = 12000, 4
		talk := 0.0
		switch r.IntN(8) {
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
		case 6:
			s.ppm = float64(r.IntN(7)-3) * 100
		}
		mic, out, _ := s.play(c, 200, talk)
		if out < 2000 { // what was played before dies away below -57 dBFS
			continue
		}
		if d := db(out) - db(mic); d > most {
			most, mostAt = d, at
		}
	}
	s.peak, s.hiss, s.ppm = 12000, 4, 0
	s.play(c, 600, 0)
	mic, out, _ := s.play(c, 200, 0)
	erle := db(mic) - db(out)
	t.Logf("%d minutes: at most %.1f dB louder than the microphone, in second %d; ERLE %.1f dB at the end; %+v", minutes, most, mostAt, erle, c.Stats())
	if most > louderDB {
		t.Errorf("%.1f dB louder than the microphone in second %d, at most %v are right", most, mostAt, louderDB)
	}
	if erle < 30 {
		t.Errorf("ERLE %.1f dB at the end, want 30", erle)
	}
}

// louderDB is by how much two seconds may come out louder than they went in.
const louderDB = 1.0
