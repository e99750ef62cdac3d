package voice

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// twoCards is a speaker and a microphone on clocks of their own in one room, in
// virtual time: what the far end plays is heard by the microphone as its own
// clock samples it.
type twoCards struct {
	t       *testing.T
	front   *FrontEnd
	r       *rand.Rand
	ppm     float64 // by how much the speaker's clock is fast
	jitter  time.Duration
	taps    []echoTap
	clip    float64
	hiss    float64
	played  []float64 // by the speaker's sample count
	written int64
	mic     int64 // blocks read
	caller
}

type echoTap struct {
	late float64 // samples
	gain float64
}

// caller makes a voice: buzz and noise in syllables.
type caller struct {
	n                               int
	level, pitch, voice, phase, low float64
}

func (c *caller) next(r *rand.Rand) float64 {
	if c.n%9000 == 0 {
		c.level, c.pitch, c.voice = math.Sqrt(r.Float64()), 100+90*r.Float64(), r.Float64()
		if r.IntN(6) == 0 {
			c.level = 0
		}
	}
	c.n++
	c.phase += c.pitch / media.EngineRateHz
	c.phase -= math.Floor(c.phase)
	c.low += (r.NormFloat64() - c.low) * 0.2
	return 9000 * c.level * (c.voice*(math.Exp(-9*c.phase)-0.11) + (1-c.voice)*0.5*c.low)
}

func newTwoCards(t *testing.T, rateHz int, delay time.Duration, ppm float64) *twoCards {
	t.Helper()
	cfg := Defaults()
	cfg.RateHz, cfg.GainControl, cfg.NoiseReduction = rateHz, false, false
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := &twoCards{t: t, front: f, r: rand.New(rand.NewPCG(5, 6)), ppm: ppm, hiss: 10}
	d := float64(samplesOf(delay))
	c.taps = append(c.taps, echoTap{d, 0.5})
	for i := range 60 {
		late := float64(60+c.r.IntN(200)+i*110) + c.r.Float64()
		c.taps = append(c.taps, echoTap{d + late, 0.08 * c.r.NormFloat64() * math.Exp(-late/1700)})
	}
	return c
}

// at returns the speaker's signal between samples (third order).
func (c *twoCards) at(pos float64) float64 {
	p := int(math.Floor(pos))
	if p < 1 || p+2 >= len(c.played) {
		return 0
	}
	x := pos - float64(p)
	s := c.played[p-1 : p+3]
	return -s[0]*x*(x-1)*(x-2)/6 + s[1]*(x+1)*(x-1)*(x-2)/2 - s[2]*(x+1)*x*(x-2)/2 + s[3]*(x+1)*x*(x-1)/6
}

// run lets seconds pass and returns the powers of microphone and output.
func (c *twoCards) run(seconds float64) (in, out float64) {
	rate := media.EngineRateHz * (1 + c.ppm/1e6)
	start := time.Unix(1000, 0)
	end := c.mic + int64(seconds*100)
	emitted := make([]float64, 0, 8192)
	for ; c.mic < end; c.mic++ {
		micAt := float64(c.mic*media.BlockSamples) / media.EngineRateHz
		// The speaker takes blocks up to 40 ms ahead.
		for float64(c.written)/rate < micAt+0.040 {
			var b media.Block
			for i := range b.Samples {
				b.Samples[i] = int16(max(min(c.next(c.r), 32767), -32768))
				v := float64(b.Samples[i])
				if c.clip > 0 {
					v /= 1 + math.Abs(v)/c.clip
				}
				c.played = append(c.played, v)
			}
			heard := start.Add(time.Duration(float64(c.written) / rate * 1e9)).Add(c.wobble())
			c.front.FarEnd.Played(&b, heard)
			c.written += media.BlockSamples
		}
		ratio := rate / media.EngineRateHz
		first := float64(c.mic*media.BlockSamples) * ratio
		longest := int(c.taps[len(c.taps)-1].late) + 2
		for _, tap := range c.taps {
			longest = max(longest, int(tap.late)+2)
		}
		emitted = emitted[:0]
		for i := -longest; i < media.BlockSamples; i++ {
			emitted = append(emitted, c.at(first+float64(i)*ratio))
		}
		var b media.Block
		for i := range b.Samples {
			v := c.hiss * c.r.NormFloat64()
			for _, tap := range c.taps {
				v += tap.gain * emitted[longest+i-int(tap.late)]
			}
			b.Samples[i] = int16(max(min(v, 32767), -32768))
		}
		in += power(&b)
		b.CapturedAt = start.Add(time.Duration(micAt * 1e9)).Add(c.wobble())
		if _, err := c.front.Capture(&b); err != nil {
			c.t.Fatal(err)
		}
		out += power(&b)
	}
	return in, out
}

func (c *twoCards) wobble() time.Duration { return time.Duration(c.r.Int64N(int64(c.jitter) + 1)) }

// TestDriftingCards lets speaker and microphone drift apart, long enough in two
// cases that the far end is put back: the echo must stay away.
func TestDriftingCards(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, c := range []struct {
		rate    int
		delay   time.Duration
		ppm     float64
		jitter  time.Duration
		seconds int
		back    int64 // how often the far end is put back
	}{
		{48000, 8 * time.Millisecond, 0, 0, 8, 0},
		{48000, 8 * time.Millisecond, 100, 0, 10, 0},
		{48000, 8 * time.Millisecond, -100, 0, 10, 0},
		{48000, 8 * time.Millisecond, 300, 2 * time.Millisecond, 45, 1},
		{16000, 120 * time.Millisecond, -300, 2 * time.Millisecond, 45, 1},
		{48000, 350 * time.Millisecond, 100, 0, 12, 0},
		{16000, 460 * time.Millisecond, -100, 0, 12, 0},
	} {
		t.Run(fmt.Sprintf("%d Hz, %v, %+v ppm", c.rate, c.delay, c.ppm), func(t *testing.T) {
			t.Parallel()
			cards := newTwoCards(t, c.rate, c.delay, c.ppm)
			cards.jitter = c.jitter
			worst, learnt := math.Inf(1), int64(0)
			for s := range c.seconds {
				in, out := cards.run(1)
				erle := 10 * math.Log10(in/out)
				if s >= 6 {
					worst = min(worst, erle)
				} else {
					st := cards.front.Stats().Echo
					learnt = st.PathChanges + st.Divergences
				}
			}
			st := cards.front.Stats()
			t.Logf("worst second %.1f dB; %+v %+v", worst, *st.Echo, *st.FarEnd)
			if worst < 30 {
				t.Errorf("the echo is %.1f dB down in the worst second after the sixth, want 30", worst)
			}
			if d := float64(st.Echo.DriftPPM) - c.ppm; d < -5 || d > 5 {
				t.Errorf("drift %d ppm, is %v", st.Echo.DriftPPM, c.ppm)
			}
			if st.Echo.PathChanges+st.Echo.Divergences > learnt || st.FarEnd.Realigned != c.back {
				t.Errorf("%d path changes, %d divergences, far end put back %d times, want %d", st.Echo.PathChanges, st.Echo.Divergences, st.FarEnd.Realigned, c.back)
			}
		})
	}
}
