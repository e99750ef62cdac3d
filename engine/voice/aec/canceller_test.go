package aec

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// talker makes noise with a voice's pitch, colour and syllables.
type talker struct {
	r      *rand.Rand
	rate   int
	n      int
	level  float64
	pitch  float64
	phase  float64
	low    float64
	voiced float64 // share of buzz
}

func newTalker(seed uint64, rate int) *talker {
	return &talker{r: rand.New(rand.NewPCG(seed, 7)), rate: rate, pitch: 120}
}

func (t *talker) frame(out []int16, peak float64) {
	for i := range out {
		if t.n%(t.rate/5) == 0 {
			t.level = t.r.Float64() * t.r.Float64()
			if t.r.IntN(6) == 0 {
				t.level = 0
			}
			t.pitch = 90 + 120*t.r.Float64()
			t.voiced = t.r.Float64()
		}
		t.n++
		t.phase += t.pitch / float64(t.rate)
		t.phase -= math.Floor(t.phase)
		buzz := math.Exp(-12*t.phase) - 0.083
		t.low += (t.r.NormFloat64() - t.low) * 0.4
		v := t.level * (t.voiced*0.7*buzz + (1-t.voiced)*0.5*t.low)
		out[i] = int16(max(min(v*peak, 32767), -32768))
	}
}

// room is a decaying random response after a delay.
type room struct {
	h    []float64
	past []float64
}

func newRoom(seed uint64, rate int, delay time.Duration, gain float64) *room {
	r := rand.New(rand.NewPCG(seed, 9))
	d := int(delay * time.Duration(rate) / time.Second)
	h := make([]float64, d+rate/25)
	for i := d; i < len(h); i++ {
		h[i] = gain * 0.3 * r.NormFloat64() * math.Exp(-float64(i-d)/float64(rate)*140) * math.Sqrt(16000/float64(rate))
	}
	h[d] += gain * 0.7
	return &room{h: h, past: make([]float64, len(h))}
}

func (m *room) frame(out []float64, in []int16) {
	n := len(in)
	grow := append(m.past, make([]float64, n)...)
	for i, v := range in {
		grow[len(m.past)+i] = float64(v)
	}
	first := 0
	for first < len(m.h) && m.h[first] == 0 {
		first++
	}
	for i := range out {
		s := 0.0
		x := grow[len(m.past)+i-len(m.h)+1:]
		for k := first; k < len(m.h); k++ {
			s += m.h[k] * x[len(m.h)-1-k]
		}
		out[i] = s
	}
	copy(m.past, grow[n:])
}

// run plays seconds of far speech through rooms (by the second) and returns the
// mean powers of microphone and output, by the second.
func run(t *testing.T, c *Canceller, rooms func(second int) *room, seconds int, near func(second int, out []int16)) (in, out []float64) {
	t.Helper()
	n := c.FrameSamples()
	voice := newTalker(5, n*100)
	noise := rand.New(rand.NewPCG(1, 1))
	far, mic, echo := make([]int16, n), make([]int16, n), make([]float64, n)
	for f := range seconds * 100 {
		if f%100 == 0 {
			in, out = append(in, 0), append(out, 0)
		}
		voice.frame(far, 9000)
		rooms(f/100).frame(echo, far)
		clear(mic)
		if near != nil {
			near(f/100, mic)
		}
		for i, e := range echo {
			mic[i] = int16(max(min(float64(mic[i])+e+3*noise.NormFloat64(), 32767), -32768))
			in[f/100] += float64(mic[i]) * float64(mic[i]) / float64(100*n)
		}
		c.ProcessFarEnd(far)
		c.ProcessCapture(mic)
		for _, v := range mic {
			out[f/100] += float64(v) * float64(v) / float64(100*n)
		}
	}
	return in, out
}

func mustNew(t testing.TB, c Config) *Canceller {
	t.Helper()
	x, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func db(x float64) float64 { return 10 * math.Log10(x+1e-9) }

func TestConfigErrors(t *testing.T) {
	for _, c := range []Config{
		{},
		{RateHz: 7900},
		{RateHz: 16001},
		{RateHz: 192100},
		{RateHz: -16000},
		{RateHz: 16000, Tail: time.Millisecond},
		{RateHz: 16000, Tail: 300 * time.Millisecond},
		{RateHz: 16000, Tail: -1},
		{RateHz: 16000, MaxDelay: -1},
		{RateHz: 16000, MaxDelay: time.Second},
	} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("New(%+v): %v", c, err)
		}
	}
}

func TestFrameLength(t *testing.T) {
	c := mustNew(t, Config{RateHz: 16000})
	for name, f := range map[string]func([]int16){"far": c.ProcessFarEnd, "capture": c.ProcessCapture} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: a short frame is taken", name)
				}
			}()
			f(make([]int16, 159))
		}()
	}
}

func TestSilenceStaysSilence(t *testing.T) {
	for _, rate := range []int{8000, 16000, 44100, 48000} {
		c := mustNew(t, Config{RateHz: rate})
		far, mic := make([]int16, rate/100), make([]int16, rate/100)
		for range 300 {
			clear(mic)
			c.ProcessFarEnd(far)
			c.ProcessCapture(mic)
			for i, v := range mic {
				if v != 0 {
					t.Fatalf("rate %d: sample %d is %d", rate, i, v)
				}
			}
		}
	}
}

func TestCancelsAtEveryRate(t *testing.T) {
	for _, rate := range []int{8000, 16000, 32000, 44100, 48000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			c := mustNew(t, Config{RateHz: rate})
			r := newRoom(2, rate, 50*time.Millisecond, 0.5)
			in, out := run(t, c, func(int) *room { return r }, 5, nil)
			if erle := db(in[4]) - db(out[4]); erle < 30 {
				t.Errorf("ERLE %.1f dB in the fifth second, want 30", erle)
			}
		})
	}
}

func TestFindsDelays(t *testing.T) {
	for _, ms := range []int{0, 120, 300, 470} {
		t.Run(fmt.Sprint(ms), func(t *testing.T) {
			t.Parallel()
			c := mustNew(t, Config{RateHz: 16000})
			r := newRoom(3, 16000, time.Duration(ms)*time.Millisecond, 0.5)
			in, out := run(t, c, func(int) *room { return r }, 4, nil)
			if erle := db(in[3]) - db(out[3]); erle < 25 {
				t.Errorf("ERLE %.1f dB in the fourth second, want 25", erle)
			}
			if got := c.Stats().Delay; got > time.Duration(ms+1)*time.Millisecond || got < time.Duration(ms-1)*time.Millisecond {
				t.Errorf("delay %v, want %d ms", got, ms)
			}
		})
	}
}

func TestFollowsPathChanges(t *testing.T) {
	c := mustNew(t, Config{RateHz: 16000})
	a, b := newRoom(3, 16000, 40*time.Millisecond, 0.5), newRoom(4, 16000, 160*time.Millisecond, 0.8)
	in, out := run(t, c, func(s int) *room {
		if s < 4 {
			return a
		}
		return b
	}, 8, nil)
	if erle := db(in[7]) - db(out[7]); erle < 25 {
		t.Errorf("ERLE %.1f dB in the fourth second after the change, want 25", erle)
	}
}

// TestNearIsLeftAlone compares near speech alone with the output, late by
// Delay, in the band that the high-pass leaves.
func TestNearIsLeftAlone(t *testing.T) {
	for _, rate := range []int{8000, 16000, 44100, 48000} {
		c := mustNew(t, Config{RateHz: rate})
		n := rate / 100
		late := int((c.Delay()*time.Duration(rate) + time.Second/2) / time.Second)
		voice := rand.New(rand.NewPCG(2, 2))
		var in, out []float64
		far, mic := make([]int16, n), make([]int16, n)
		phase := 0.0
		for range 200 {
			for i := range mic {
				phase += (1000 + 50*voice.Float64()) / float64(rate)
				mic[i] = int16(6000 * math.Sin(2*math.Pi*phase))
				in = append(in, float64(mic[i]))
			}
			c.ProcessFarEnd(far)
			c.ProcessCapture(mic)
			for _, v := range mic {
				out = append(out, float64(v))
			}
		}
		var signal, diff float64
		for i := len(out) / 2; i < len(out); i++ {
			signal += in[i-late] * in[i-late]
			d := out[i] - in[i-late]
			diff += d * d
		}
		// The high-pass turns the phase by 2·2.3 degrees at 1 kHz: -22 dB.
		if snr := db(signal) - db(diff); snr < 20 {
			t.Errorf("rate %d: near end differs by %.1f dB below itself, want 20", rate, snr)
		}
	}
}

func TestDoubleTalkKeepsNear(t *testing.T) {
	c := mustNew(t, Config{RateHz: 16000})
	r := newRoom(3, 16000, 40*time.Millisecond, 0.5)
	near := newTalker(77, 16000)
	var power [10]float64
	in, out := run(t, c, func(int) *room { return r }, 10, func(s int, mic []int16) {
		if s < 5 {
			return
		}
		near.frame(mic, 6000)
		for _, v := range mic {
			power[s] += float64(v) * float64(v) / 16000
		}
	})
	_ = in
	for s := 6; s < 10; s++ {
		if d := db(out[s]) - db(power[s]); d < -3 || d > 3 {
			t.Errorf("second %d: near end comes out with %+.1f dB", s, d)
		}
	}
}

// TestNeverDiverges runs the canceller over silence, noise, speech, clipping
// and jumps at random. The output may never be louder than the microphone by
// more than the last change explains, and must cancel again afterwards.
func TestNeverDiverges(t *testing.T) {
	frames := 3000
	if testing.Short() {
		frames = 600
	}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 3))
		c := mustNew(t, Config{RateHz: 16000})
		far, mic := make([]int16, hop), make([]int16, hop)
		kindFar, kindMic := 0, 0
		fill := func(kind int, x []int16) {
			for i := range x {
				switch kind {
				case 0:
					x[i] = 0
				case 1:
					x[i] = int16(r.IntN(65536) - 32768)
				case 2:
					x[i] = int16(32767 * (1 - 2*r.IntN(2)))
				case 3:
					x[i] = int16(r.IntN(5) - 2)
				case 4:
					x[i] = -32768
				case 5:
					x[i] = far[i] / 2
				case 6:
					x[i] = int16(20000 * math.Sin(float64(i)*0.3))
				}
			}
		}
		var in, out float64
		for f := range frames {
			if r.IntN(30) == 0 {
				kindFar, kindMic = r.IntN(7), r.IntN(7)
			}
			fill(kindFar, far)
			fill(kindMic, mic)
			for _, v := range mic {
				in += float64(v) * float64(v)
			}
			c.ProcessFarEnd(far)
			c.ProcessCapture(mic)
			for _, v := range mic {
				out += float64(v) * float64(v)
			}
			if f%200 == 199 {
				if db(out) > db(in)+3 && out > 1e8 {
					t.Fatalf("seed %d: %.1f dB louder than the microphone before frame %d", seed, db(out)-db(in), f)
				}
				in, out = 0, 0
			}
		}
		room := newRoom(3, 16000, 40*time.Millisecond, 0.5)
		pin, pout := run(t, c, newRooms(room), 8, nil)
		if erle := db(pin[7]) - db(pout[7]); erle < 15 {
			t.Errorf("seed %d: ERLE %.1f dB in the eighth second afterwards, want 15", seed, erle)
		}
	}
}

func newRooms(r *room) func(int) *room { return func(int) *room { return r } }

func TestNoAllocations(t *testing.T) {
	for _, rate := range []int{16000, 48000} {
		c := mustNew(t, Config{RateHz: rate})
		far, mic := make([]int16, rate/100), make([]int16, rate/100)
		voice := newTalker(1, rate)
		if n := testing.AllocsPerRun(50, func() {
			voice.frame(far, 8000)
			copy(mic, far)
			c.ProcessFarEnd(far)
			c.ProcessCapture(mic)
			_ = c.Stats()
		}); n != 0 {
			t.Errorf("rate %d: %v allocations per frame", rate, n)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, rate := range []int{16000, 48000} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			c := mustNew(b, Config{RateHz: rate})
			far, mic := make([]int16, rate/100), make([]int16, rate/100)
			voice := newTalker(1, rate)
			for b.Loop() {
				b.StopTimer()
				voice.frame(far, 8000)
				copy(mic, far)
				b.StartTimer()
				c.ProcessFarEnd(far)
				c.ProcessCapture(mic)
			}
		})
	}
}
