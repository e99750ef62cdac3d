package codec

import (
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/g711"
	"github.com/edgecam/edgecam/engine/voice/g722"
	"github.com/edgecam/edgecam/engine/voice/ilbc"
	"github.com/edgecam/edgecam/engine/voice/isac"
	"github.com/edgecam/edgecam/engine/voice/opus"
	"github.com/edgecam/edgecam/engine/voice/resample"
)

// frameEncoder is a codec at its own rate: Encode takes one frame and returns
// the packet's length, 0 if the packet waits for the next frame.
type frameEncoder interface {
	Encode(pcm []int16, packet []byte) (int, error)
}

// Encoder codes blocks of 10 ms at 48 kHz. It is for one goroutine.
type Encoder struct {
	format Format
	opus   *opus.Encoder // takes blocks itself
	frames frameEncoder
	down   *resample.Resampler
	lag    time.Duration // of the resampler
	pcm    []int16       // one frame and the block that completes it
	fill   int
	frame  int // samples
	length time.Duration
	at     time.Time // when the first sample in pcm was captured
	packet []byte
}

// NewEncoder returns an encoder for a format. The bit rate is Opus'; the others
// have their own.
func NewEncoder(f Format, opusBps int) (*Encoder, error) {
	p, err := Lookup(f.Name)
	if err != nil {
		return nil, err
	}
	e := &Encoder{format: f}
	var size int
	switch f.Name {
	case Opus:
		e.opus, err = opus.NewEncoder(opus.EncoderConfig{BitrateBps: opusBps, DTX: f.DTX})
		if err != nil {
			return nil, fmt.Errorf("codec: %w", err)
		}
		return e, nil
	case ISAC32:
		var enc *isac.SuperWidebandEncoder
		enc, err = isac.NewSuperWidebandEncoder(isac.EncoderConfig{})
		e.frames, e.frame, size = enc, 2*isac.BlockSamples, isac.MaxPayloadBytes
	case ISAC16:
		var enc *isac.Encoder
		enc, err = isac.NewEncoder(isac.EncoderConfig{})
		e.frames, e.frame, size = enc, isac.BlockSamples, isac.MaxPayloadBytes
	case G722:
		e.frames, e.frame, size = g722.NewEncoder(), g722.FrameSamples, g722.FrameSamples/2
	case ILBC20, ILBC30:
		mode := ilbc.Mode30
		if f.Name == ILBC20 {
			mode = ilbc.Mode20
		}
		var enc *ilbc.Encoder
		if enc, err = ilbc.NewEncoder(mode); err == nil {
			e.frames, e.frame, size = enc, enc.FrameSamples(), enc.MaxPacketBytes()
		}
	case PCMU:
		e.frames, e.frame, size = g711.NewEncoder(g711.ULaw), g711.FrameSamples, g711.FrameSamples
	case PCMA:
		e.frames, e.frame, size = g711.NewEncoder(g711.ALaw), g711.FrameSamples, g711.FrameSamples
	}
	if err == nil {
		e.down, err = resample.New(media.EngineRateHz, p.rateHz)
	}
	if err != nil {
		return nil, fmt.Errorf("codec: %s: %w", f, err)
	}
	e.length = time.Duration(e.frame) * time.Second / time.Duration(p.rateHz)
	e.lag = time.Duration(e.down.Delay()) * time.Second / time.Duration(p.rateHz)
	e.pcm = make([]int16, e.frame+e.down.MaxOutput(media.BlockSamples))
	e.packet = make([]byte, size)
	return e, nil
}

// Format returns what the encoder codes.
func (e *Encoder) Format() Format { return e.format }

// SetSpeech tells whether the next blocks hold speech; formats with DTX leave
// out what does not.
func (e *Encoder) SetSpeech(on bool) {
	if e.opus != nil {
		e.opus.SetSpeech(on)
	}
}

// Encode takes a block. When it completes a packet, ok is true; the packet's
// data is valid until the next call.
func (e *Encoder) Encode(b *media.Block) (p media.EncodedAudio, ok bool, err error) {
	if e.opus != nil {
		if p, ok, err = e.opus.Encode(b); err != nil {
			err = fmt.Errorf("codec: %w", err)
		}
		return p, ok, err
	}
	if e.fill == 0 {
		e.at = b.CapturedAt.Add(-e.lag)
	}
	e.fill += e.down.Process(e.pcm[e.fill:], b.Samples[:])
	if e.fill < e.frame {
		return p, false, nil
	}
	n, err := e.frames.Encode(e.pcm[:e.frame], e.packet)
	at := e.at
	e.fill = copy(e.pcm, e.pcm[e.frame:e.fill])
	e.at = at.Add(e.length)
	if err != nil {
		return p, false, fmt.Errorf("codec: %s: %w", e.format, err)
	}
	return media.EncodedAudio{Data: e.packet[:n], CapturedAt: at, Duration: e.length}, n > 0, nil
}
