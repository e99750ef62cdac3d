package agc

import (
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/engine/fixed"
)

// ErrConfig is wrapped by the errors of New.
var ErrConfig = errors.New("agc: configuration")

// Config configures a Control.
type Config struct {
	// RateHz is 8000, 16000, 32000 or 48000; 0 stands for 16000.
	RateHz int
	// TargetDBFS is the level to reach, -40 to -6; 0 stands for -22.
	TargetDBFS int
	// MaxGainDB is the most that speech is turned up, 1 to 36; 0 stands for 24.
	// It is turned down by at most as much.
	MaxGainDB int
}

// Control is the level control of one signal. It is for one goroutine.
type Control struct {
	frame   int
	target  int32 // log2 of the wanted power (Q12), Q10
	most    int32 // log2 of the largest power gain, Q10
	level   level
	floor   floor
	gain    int32 // log2 of the power gain now, Q10
	gainQ16 int32 // amplitude gain at the end of the last frame
	idle    int   // frames since the last speech
	quiet   int64
	speech  int64
	limiter limiter
	scaled  []int32
	out     []int16
}

// Rates of change per frame of 10 ms, log2 of power in Q10.
const (
	upStep   = 36 * decibel / 100 // 36 dB a second
	downStep = 60 * decibel / 100 // 60 dB a second
	idleStep = 2 * decibel / 100  // 2 dB a second
	// idleAfter is the silence after which a raised gain is taken back: 10 s.
	idleAfter = 1000
	// loudestNoise is the level above which background is never raised: -40 dBFS.
	loudestNoise = 42<<10 - 40*decibel
	// capStep brings a gain down that does: 20 dB a second.
	capStep = 20 * decibel / 100
)

// New returns a Control with a gain of 0 dB.
func New(c Config) (*Control, error) {
	if c.RateHz == 0 {
		c.RateHz = 16000
	}
	if c.TargetDBFS == 0 {
		c.TargetDBFS = -22
	}
	if c.MaxGainDB == 0 {
		c.MaxGainDB = 24
	}
	switch {
	case c.RateHz != 8000 && c.RateHz != 16000 && c.RateHz != 32000 && c.RateHz != 48000:
		return nil, fmt.Errorf("%w: rate %d Hz, must be 8000, 16000, 32000 or 48000: resample first", ErrConfig, c.RateHz)
	case c.TargetDBFS < -40 || c.TargetDBFS > -6:
		return nil, fmt.Errorf("%w: target %d dBFS, must be -40 to -6", ErrConfig, c.TargetDBFS)
	case c.MaxGainDB < 1 || c.MaxGainDB > 36:
		return nil, fmt.Errorf("%w: gain of at most %d dB, must be 1 to 36", ErrConfig, c.MaxGainDB)
	}
	a := &Control{
		frame: c.RateHz / 100, gainQ16: 1 << 16,
		target: 42<<10 + int32(c.TargetDBFS)*decibel, // full scale is 2^30, in Q12
		most:   int32(c.MaxGainDB) * decibel,
		scaled: make([]int32, c.RateHz/100), out: make([]int16, c.RateHz/100),
	}
	a.limiter.init(a.frame / 2)
	a.floor.init()
	return a, nil
}

// FrameSamples returns the number of samples of a frame of 10 ms.
func (a *Control) FrameSamples() int { return a.frame }

// Delay returns the delay of the output against the input in samples: 5 ms.
func (a *Control) Delay() int { return a.frame / 2 }

// Process controls the level of frame, FrameSamples samples, in place. It tells
// speech from noise by how far the frame stands above the background.
func (a *Control) Process(frame []int16) error { return a.process(frame, true) }

// ProcessGated is Process for callers that know, as from a detector of voice
// activity, whether frame holds speech. Where speech is false the level is not
// measured.
func (a *Control) ProcessGated(frame []int16, speech bool) error { return a.process(frame, speech) }

func (a *Control) process(frame []int16, speech bool) error {
	if len(frame) != a.frame {
		return fmt.Errorf("agc: frame of %d samples, must be %d (10 ms)", len(frame), a.frame)
	}
	var sum int64
	for _, v := range frame {
		sum += int64(v) * int64(v)
	}
	power := sum << 12 / int64(a.frame)
	if a.floor.above(power) && speech {
		a.speech++
		a.idle = 0
		a.level.add(power)
		a.follow()
	} else {
		a.quiet++
		a.idle++
		if a.idle > idleAfter && a.gain > 0 {
			a.gain = max(a.gain-idleStep, 0)
		}
	}
	if most := a.mostGain(); a.gain > most {
		a.gain = max(a.gain-capStep, most)
	}
	a.scale(frame)
	piece := a.frame / 2
	a.limiter.process(a.scaled[:piece], a.out[:piece])
	a.limiter.process(a.scaled[piece:], a.out[piece:])
	copy(frame, a.out)
	return nil
}

// follow moves the gain toward what brings the measured level to the target.
func (a *Control) follow() {
	if a.level.frames < 10 {
		return
	}
	want := a.target - fixed.Log2Q10(uint64(a.level.mean))
	want = max(min(want, a.mostGain()), -a.most)
	a.gain += max(min(want-a.gain, upStep), -downStep)
}

// mostGain is the configured limit or, where that is less, what raises the
// background to loudestNoise; background that is louder is not raised.
func (a *Control) mostGain() int32 {
	return min(a.most, max(loudestNoise-fixed.Log2Q10(uint64(a.floor.background)), 0))
}

// scale applies the gain, in a straight line from the last frame's.
func (a *Control) scale(frame []int16) {
	to := expQ16(a.gain / 2)
	gain := int64(a.gainQ16) << 8
	step := (int64(to) - int64(a.gainQ16)) << 8 / int64(len(frame))
	for i, v := range frame {
		gain += step
		a.scaled[i] = int32((int64(v)*gain + 1<<23) >> 24)
	}
	a.gainQ16 = to
}

// Stats are counts since New and the state after the last frame.
type Stats struct {
	SpeechFrames int64 `json:"speech_frames"`
	OtherFrames  int64 `json:"other_frames"`
	// GainDB is the gain for speech now, the limiter left out.
	GainDB int `json:"gain_db"`
	// LevelDBFS is the measured speech level of the input, -127 before any.
	LevelDBFS int `json:"level_dbfs"`
	// Steps is how often the level jumped and was measured anew.
	Steps int64 `json:"steps"`
	// LimitedPieces counts stretches of 5 ms that the limiter turned down.
	LimitedPieces int64 `json:"limited_pieces"`
}

// Stats returns the statistics.
func (a *Control) Stats() Stats {
	s := Stats{
		SpeechFrames: a.speech, OtherFrames: a.quiet, GainDB: roundDB(a.gain), LevelDBFS: -127,
		Steps: a.level.steps, LimitedPieces: a.limiter.limited,
	}
	if a.level.frames > 0 {
		s.LevelDBFS = roundDB(fixed.Log2Q10(uint64(a.level.mean)) - 42<<10)
	}
	return s
}

// roundDB converts a logarithm to base 2 (Q10) to decibels.
func roundDB(x int32) int {
	if x < 0 {
		return -roundDB(-x)
	}
	return int((x + decibel/2) / decibel)
}
