// Package ilbc is the internet Low Bit Rate Codec (RFC 3951, RTP payload RFC
// 3952): narrow-band speech in frames that do not depend on each other's
// excitation, so that a lost packet costs little.
//
// It is a fixed-point codec. Bit streams are those of RFC 3951; the arithmetic,
// which the RFC leaves open, is that of the widespread fixed-point realisation,
// to the bit: its frames and its samples can be compared with other
// implementations without tolerance. Signals inside the codec run at half
// amplitude ("Q-1"), which is the head room of all filters.
//
// An Encoder or Decoder allocates nothing after it was made and is for one
// goroutine at a time.
package ilbc

import (
	"errors"
	"time"
)

// Mode is the frame length, the "mode" parameter of RFC 3952 section 3.2.
type Mode int

// The two modes.
const (
	Mode20 Mode = 20 // 20 ms in 38 bytes, 15.2 kbit/s
	Mode30 Mode = 30 // 30 ms in 50 bytes, 13.33 kbit/s
)

const (
	// RateHz is the sampling rate of both modes.
	RateHz = 8000
	// MaxFrames is how many frames a packet may hold: 120 ms of the shorter ones.
	MaxFrames = 6
	// MaxFrameBytes is the length of the longer frame.
	MaxFrameBytes = 50
)

const (
	order        = 10  // of the linear prediction
	subframe     = 40  // samples
	maxSubframes = 6   // per frame
	maxSamples   = 240 // per frame
	stateBlock   = 80  // two sub-frames, in which the start state lies
	maxState     = 58  // samples of the start state that are quantized one by one
	codeMemory   = 147 // samples of adaptive codebook for a whole sub-frame
	stateMemory  = 85  // samples of adaptive codebook for the rest of the state block
	stages       = 3   // of the gain-shape quantizer
)

var (
	// ErrMode is wrapped by errors about a frame length that iLBC does not have.
	ErrMode = errors.New("ilbc: mode must be 20 or 30")
	// ErrPacket is wrapped by errors about packets that hold no whole number of
	// frames. The decoder is unchanged by them: conceal the packet instead.
	ErrPacket = errors.New("ilbc: bad packet")
	// ErrSize is wrapped by errors about a caller's buffer of the wrong length.
	ErrSize = errors.New("ilbc: bad buffer size")
)

// geometry is what differs between the two modes (section 2.1).
type geometry struct {
	samples    int // per frame
	subframes  int
	state      int // samples of the start state that are quantized one by one
	bytes      int
	lpcSets    int // spectral envelopes per frame
	delay      int // of the enhancer, in sub-frames
	mixSamples int // over which concealment fades into a good frame
	mixStepQ14 int32
	layout     []field
}

var geometries = map[Mode]*geometry{
	Mode20: {samples: 160, subframes: 4, state: 57, bytes: 38, lpcSets: 1, delay: 1, mixSamples: 40, mixStepQ14: 400, layout: layout20[:]},
	Mode30: {samples: 240, subframes: 6, state: 58, bytes: 50, lpcSets: 2, delay: 2, mixSamples: 80, mixStepQ14: 202, layout: layout30[:]},
}

// Samples returns the samples of a frame, 0 for a mode that is not one.
func (m Mode) Samples() int {
	if g := geometries[m]; g != nil {
		return g.samples
	}
	return 0
}

// Bytes returns the bytes of a frame, 0 for a mode that is not one.
func (m Mode) Bytes() int {
	if g := geometries[m]; g != nil {
		return g.bytes
	}
	return 0
}

// Duration returns the length of a frame.
func (m Mode) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// predictor is the denominator A(z) of a synthesis or weighting filter in Q12;
// the first coefficient is 1.
type predictor [order + 1]int16

var unityPredictor = predictor{4096}
