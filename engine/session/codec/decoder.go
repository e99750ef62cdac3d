package codec

import (
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/g711"
	"github.com/edgecam/edgecam/engine/voice/g722"
	"github.com/edgecam/edgecam/engine/voice/ilbc"
	"github.com/edgecam/edgecam/engine/voice/isac"
	"github.com/edgecam/edgecam/engine/voice/opus"
	"github.com/edgecam/edgecam/engine/voice/resample"
)

// ErrNoFEC is returned by DecodeFEC of codecs without in-band redundancy.
var ErrNoFEC = errors.New("codec: no redundancy in the packet")

// NativeDecoder is a codec at its own rate, as a jitter buffer takes it.
type NativeDecoder interface {
	RateHz() int
	MaxSamples() int
	// Samples returns the length of a packet, 0 if it is malformed.
	Samples(packet []byte) int
	Decode(packet []byte, pcm []int16) (int, error)
	// Conceal continues the signal over a missing packet.
	Conceal(pcm []int16) (int, error)
}

type fecDecoder interface {
	DecodeFEC(packet []byte, pcm []int16) (int, error)
}

// NewNativeDecoder returns the format's decoder at the codec's own rate.
func NewNativeDecoder(f Format) (NativeDecoder, error) {
	var dec NativeDecoder
	var err error
	switch f.Name {
	case Opus:
		dec, err = opus.NewDecoder()
	case ISAC32:
		dec = isac.NewSuperWidebandDecoder()
	case ISAC16:
		dec = isac.NewDecoder(isac.DecoderConfig{ExactMap: true}) // as our encoder writes
	case G722:
		dec = g722.NewDecoder()
	case ILBC20:
		dec, err = ilbc.NewDecoder(ilbc.DecoderConfig{Mode: ilbc.Mode20})
	case ILBC30:
		dec, err = ilbc.NewDecoder(ilbc.DecoderConfig{Mode: ilbc.Mode30})
	case PCMU:
		dec = g711.NewDecoder(g711.ULaw)
	case PCMA:
		dec = g711.NewDecoder(g711.ALaw)
	default:
		_, err = Lookup(f.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("codec: %s: %w", f, err)
	}
	return dec, nil
}

// Decoder decodes a format to mono samples at 48 kHz. It is for one goroutine.
type Decoder struct {
	dec    NativeDecoder
	up     *resample.Resampler // nil at 48 kHz
	factor func(int) int
	native []int16
}

// NewDecoder returns a decoder for a format.
func NewDecoder(f Format) (*Decoder, error) {
	dec, err := NewNativeDecoder(f)
	if err != nil {
		return nil, err
	}
	rate := dec.RateHz()
	d := &Decoder{dec: dec, factor: func(n int) int { return n * media.EngineRateHz / rate }}
	if rate != media.EngineRateHz {
		if d.up, err = resample.New(rate, media.EngineRateHz); err != nil {
			return nil, fmt.Errorf("codec: %s: %w", f, err)
		}
		d.native = make([]int16, dec.MaxSamples())
	}
	return d, nil
}

// RateHz is 48000.
func (d *Decoder) RateHz() int { return media.EngineRateHz }

// MaxSamples is the room that Decode, DecodeFEC and Conceal need.
func (d *Decoder) MaxSamples() int {
	if d.up == nil {
		return d.dec.MaxSamples()
	}
	return d.up.MaxOutput(d.dec.MaxSamples())
}

// Samples returns the length of a packet at 48 kHz, 0 if it is malformed.
func (d *Decoder) Samples(packet []byte) int { return d.factor(d.dec.Samples(packet)) }

// Decode decodes a packet.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	return d.convert(pcm, func(p []int16) (int, error) { return d.dec.Decode(packet, p) })
}

// DecodeFEC reconstructs the packet before this one, or returns ErrNoFEC.
func (d *Decoder) DecodeFEC(packet []byte, pcm []int16) (int, error) {
	f, ok := d.dec.(fecDecoder)
	if !ok {
		return 0, ErrNoFEC
	}
	return d.convert(pcm, func(p []int16) (int, error) { return f.DecodeFEC(packet, p) })
}

// Conceal continues the signal over a missing packet.
func (d *Decoder) Conceal(pcm []int16) (int, error) {
	return d.convert(pcm, d.dec.Conceal)
}

func (d *Decoder) convert(pcm []int16, decode func([]int16) (int, error)) (int, error) {
	if d.up == nil {
		return decode(pcm)
	}
	n, err := decode(d.native)
	if err != nil {
		return 0, err
	}
	return d.up.Process(pcm, d.native[:n]), nil
}

// Ticks48k converts an RTP timestamp of a format to 48 kHz, modulo 2^32. Where
// the rates have no whole ratio, the result jumps when the timestamp wraps.
func Ticks48k(ts uint32, f Format) uint32 {
	clock := uint64(f.ClockHz())
	switch {
	case clock == 0:
		return ts
	}
	return uint32(uint64(ts) * media.EngineRateHz / clock)
}
