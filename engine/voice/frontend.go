package voice

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/aec"
	"github.com/edgecam/edgecam/engine/voice/agc"
	"github.com/edgecam/edgecam/engine/voice/ns"
	"github.com/edgecam/edgecam/engine/voice/resample"
	"github.com/edgecam/edgecam/engine/voice/vad"
)

// ErrConfig is wrapped by the errors of New and of Config.Validate.
var ErrConfig = errors.New("voice: configuration")

// Config sets a FrontEnd up. Start from Defaults: the zero value has every
// stage switched off.
type Config struct {
	// RateHz is the rate at which the stages work: 16000, 32000 or 48000. At
	// 16000 the voice ends at 6.8 kHz, for a third of the work.
	RateHz int
	// HighPassHz is the -3 dB point of the high-pass, 20 to 400; 0 leaves it out.
	HighPassHz int
	// EchoCancellation takes the speaker's sound out of the microphone's;
	// EchoTail is the length of the echo, 20 to 256 ms.
	EchoCancellation bool
	EchoTail         time.Duration
	// NoiseReduction turns steady noise down, as far as Strength says.
	NoiseReduction bool
	Strength       ns.Strength
	// GainControl brings speech to TargetDBFS, -40 to -6, with a gain of at most
	// MaxGainDB, 1 to 36.
	GainControl bool
	TargetDBFS  int
	MaxGainDB   int
}

// Defaults returns the configuration of a door station: every stage on.
func Defaults() Config {
	return Config{
		RateHz: 48000, HighPassHz: 80,
		EchoCancellation: true, EchoTail: 256 * time.Millisecond,
		NoiseReduction: true, Strength: ns.Mid,
		GainControl: true, TargetDBFS: -22, MaxGainDB: 24,
	}
}

// FrontEnd processes a microphone's signal. Capture and Restart are for one
// goroutine; FarEnd's methods and Stats may be called from others.
type FrontEnd struct {
	// FarEnd is told what the speaker plays.
	FarEnd FarEnd

	rate             int
	down, farDown    *resample.Resampler // nil at 48 kHz, as is up
	up               *resample.Resampler
	highPass         *resample.HighPass
	echo             *aec.Canceller
	noise            *ns.Suppressor
	activity         *vad.Detector
	gain             *agc.Control
	delay            time.Duration
	far, farMore     media.Block
	micPart, farPart []int16 // 10 ms at the processing rate

	mu    sync.Mutex
	stats Stats
	tick  int
}

// New makes a FrontEnd. The errors wrap ErrConfig and say which setting is out
// of range.
func New(c Config) (*FrontEnd, error) {
	if c.RateHz != 16000 && c.RateHz != 32000 && c.RateHz != media.EngineRateHz {
		return nil, fmt.Errorf("%w: processing rate %d Hz, must be 16000, 32000 or 48000", ErrConfig, c.RateHz)
	}
	f := &FrontEnd{rate: c.RateHz}
	var err error
	make1 := func(what string, makeStage func() error) {
		if err != nil {
			return
		}
		if e := makeStage(); e != nil {
			err = fmt.Errorf("%w: %s: %w", ErrConfig, what, e)
		}
	}
	if c.RateHz != media.EngineRateHz {
		make1("resampler", func() (e error) { f.down, e = resample.New(media.EngineRateHz, c.RateHz); return })
		make1("resampler", func() (e error) { f.farDown, e = resample.New(media.EngineRateHz, c.RateHz); return })
		make1("resampler", func() (e error) { f.up, e = resample.New(c.RateHz, media.EngineRateHz); return })
	}
	if c.HighPassHz != 0 {
		make1("high-pass", func() (e error) { f.highPass, e = resample.NewHighPass(c.RateHz, c.HighPassHz); return })
	}
	if c.EchoCancellation {
		make1("echo cancellation", func() (e error) { f.echo, e = aec.New(aec.Config{RateHz: c.RateHz, Tail: c.EchoTail}); return })
	}
	if c.NoiseReduction {
		make1("noise reduction", func() (e error) { f.noise, e = ns.New(ns.Config{RateHz: c.RateHz, Strength: c.Strength}); return })
	}
	make1("voice activity", func() (e error) { f.activity, e = vad.New(vad.Config{RateHz: c.RateHz}); return })
	if c.GainControl {
		make1("gain control", func() (e error) {
			f.gain, e = agc.New(agc.Config{RateHz: c.RateHz, TargetDBFS: c.TargetDBFS, MaxGainDB: c.MaxGainDB})
			return
		})
	}
	if err != nil {
		return nil, err
	}
	// Resamplers give one sample more than the frame at most.
	f.micPart, f.farPart = make([]int16, c.RateHz/100+1), make([]int16, c.RateHz/100+1)
	f.delay = f.sumDelays()
	f.snapshot()
	return f, nil
}

// Validate reports what New would refuse.
func (c Config) Validate() error {
	_, err := New(c)
	return err
}

func (f *FrontEnd) sumDelays() time.Duration {
	var d time.Duration
	at := func(samples, rateHz int) time.Duration {
		return time.Duration(samples) * time.Second / time.Duration(rateHz)
	}
	if f.down != nil {
		d += at(f.down.Delay(), f.rate) + at(f.up.Delay(), media.EngineRateHz)
	}
	if f.echo != nil {
		d += f.echo.Delay()
	}
	if f.noise != nil {
		d += at(f.noise.Delay(), f.rate)
	}
	if f.gain != nil {
		d += at(f.gain.Delay(), f.rate)
	}
	return d
}

// Delay returns by how much the stages make the signal late.
func (f *FrontEnd) Delay() time.Duration { return f.delay }

// Restart is to be called when the microphone was opened anew. What the stages
// have learnt is kept.
func (f *FrontEnd) Restart() { f.FarEnd.restart() }

// Capture takes the next block of the microphone and replaces it by what goes
// to the encoder; b.CapturedAt becomes the time of what is in it. It reports
// whether somebody speaks at the microphone.
func (f *FrontEnd) Capture(b *media.Block) (speech bool, err error) {
	if f.echo != nil {
		f.farEnd(b.CapturedAt)
	}
	b.CapturedAt = b.CapturedAt.Add(-f.delay)
	if f.rate == media.EngineRateHz {
		return f.process(b.Samples[:])
	}
	n := f.rate / 100
	f.down.Process(f.micPart, b.Samples[:])
	speech, err = f.process(f.micPart[:n])
	f.up.Process(b.Samples[:], f.micPart[:n])
	return speech, err
}

// farEnd gives the canceller what belongs to a block that was captured then.
func (f *FrontEnd) farEnd(capturedAt time.Time) {
	news := f.FarEnd.take(&f.far, &f.farMore, capturedAt)
	if news.begun {
		f.echo.Realign(news.lead - leastLead)
	}
	if news.later > 0 {
		f.echo.Later(news.later)
	}
	if news.none {
		f.echo.ProcessNoFarEnd()
		return
	}
	if news.more {
		f.echo.ProcessMoreFarEnd(f.farAtRate(&f.farMore))
	}
	f.echo.ProcessFarEnd(f.farAtRate(&f.far))
}

// farAtRate returns a block of the far end at the processing rate.
func (f *FrontEnd) farAtRate(b *media.Block) []int16 {
	if f.farDown == nil {
		return b.Samples[:]
	}
	f.farDown.Process(f.farPart, b.Samples[:])
	return f.farPart[:f.rate/100]
}

// LevelDBov returns the level of the last block before the gain control, -127 to
// 0 dB of a full-scale square wave. It is for the goroutine that captures.
func (f *FrontEnd) LevelDBov() int { return f.activity.Stats().LevelDBov }

// SpeechLevelDBFS returns the level of speech as the gain control measured it,
// -127 before any or without gain control. It is for the goroutine that captures.
func (f *FrontEnd) SpeechLevelDBFS() int {
	if f.gain == nil {
		return -127
	}
	return f.gain.Stats().LevelDBFS
}

// process runs the stages over 10 ms at the processing rate.
func (f *FrontEnd) process(mic []int16) (speech bool, err error) {
	if f.highPass != nil {
		f.highPass.Process(mic)
	}
	if f.echo != nil {
		f.echo.ProcessCapture(mic)
	}
	if f.noise != nil {
		if err := f.noise.Process(mic); err != nil {
			return false, err
		}
	}
	if speech, err = f.activity.Process(mic); err != nil {
		return false, err
	}
	if f.gain != nil {
		if err := f.gain.ProcessGated(mic, speech); err != nil {
			return speech, err
		}
	}
	if f.tick++; f.tick >= statsBlocks {
		f.snapshot()
	}
	return speech, nil
}
