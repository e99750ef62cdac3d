package node

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/opus"
	"github.com/edgecam/edgecam/hal/sim"
)

// caller makes a voice: buzz and noise in syllables, in packets of 20 ms.
type caller struct {
	t                 *testing.T
	enc               *opus.Encoder
	r                 *rand.Rand
	n                 int
	level, pitch      float64
	steady            bool    // no pauses
	mark              float64 // a tone in the voice by which it is known, 0: none
	phase, low, voice float64
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	enc, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return &caller{t: t, enc: enc, r: rand.New(rand.NewPCG(5, 6))}
}

// block fills a block with the next 10 ms of the voice.
func (c *caller) block(b *media.Block) {
	for i := range b.Samples {
		if c.n%9000 == 0 {
			c.level, c.pitch, c.voice = math.Sqrt(c.r.Float64()), 100+90*c.r.Float64(), c.r.Float64()
			switch {
			case c.steady:
				c.level = max(c.level, 0.5)
			case c.r.IntN(6) == 0:
				c.level = 0
			}
		}
		c.n++
		c.phase += c.pitch / media.EngineRateHz
		c.phase -= math.Floor(c.phase)
		c.low += (c.r.NormFloat64() - c.low) * 0.2
		v := c.voice*(math.Exp(-9*c.phase)-0.11) + (1-c.voice)*0.5*c.low
		if c.mark > 0 {
			v += 0.4 * math.Sin(2*math.Pi*c.mark*float64(c.n)/media.EngineRateHz)
		}
		b.Samples[i] = int16(max(min(9000*c.level*v, 32767), -32768))
	}
}

func (c *caller) packet() []byte {
	for {
		var b media.Block
		c.block(&b)
		p, ok, err := c.enc.Encode(&b)
		if err != nil {
			c.t.Error(err)
			return nil
		}
		if ok {
			return append([]byte(nil), p.Data...)
		}
	}
}

func levelDBFS(x []int16) float64 {
	sum := 1e-3
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return 10 * math.Log10(sum/float64(len(x)+1)/(32768*32768))
}

// toneDBFS is the level of the sine of hz (Goertzel's algorithm).
func toneDBFS(x []int16, hz float64) float64 {
	k := 2 * math.Cos(2*math.Pi*hz/media.EngineRateHz)
	s1, s2 := 0.0, 0.0
	for _, v := range x {
		s1, s2 = float64(v)+k*s1-s2, s1
	}
	n := float64(len(x) + 1)
	return 10 * math.Log10((s1*s1+s2*s2-k*s1*s2)*2/(n*n)/(32768*32768)+1e-12)
}

// nearHz is the tone at the node's own microphone.
const nearHz = 1700

// echoCall lets a viewer talk to a node in a room with an echo, and returns what
// the viewer hears: its own voice, then with a tone at the node's microphone.
func echoCall(t *testing.T, room sim.SoundOptions, cancel bool, settle time.Duration) (echoDB, nearDB float64) {
	t.Helper()
	b := start(t, func(cfg *engine.Config, b *bench) {
		// A machine that is busy with other tests must not make the speaker run dry.
		room.SpeakerBuffer = 200 * time.Millisecond
		room.MuteVoice, room.ToneHz, room.NoiseLevelDBFS = true, nearHz, -70
		b.sound = sim.NewSoundDriver(room)
		cfg.Voice.FrontEnd.EchoCancellation = cancel
		cfg.Voice.FrontEnd.GainControl = false
	})
	v := join(t, b.url)
	v.watches("picture", 3, 20*time.Second)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	voice := newCaller(t)
	go func() { defer close(done); v.speak(ctx, voice.packet) }()
	defer func() { stop(); <-done }()
	eventually(t, 20*time.Second, "the speaker plays", func() bool { return b.sound.PlayedLevel(200*time.Millisecond) > -40 })
	time.Sleep(settle)
	// Where the machine cannot keep the devices going, the call is disturbed: it
	// is listened to again.
	for range 3 {
		lost := b.sound.Underruns() + b.sound.Overruns()
		echoDB = levelDBFS(v.hear(4 * time.Second))
		if lost == b.sound.Underruns()+b.sound.Overruns() {
			break
		}
	}
	b.sound.SetVoice(true)
	nearDB = toneDBFS(v.hear(3*time.Second), nearHz)
	stats := b.engine.VoiceStats()
	t.Logf("cancel %v: own voice comes back with %.1f dBFS, near tone %.1f dBFS; played %.1f dBFS; underruns %d, overruns %d",
		cancel, echoDB, nearDB, b.sound.PlayedLevel(3*time.Second), b.sound.Underruns(), b.sound.Overruns())
	if stats.Echo != nil {
		t.Logf("statistics %+v, far end %+v", *stats.Echo, *stats.FarEnd)
	}
	return echoDB, nearDB
}

// TestEchoDoesNotComeBack holds a call through a room: the viewer must not hear
// itself, and must hear who is at the door, while both talk.
func TestEchoDoesNotComeBack(t *testing.T) {
	if testing.Short() {
		t.Skip("talks for half a minute")
	}
	plain := sim.SoundOptions{EchoGainDB: -6}
	var echo, near float64
	t.Run("without cancellation", func(t *testing.T) { echo, near = echoCall(t, plain, false, time.Second) })
	for _, c := range []struct {
		name   string
		room   sim.SoundOptions
		down   float64
		settle time.Duration
	}{
		{"plain", plain, 40, 4 * time.Second},
		{"distorting loudspeaker, 120 ms late", sim.SoundOptions{EchoGainDB: -6, ClipDBFS: -6, EchoDelay: 120 * time.Millisecond}, 20, 4 * time.Second},
		{"speaker's clock 100 ppm fast", sim.SoundOptions{EchoGainDB: -6, SpeakerDriftPPM: 100}, 35, 4 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			back, heard := echoCall(t, c.room, true, c.settle)
			t.Logf("the echo is %.1f dB down, the near tone %.1f dB", echo-back, near-heard)
			if echo-back < c.down {
				t.Errorf("the viewer's voice comes back only %.1f dB down, want %.0f", echo-back, c.down)
			}
			if near-heard > 6 {
				t.Errorf("the near end is %.1f dB down", near-heard)
			}
		})
	}
}
