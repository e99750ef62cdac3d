package codec

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/g711"
	"github.com/edgecam/edgecam/engine/voice/g722"
	"github.com/edgecam/edgecam/engine/voice/ilbc"
	"github.com/edgecam/edgecam/engine/voice/isac"
	"github.com/edgecam/edgecam/engine/voice/opus"
)

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
