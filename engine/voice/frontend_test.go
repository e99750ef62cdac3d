package voice

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// call is a room with a speaker and a microphone in virtual time: what the
// speaker plays comes back after delay, gain down, with a decaying tail.
type call struct {
	r     *rand.Rand
	at    time.Time
	tail  []float64
	past  []float64
	low   float64
	level float64
	n     int
}

func newCall(delay time.Duration) *call {
	c := &call{r: rand.New(rand.NewPCG(3, 4)), at: time.Unix(1000, 0)}
	d := samplesOf(delay)
	c.tail = make([]float64, d+2400)
	for i := d; i < len(c.tail); i += 29 {
		c.tail[i] = 0.15 * c.r.NormFloat64() * math.Exp(-float64(i-d)/400)
	}
	c.tail[d] += 0.35
	c.past = make([]float64, len(c.tail)+media.BlockSamples)
	return c
}

// speech fills a block with noise that has syllables.
func (c *call) speech(b *media.Block) {
	for i := range b.Samples {
		if c.n%9600 == 0 {
			c.level = c.r.Float64() * c.r.Float64()
		}
		c.n++
		c.low += (c.r.NormFloat64() - c.low) * 0.15
		b.Samples[i] = int16(max(min(c.level*c.low*18000, 32767), -32768))
	}
}

// echo returns what the microphone hears of a block that is played now.
func (c *call) echo(far, mic *media.Block) (power float64) {
	n := len(c.tail)
	copy(c.past, c.past[media.BlockSamples:])
	for i, v := range far.Samples {
		c.past[n+i] = float64(v)
	}
	for i := range mic.Samples {
		s := 2 * c.r.NormFloat64()
		for k, h := range c.tail {
			if h != 0 {
				s += h * c.past[n+i-k]
			}
		}
		mic.Samples[i] = int16(s)
		power += s * s
	}
	return power
}

func power(b *media.Block) (p float64) {
	for _, v := range b.Samples {
		p += float64(v) * float64(v)
	}
	return p
}

// TestEchoIsCancelled plays speech into a room; blocks are handed over three
// ahead of the speaker's converter, as drivers do.
func TestEchoIsCancelled(t *testing.T) {
	for _, rate := range []int{16000, 48000} {
		cfg := Defaults()
		cfg.RateHz, cfg.GainControl, cfg.NoiseReduction = rate, false, false
		f, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c := newCall(12 * time.Millisecond)
		var queue [3]media.Block
		var mic media.Block
		var in, out float64
		for i := range 700 {
			at := c.at.Add(time.Duration(i) * media.BlockDuration)
			playing := queue[0]
			copy(queue[:], queue[1:])
			if i < 650 {
				c.speech(&queue[2])
			}
			f.FarEnd.Played(&queue[2], at.Add(2*media.BlockDuration))
			p := c.echo(&playing, &mic)
			mic.CapturedAt = at
			if _, err := f.Capture(&mic); err != nil {
				t.Fatal(err)
			}
			if want := at.Add(-f.Delay()); mic.CapturedAt != want {
				t.Fatalf("the block is of %v, want %v", mic.CapturedAt, want)
			}
			if i >= 400 {
				in, out = in+p, out+power(&mic)
			}
		}
		erle := 10 * math.Log10(in/out)
		t.Logf("%d Hz: ERLE %.1f dB after 4 s, delay %v", rate, erle, f.Delay())
		if erle < 25 {
			t.Errorf("%d Hz: the echo is %.1f dB down, want 25", rate, erle)
		}
		s := f.Stats()
		if s.Echo == nil || !s.Echo.Locked || s.Echo.ERLEcB < 200 || s.FarEnd.Blocks != 700 || s.Gain != nil || s.Noise != nil {
			t.Errorf("statistics %+v", s)
		}
	}
}

// TestSpeakerMissing: without a far end the microphone passes.
func TestSpeakerMissing(t *testing.T) {
	f, err := New(Defaults())
	if err != nil {
		t.Fatal(err)
	}
	c := newCall(0)
	var b media.Block
	heard, spoke, out := 0.0, 0, 0.0
	for i := range 500 {
		c.speech(&b)
		heard += power(&b)
		b.CapturedAt = c.at.Add(time.Duration(i) * media.BlockDuration)
		speech, err := f.Capture(&b)
		if err != nil {
			t.Fatal(err)
		}
		if speech {
			spoke++
		}
		out += power(&b)
	}
	if spoke < 250 {
		t.Errorf("only %d of 500 blocks count as speech", spoke)
	}
	if out < heard/30 {
		t.Errorf("the voice is %.1f dB down", 10*math.Log10(heard/out))
	}
}

// TestStagesSwitch compares the chain without stages with its input.
func TestStagesSwitch(t *testing.T) {
	f, err := New(Config{RateHz: 48000})
	if err != nil {
		t.Fatal(err)
	}
	c := newCall(0)
	var b, was media.Block
	for range 20 {
		c.speech(&b)
		was = b
		if _, err := f.Capture(&b); err != nil {
			t.Fatal(err)
		}
		if b.Samples != was.Samples {
			t.Fatal("a chain without stages changes the signal")
		}
	}
	s := f.Stats()
	if f.Delay() != 0 || s.Echo != nil || s.Noise != nil || s.Gain != nil {
		t.Errorf("delay %v, statistics %+v", f.Delay(), s)
	}
}

func TestConfigErrors(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"rate":      func(c *Config) { c.RateHz = 44100 },
		"high-pass": func(c *Config) { c.HighPassHz = 5 },
		"tail":      func(c *Config) { c.EchoTail = time.Second },
		"strength":  func(c *Config) { c.Strength = 9 },
		"target":    func(c *Config) { c.TargetDBFS = 3 },
		"gain":      func(c *Config) { c.MaxGainDB = 99 },
	} {
		c := Defaults()
		change(&c)
		if err := c.Validate(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCaptureAllocatesNothing(t *testing.T) {
	for _, rate := range []int{16000, 32000, 48000} {
		cfg := Defaults()
		cfg.RateHz = rate
		f, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c := newCall(0)
		var far, mic media.Block
		at := c.at
		step := func() {
			c.speech(&far)
			c.speech(&mic)
			f.FarEnd.Played(&far, at.Add(20*time.Millisecond))
			mic.CapturedAt = at
			if _, err := f.Capture(&mic); err != nil {
				t.Fatal(err)
			}
			at = at.Add(media.BlockDuration)
		}
		for range 20 {
			step()
		}
		if n := testing.AllocsPerRun(100, step); n != 0 {
			t.Errorf("%d Hz: %v allocations per block", rate, n)
		}
	}
}

func BenchmarkCapture(b *testing.B) {
	for _, rate := range []int{16000, 48000} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			cfg := Defaults()
			cfg.RateHz = rate
			f, err := New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			c := newCall(0)
			var far, mic media.Block
			at := c.at
			for b.Loop() {
				c.speech(&far)
				f.FarEnd.Played(&far, at.Add(20*time.Millisecond))
				mic.Samples, mic.CapturedAt = far.Samples, at
				if _, err := f.Capture(&mic); err != nil {
					b.Fatal(err)
				}
				at = at.Add(media.BlockDuration)
			}
		})
	}
}
