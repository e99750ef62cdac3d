package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/governor"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/engine/voice"
	"github.com/edgecam/edgecam/hal"
)

// Config sets an Engine up. Start from Defaults.
type Config struct {
	Video   VideoConfig
	Voice   VoiceConfig
	Door    DoorConfig
	Call    CallConfig
	Session session.Config
	// Enhance sets what is done to pictures before they are coded, Night how
	// the camera is switched between day and night.
	Enhance enhance.Config
	Night   NightMode
	// Governor takes work off the board when it is hot or too slow; nil: nothing
	// does.
	Governor *governor.Limits
	// IdleAfter is how long devices stay open after the last viewer has left.
	IdleAfter time.Duration
	// KeepOpen keeps the camera open while nobody watches: a quicker first
	// picture on cameras that start slowly, for a little power.
	KeepOpen bool
}

// VideoConfig sets the picture path.
type VideoConfig struct {
	BitrateBps int // mean rate of the stream
	Speed      int // encoder speed, 0 (best) to 10 (fastest), -1 automatic
	Threads    int // encoder workers
	// KeyFramesOnly answers every request for a key frame with one, instead of
	// mending losses from long-term references: for comparison, and for viewers
	// that do not follow the payload descriptor's running numbers.
	KeyFramesOnly bool
}

// VoiceConfig sets the voice path.
type VoiceConfig struct {
	BitrateBps int // Opus
	// FrontEnd sets what the microphone's signal goes through.
	FrontEnd voice.Config
	// AnalogGain lets the gain control move the card's own gain, slowly.
	AnalogGain bool
	// Duplex is how calls are held; viewers may choose otherwise for theirs.
	Duplex Duplex
	// DuckDecay is how long the microphone takes to come back after a caller in
	// half duplex, 100 to 200 ms.
	DuckDecay time.Duration
}

// DoorConfig sets the door release.
type DoorConfig struct {
	// Pulse is how long the relay is held, at most MaxPulse.
	Pulse time.Duration
}

// CallConfig sets what happens when the button is pressed.
type CallConfig struct {
	// RingFor is how long a call waits to be answered, QuietFor how long an
	// answered one lasts in which nobody speaks. Both 1 second to 1 hour.
	RingFor, QuietFor time.Duration
}

// MaxPulse is the longest time the door relay is ever held: strikes burn out.
const MaxPulse = 5 * time.Second

// Defaults returns the configuration of a plain door station.
func Defaults() Config {
	return Config{
		Video:     VideoConfig{BitrateBps: 1_000_000, Speed: -1, Threads: 1},
		Voice:     VoiceConfig{BitrateBps: 32_000, FrontEnd: voice.Defaults(), AnalogGain: true, Duplex: FullDuplex, DuckDecay: voice.DefaultDecay},
		Door:      DoorConfig{Pulse: 3 * time.Second},
		Call:      CallConfig{RingFor: DefaultRingFor, QuietFor: DefaultQuietFor},
		Session:   session.Defaults(),
		Enhance:   enhance.Defaults(),
		IdleAfter: 10 * time.Second,
	}
}

// Validate reports every setting that is out of range.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("engine: "+format, args...)) }
	if c.Video.BitrateBps < 50_000 || c.Video.BitrateBps > 50_000_000 {
		bad("video bit rate %d bit/s is outside 50,000 to 50,000,000", c.Video.BitrateBps)
	}
	if c.Video.Speed < -1 || c.Video.Speed > 10 {
		bad("video speed %d is outside -1 (automatic) to 10", c.Video.Speed)
	}
	if c.Video.Threads < 1 || c.Video.Threads > 16 {
		bad("video threads %d is outside 1 to 16", c.Video.Threads)
	}
	if c.Voice.BitrateBps < 6_000 || c.Voice.BitrateBps > 510_000 {
		bad("voice bit rate %d bit/s is outside 6,000 to 510,000", c.Voice.BitrateBps)
	}
	if c.Voice.Duplex != FullDuplex && c.Voice.Duplex != HalfDuplex {
		bad("duplex %q is neither %q nor %q", c.Voice.Duplex, FullDuplex, HalfDuplex)
	}
	if _, err := voice.NewDucker(c.Voice.DuckDecay); err != nil {
		errs = append(errs, fmt.Errorf("engine: %w", err))
	}
	if err := c.Voice.FrontEnd.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("engine: %w", err))
	}
	if c.Door.Pulse <= 0 || c.Door.Pulse > MaxPulse {
		bad("door pulse %v is outside 0 to %v", c.Door.Pulse, MaxPulse)
	}
	for name, d := range map[string]time.Duration{"ringing": c.Call.RingFor, "quiet": c.Call.QuietFor} {
		if d < time.Second || d > time.Hour {
			bad("%s time of a call %v is outside 1 s to 1 h", name, d)
		}
	}
	if c.IdleAfter < 0 {
		bad("idle time %v is negative", c.IdleAfter)
	}
	if c.Night > NightAuto {
		bad("night mode %d is unknown", c.Night)
	}
	if err := c.Enhance.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("engine: %w", err))
	}
	if err := c.Session.Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Devices are the functions that open the node's devices. A nil function means
// that the node has no such device.
type Devices struct {
	Camera func(ctx context.Context) (hal.Camera, error)
	// VideoEncoder opens the board's encoder, H264Camera the stream that a camera
	// codes by itself, beside Camera's: either makes H.264 a second codec. With the
	// former the latter is not used.
	VideoEncoder func(ctx context.Context, cfg hal.EncoderConfig) (hal.VideoEncoder, error)
	H264Camera   func(ctx context.Context) (hal.Camera, error)
	Microphone   func(ctx context.Context) (hal.Microphone, error)
	Speaker      func(ctx context.Context) (hal.Speaker, error)
	Button       func(ctx context.Context) (hal.Input, error)
	PIR          func(ctx context.Context) (hal.Input, error)
	Relay        func(ctx context.Context) (hal.Output, error)
	// IRFilter is active by day, IRLight by night.
	IRFilter func(ctx context.Context) (hal.Output, error)
	IRLight  func(ctx context.Context) (hal.Output, error)
}

// Stage names a step of the picture path for measurement.
type Stage uint8

// The stages. Capture is the time from exposure to the frame's arrival here.
const (
	StageCapture Stage = iota
	StageConvert
	StageEnhance
	StageEncode
	StageSend
	NumStages
)

var stageNames = [NumStages]string{"capture", "convert", "enhance", "encode", "send"}

// String returns the stage's name as metrics label it.
func (s Stage) String() string {
	if s < NumStages {
		return stageNames[s]
	}
	return fmt.Sprintf("Stage(%d)", uint8(s))
}

// Drop says why a frame was dropped.
type Drop uint8

// The reasons for a dropped frame.
const (
	DropDriver   Drop = iota // lost before us: a gap in the driver's numbering
	DropCorrupt              // flagged by the driver or undecodable
	DropBusy                 // the encoder was still at the one before
	DropEncoder              // rate control left it out
	DropGoverned             // heat or load: fewer pictures are coded
	NumDrops
)

var dropNames = [NumDrops]string{"driver", "corrupt", "encoder_busy", "rate_control", "governed"}

// String returns the reason's name as metrics label it.
func (d Drop) String() string {
	if d < NumDrops {
		return dropNames[d]
	}
	return fmt.Sprintf("Drop(%d)", uint8(d))
}

// Observer is told what happens per frame. Its methods are called on the frame
// path: they must be quick and must not block or allocate.
type Observer interface {
	StageDone(s Stage, took time.Duration)
	FrameDropped(d Drop, n int)
	FrameSent(bytes int, key bool)
}

// VoiceObserver is an Observer that is told about the voice path, too. The same
// rules hold.
type VoiceObserver interface {
	// VoiceCaptured: a block of 10 ms was read; lost says that samples were
	// missing before it.
	VoiceCaptured(lost bool)
	// VoiceEncoded: a block was coded.
	VoiceEncoded(took time.Duration)
	// VoicePlayed: a block was written to a speaker with the given delay.
	VoicePlayed(delay time.Duration)
}

type noObserver struct{}

func (noObserver) StageDone(Stage, time.Duration) {}
func (noObserver) FrameDropped(Drop, int)         {}
func (noObserver) FrameSent(int, bool)            {}
func (noObserver) VoiceCaptured(bool)             {}
func (noObserver) VoiceEncoded(time.Duration)     {}
func (noObserver) VoicePlayed(time.Duration)      {}
