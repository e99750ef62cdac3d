// Package g711 is ITU-T G.711 (11/1988), pulse code modulation of voice at 64
// kbit/s: µ-law (PCMU) and A-law (PCMA), payload types 0 and 8 of RFC 3551.
//
// A packet is a run of bytes, one for each sample at 8 kHz. An Encoder or Decoder
// allocates nothing after it was made and is for one goroutine at a time; Encode
// and Decode of a Law are for any.
package g711

import (
	"errors"
	"fmt"
	"math/bits"
)

// Law is one of the two companding laws.
type Law uint8

// The laws.
const (
	ULaw Law = iota // PCMU: 14-bit range
	ALaw            // PCMA: 13-bit range
)

const (
	// RateHz is the sampling rate.
	RateHz = 8000
	// FrameSamples is what an Encoder packs: 20 ms.
	FrameSamples = 160
	// MaxSamples is the longest packet that a Decoder takes: 120 ms.
	MaxSamples = 960
)

var (
	// ErrPacket is wrapped by errors about packets that are empty or too long. The
	// decoder is unchanged by them: conceal the packet instead.
	ErrPacket = errors.New("g711: bad packet")
	// ErrSize is wrapped by errors about a caller's buffer of the wrong length.
	ErrSize = errors.New("g711: bad buffer size")
)

const (
	bias     = 33 << 2 // makes all segments of the µ-law powers of two, at 16 bits
	clip     = 32635   // the largest magnitude of the µ-law before the bias
	evenBits = 0x55    // inverted on the line in the A-law
)

var expanded = [2][256]int16{ULaw: expandULaw(), ALaw: expandALaw()}

// String returns the encoding's name in SDP.
func (l Law) String() string {
	switch l {
	case ULaw:
		return "PCMU"
	case ALaw:
		return "PCMA"
	}
	return fmt.Sprintf("g711.Law(%d)", uint8(l))
}

// Expand returns the sample that a byte stands for. l must be one of the laws.
func (l Law) Expand(b byte) int16 { return expanded[l][b] }

// Compress returns the byte for a sample: G.711 tables 1 and 2 with the sample's
// low bits cut off, toward zero in the µ-law, downward in the A-law.
func (l Law) Compress(s int16) byte {
	if l == ALaw {
		return compressALaw(s)
	}
	return compressULaw(s)
}

// Table 2a/b: sign, segment and step, all inverted.
//
//	 0 1 2 3 4 5 6 7
//	+-+-+-+-+-+-+-+-+
//	|s| seg | step  |
//	+-+-+-+-+-+-+-+-+
func compressULaw(s int16) byte {
	m, sign := int32(s), byte(0x80)
	if m < 0 {
		m, sign = -m, 0
	}
	m = min(m, clip) + bias
	segment := bits.Len32(uint32(m)) - 8
	return sign | ^byte(int32(segment)<<4|m>>(segment+3)&15)&0x7f
}

func expandULaw() (t [256]int16) {
	for i := range t {
		b := ^byte(i)
		m := (int32(b&15)<<3+bias)<<(b>>4&7) - bias
		if b&0x80 != 0 {
			m = -m
		}
		t[i] = int16(m)
	}
	return t
}

// Table 1a/b: as table 2, but the first two segments have the same step, and
// every second bit is inverted.
func compressALaw(s int16) byte {
	m, sign := int32(s), byte(0x80)
	if m < 0 {
		m, sign = ^m, 0
	}
	segment := max(bits.Len32(uint32(m))-8, 0)
	return (sign | byte(int32(segment)<<4|m>>(max(segment, 1)+3)&15)) ^ evenBits
}

func expandALaw() (t [256]int16) {
	for i := range t {
		b := byte(i) ^ evenBits
		segment := b >> 4 & 7
		m := int32(b&15)<<4 + 8
		if segment > 0 {
			m = (m + 256) << (segment - 1)
		}
		if b&0x80 == 0 {
			m = -m
		}
		t[i] = int16(m)
	}
	return t
}

// Encoder codes frames of 20 ms.
type Encoder struct{ law Law }

// NewEncoder returns an Encoder. law must be one of the laws.
func NewEncoder(law Law) *Encoder { return &Encoder{law: law} }

// RateHz is the rate of what Encode takes.
func (e *Encoder) RateHz() int { return RateHz }

// FrameSamples is how many samples Encode takes for a packet of 20 ms.
func (e *Encoder) FrameSamples() int { return FrameSamples }

// MaxPacketBytes is the room that Encode needs for a packet of 20 ms.
func (e *Encoder) MaxPacketBytes() int { return FrameSamples }

// Encode codes pcm into packet, which has room for a byte per sample, and returns
// the number of bytes written. Errors wrap ErrSize.
func (e *Encoder) Encode(pcm []int16, packet []byte) (int, error) {
	if len(packet) < len(pcm) {
		return 0, fmt.Errorf("%w: room for %d bytes, %d samples were given", ErrSize, len(packet), len(pcm))
	}
	packet = packet[:len(pcm)]
	if e.law == ALaw {
		for i, s := range pcm {
			packet[i] = compressALaw(s)
		}
		return len(pcm), nil
	}
	for i, s := range pcm {
		packet[i] = compressULaw(s)
	}
	return len(pcm), nil
}

// Decoder decodes packets into 8 kHz mono PCM.
type Decoder struct {
	table   *[256]int16
	conceal concealer
	last    int // samples of the last packet
}

// NewDecoder returns a Decoder. law must be one of the laws.
func NewDecoder(law Law) *Decoder {
	return &Decoder{table: &expanded[law], last: FrameSamples}
}

// Reset puts the decoder back to its state at the start.
func (d *Decoder) Reset() { *d = Decoder{table: d.table, last: FrameSamples} }

// RateHz is the rate of what Decode gives.
func (d *Decoder) RateHz() int { return RateHz }

// MaxSamples is the room that Decode and Conceal need.
func (d *Decoder) MaxSamples() int { return MaxSamples }

// Samples returns how many samples the packet holds, 0 if it is empty or longer
// than MaxSamples.
func (d *Decoder) Samples(packet []byte) int {
	if len(packet) > MaxSamples {
		return 0
	}
	return len(packet)
}

// Decode decodes a packet into pcm, which has room for MaxSamples, and returns the
// number of samples written. Errors wrap ErrPacket or ErrSize.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	n := d.Samples(packet)
	if n == 0 {
		return 0, fmt.Errorf("%w: %d bytes, not 1 to %d", ErrPacket, len(packet), MaxSamples)
	}
	if len(pcm) < n {
		return 0, fmt.Errorf("%w: room for %d samples, the packet holds %d", ErrSize, len(pcm), n)
	}
	pcm = pcm[:n]
	for i, b := range packet {
		pcm[i] = d.table[b]
	}
	d.conceal.received(pcm)
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
