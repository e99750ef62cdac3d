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
	begun  time.Time // the packet in the making, where it takes several frames
	held   int       // frames in it
	packet []byte
	quiet  *silence // leaves silence out, nil where it is sent
	path   *isacPath
	loss   int // that Opus was told of
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
		e.opus, err = opus.NewEncoder(opus.EncoderConfig{BitrateBps: opusBps, DTX: f.DTX, NoFEC: f.NoFEC})
		e.loss = opus.DefaultLossPercent
		if err != nil {
			return nil, fmt.Errorf("codec: %w", err)
		}
		return e, nil
	case ISAC32:
		var enc *isac.SuperWidebandEncoder
		enc, err = isac.NewSuperWidebandEncoder(isac.EncoderConfig{Adaptive: f.Peer != 0})
		e.frames, e.frame, size = enc, 2*isac.BlockSamples, isac.MaxPayloadBytes
		e.path = newISACPath(enc, p.rateHz)
	case ISAC16:
		var enc *isac.Encoder
		enc, err = isac.NewEncoder(isac.EncoderConfig{Adaptive: f.Peer != 0})
		e.frames, e.frame, size = enc, isac.BlockSamples, isac.MaxPayloadBytes
		e.path = newISACPath(enc, p.rateHz)
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
	if f.DTX {
		if e.quiet, err = newSilence(p.rateHz, e.frame); err != nil {
			return nil, fmt.Errorf("codec: %s: %w", f, err)
		}
		size = max(size, e.quiet.maxBytes())
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
	switch {
	case e.opus != nil:
		e.opus.SetSpeech(on)
	case e.quiet != nil:
		e.quiet.setSpeech(on)
	}
}

// SetLoss tells the share of packets that the receivers lose, in percent: with more
// than 0 Opus' packets carry what helps over the loss of the one before. It does
// nothing to other formats, nor where the receiver has no use for it.
func (e *Encoder) SetLoss(percent int) error {
	if e.opus == nil || e.format.NoFEC || percent == e.loss {
		return nil
	}
	if err := e.opus.SetLoss(percent); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	e.loss = percent
	return nil
}

// Received tells the encoder of a packet of the other side: its sequence number
// and timestamp, and when it arrived. iSAC measures the path by it, tells the
// other side in what it sends, and follows what that tells of its own; other
// formats need no telling. It may be called from another goroutine than Encode.
func (e *Encoder) Received(payload []byte, seq uint16, timestamp uint32, arrived time.Time) {
	if e.path != nil && e.format.Peer != 0 {
		e.path.received(payload, seq, timestamp, arrived)
	}
}

// Estimate returns what is known of the path, in bits per second: what this side
// receives over it, and what the other side says that it does. Both are 0 but
// for iSAC.
func (e *Encoder) Estimate() (receiveBps, sendBps int) {
	if e.path == nil {
		return 0, 0
	}
	return e.path.estimate()
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
	at := e.at
	if e.held == 0 {
		e.begun = at
	}
	e.held++
	start := false
	if e.quiet != nil {
		n, take := e.quiet.frame(e.pcm[:e.frame], e.packet)
		if take {
			e.next()
			e.held = 0
			return media.EncodedAudio{Data: e.packet[:n], CapturedAt: at, Duration: e.length, ComfortNoise: true}, n > 0, nil
		}
		start = e.quiet.first
	}
	if e.path != nil {
		e.path.mu.Lock()
	}
	n, err := e.frames.Encode(e.pcm[:e.frame], e.packet)
	if e.path != nil {
		e.path.mu.Unlock()
	}
	e.next()
	length, begun := e.length*time.Duration(e.held), e.begun
	if n > 0 || err != nil {
		e.held = 0
	}
	if err != nil {
		return p, false, fmt.Errorf("codec: %s: %w", e.format, err)
	}
	return media.EncodedAudio{Data: e.packet[:n], CapturedAt: begun, Duration: length, Start: start}, n > 0, nil
}

// next makes room for the next frame.
func (e *Encoder) next() {
	e.fill = copy(e.pcm, e.pcm[e.frame:e.fill])
	e.at = e.at.Add(e.length)
}
