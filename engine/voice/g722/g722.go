// Package g722 is ITU-T G.722 (09/2012) at 64 kbit/s: wide-band voice in two
// sub-bands of 8 kHz, six bits for the lower and two for the upper, both ADPCM.
//
// The signal is sampled at 16 kHz and a packet holds a byte for every two
// samples. Its RTP clock, however, runs at 8000 Hz: RFC 3551 section 4.5.2 keeps
// the value that was once assigned by mistake. A packet of 20 ms thus has 160
// bytes, 320 samples and advances the RTP timestamp by 160 (RTPClockHz).
//
// An Encoder or Decoder allocates nothing after it was made and is for one
// goroutine at a time.
package g722

import (
	"errors"
	"fmt"
)

const (
	// RateHz is the sampling rate.
	RateHz = 16000
	// RTPClockHz is the rate of RTP timestamps, half of RateHz.
	RTPClockHz = 8000
	// FrameSamples is what an Encoder packs: 20 ms.
	FrameSamples = 320
	// MaxSamples is the longest packet that a Decoder takes: 120 ms.
	MaxSamples = 1920
)

var (
	// ErrPacket is wrapped by errors about packets that are empty or too long. The
	// decoder is unchanged by them: conceal the packet instead.
	ErrPacket = errors.New("g722: bad packet")
	// ErrSize is wrapped by errors about a caller's buffer of the wrong length.
	ErrSize = errors.New("g722: bad buffer size")
)

// Encoder codes frames of 20 ms.
type Encoder struct {
	split     filterBank
	low, high band
}

// NewEncoder returns an Encoder.
func NewEncoder() *Encoder { return &Encoder{low: newLowBand(), high: newHighBand()} }

// RateHz is the rate of what Encode takes.
func (e *Encoder) RateHz() int { return RateHz }

// FrameSamples is how many samples Encode takes for a packet of 20 ms.
func (e *Encoder) FrameSamples() int { return FrameSamples }

// MaxPacketBytes is the room that Encode needs for a packet of 20 ms.
func (e *Encoder) MaxPacketBytes() int { return FrameSamples / 2 }

// Encode codes pcm, an even number of samples, into packet, which has room for
// half as many bytes, and returns the number of bytes written. Errors wrap
// ErrSize.
func (e *Encoder) Encode(pcm []int16, packet []byte) (int, error) {
	n := len(pcm) / 2
	if len(pcm)%2 != 0 {
		return 0, fmt.Errorf("%w: %d samples, an even number is needed", ErrSize, len(pcm))
	}
	if len(packet) < n {
		return 0, fmt.Errorf("%w: room for %d bytes, %d samples need %d", ErrSize, len(packet), len(pcm), n)
	}
	// Section 1.4.4: the upper band's bits come first.
	//
	//	 0 1 2 3 4 5 6 7
	//	+-+-+-+-+-+-+-+-+
	//	|IH |    IL     |
	//	+-+-+-+-+-+-+-+-+
	for i := range n {
		low, high := e.split.analyse(pcm[2*i], pcm[2*i+1])
		il := e.low.quantizeLow(low)
		ih := e.high.quantizeHigh(high)
		packet[i] = ih<<6 | il
	}
	return n, nil
}

// Decoder decodes packets into 16 kHz mono PCM.
type Decoder struct {
	join      filterBank
	low, high band
	conceal   concealer
	last      int // samples of the last packet
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder {
	d := new(Decoder)
	d.Reset()
	return d
}

// Reset puts the decoder back to its state at the start.
func (d *Decoder) Reset() { *d = Decoder{low: newLowBand(), high: newHighBand(), last: FrameSamples} }

// RateHz is the rate of what Decode gives.
func (d *Decoder) RateHz() int { return RateHz }

// MaxSamples is the room that Decode and Conceal need.
func (d *Decoder) MaxSamples() int { return MaxSamples }

// Samples returns how many samples the packet holds, 0 if it is empty or longer
// than MaxSamples.
func (d *Decoder) Samples(packet []byte) int {
	if 2*len(packet) > MaxSamples {
		return 0
	}
	return 2 * len(packet)
}

// Decode decodes a packet into pcm, which has room for MaxSamples, and returns the
// number of samples written. Errors wrap ErrPacket or ErrSize.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	n := d.Samples(packet)
	if n == 0 {
		return 0, fmt.Errorf("%w: %d bytes, not 1 to %d", ErrPacket, len(packet), MaxSamples/2)
	}
	if len(pcm) < n {
		return 0, fmt.Errorf("%w: room for %d samples, the packet holds %d", ErrSize, len(pcm), n)
	}
	for i, b := range packet {
		low := d.low.decodeLow(b & 0x3f)
		high := d.high.decodeHigh(b >> 6)
		pcm[2*i], pcm[2*i+1] = d.join.synthesize(low, high)
	}
	d.conceal.received(pcm[:n])
	d.last = n
	return n, nil
}

// Conceal continues the signal where a packet is missing, as long as the packet
// before. Errors wrap ErrSize.
func (d *Decoder) Conceal(pcm []int16) (int, error) {
	if len(pcm) < d.last {
		return 0, fmt.Errorf("%w: room for %d samples, the packet before held %d", ErrSize, len(pcm), d.last)
	}
	d.conceal.fill(pcm[:d.last])
	return d.last, nil
}
