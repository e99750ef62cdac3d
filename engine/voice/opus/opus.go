// Package opus is the Opus codec (RFC 6716) for voice, mono at 48 kHz, by
// libopus. Packets last 20 ms and follow RFC 7587: in-band FEC is on unless it is
// switched off, so that a receiver may mend a lost packet from the next one.
//
// The library works in memory it allocates once; encoding and decoding do not
// allocate. An Encoder or Decoder is for one goroutine at a time.
package opus

import (
	"errors"
	"fmt"
	"time"

	libopus "github.com/hraban/opus"

	"github.com/edgecam/edgecam/engine/media"
)

const (
	// PacketDuration is the length of one packet.
	PacketDuration = 20 * time.Millisecond
	// PacketSamples is the number of samples of one packet at 48 kHz.
	PacketSamples = 2 * media.BlockSamples
	// MaxPacketBytes is the largest packet RFC 6716 section 3.4 allows for one
	// frame.
	MaxPacketBytes = 1275
	// maxDecodeSamples is 120 ms, the longest packet (RFC 6716 section 2.1.4).
	maxDecodeSamples = 5760
)

// DefaultLossPercent is the loss that is expected unless something else is said.
const DefaultLossPercent = 5

// ErrPacket is wrapped by errors about packets that cannot be decoded.
var ErrPacket = errors.New("opus: bad packet")

// EncoderConfig sets an Encoder up. The zero value of a field means its
// default.
type EncoderConfig struct {
	BitrateBps  int  // 6000 to 510000; default 32000
	Complexity  int  // 1 (cheap) to 10; default 5
	LossPercent int  // expected loss, steers in-band FEC; default 5
	DTX         bool // send next to nothing in silence
	NoFEC       bool // no in-band FEC: the receiver has no use for it
}

// Encoder codes 10 ms blocks into 20 ms packets.
type Encoder struct {
	enc  *libopus.Encoder
	pcm  [PacketSamples]int16
	fill int
	at   time.Time
	out  [MaxPacketBytes]byte
	gate bool // DTX is on
	dtx  dtx
}

// NewEncoder returns an Encoder. Its errors name the setting that is out of
// range.
func NewEncoder(cfg EncoderConfig) (*Encoder, error) {
	if cfg.BitrateBps == 0 {
		cfg.BitrateBps = 32000
	}
	if cfg.Complexity == 0 {
		cfg.Complexity = 5
	}
	if cfg.LossPercent == 0 {
		cfg.LossPercent = DefaultLossPercent
	}
	if cfg.BitrateBps < 6000 || cfg.BitrateBps > 510000 {
		return nil, fmt.Errorf("opus: bit rate %d bit/s is outside 6000 to 510000", cfg.BitrateBps)
	}
	if cfg.Complexity < 1 || cfg.Complexity > 10 {
		return nil, fmt.Errorf("opus: complexity %d is outside 1 to 10", cfg.Complexity)
	}
	enc, err := libopus.NewEncoder(media.EngineRateHz, 1, libopus.AppVoIP)
	if err != nil {
		return nil, fmt.Errorf("opus: new encoder: %w", err)
	}
	err = errors.Join(
		enc.SetBitrate(cfg.BitrateBps),
		enc.SetComplexity(cfg.Complexity),
		enc.SetInBandFEC(!cfg.NoFEC),
		enc.SetPacketLossPerc(cfg.LossPercent),
		enc.SetDTX(cfg.DTX),
	)
	if err != nil {
		return nil, fmt.Errorf("opus: configure encoder: %w", err)
	}
	return &Encoder{enc: enc, gate: cfg.DTX}, nil
}

// SetBitrate changes the bit rate from the next packet on.
func (e *Encoder) SetBitrate(bps int) error {
	if err := e.enc.SetBitrate(bps); err != nil {
		return fmt.Errorf("opus: set bit rate %d: %w", bps, err)
	}
	return nil
}

// SetLoss tells the share of packets that receivers lose, in percent: what is spent
// on in-band FEC from the next packet on. With 0 there is none.
func (e *Encoder) SetLoss(percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("opus: loss of %d %% is outside 0 to 100", percent)
	}
	if err := errors.Join(e.enc.SetInBandFEC(percent > 0), e.enc.SetPacketLossPerc(percent)); err != nil {
		return fmt.Errorf("opus: set loss %d: %w", percent, err)
	}
	return nil
}

// Encode takes a block. Every second block it returns a packet whose Data is
// valid until the next call; otherwise ok is false. With DTX fewer packets are
// returned: those that libopus itself calls needless (two bytes or less) are
// not, nor those without speech by SetSpeech.
func (e *Encoder) Encode(b *media.Block) (p media.EncodedAudio, ok bool, err error) {
	if e.fill == 0 {
		e.at = b.CapturedAt
	}
	e.fill += copy(e.pcm[e.fill:], b.Samples[:])
	if e.fill < PacketSamples {
		return p, false, nil
	}
	e.fill = 0
	n, err := e.enc.Encode(e.pcm[:], e.out[:])
	if err != nil {
		return p, false, fmt.Errorf("opus: encode: %w", err)
	}
	if n <= 2 {
		return p, false, nil
	}
	if e.gate {
		send, cut := e.dtx.send()
		if !send {
			return p, false, nil
		}
		if cut {
			n = 1
			e.out[0] &^= 3 // one frame, of no length
		}
	}
	return media.EncodedAudio{Data: e.out[:n], CapturedAt: e.at, Duration: PacketDuration, Start: e.gate && e.dtx.first}, true, nil
}

// Decoder decodes packets into 48 kHz mono PCM.
type Decoder struct {
	dec  *libopus.Decoder
	last int // samples of the last packet, what concealment continues with
}

// NewDecoder returns a Decoder.
func NewDecoder() (*Decoder, error) {
	dec, err := libopus.NewDecoder(media.EngineRateHz, 1)
	if err != nil {
		return nil, fmt.Errorf("opus: new decoder: %w", err)
	}
	return &Decoder{dec: dec, last: PacketSamples}, nil
}

// MaxSamples is the room that Decode, DecodeFEC and Conceal need.
func (d *Decoder) MaxSamples() int { return maxDecodeSamples }

// RateHz is the rate of what Decode gives.
func (d *Decoder) RateHz() int { return media.EngineRateHz }

// Samples returns how many samples the packet holds, from its table-of-contents
// byte (RFC 6716 section 3.1), or 0 if it is malformed.
func (d *Decoder) Samples(packet []byte) int { return packetSamples(packet) }

// Decode decodes a packet into pcm, which has room for MaxSamples, and returns
// the number of samples written.
func (d *Decoder) Decode(packet []byte, pcm []int16) (int, error) {
	if packetSamples(packet) == 0 {
		return 0, fmt.Errorf("%w: malformed table of contents", ErrPacket)
	}
	n, err := d.dec.Decode(packet, pcm)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrPacket, err)
	}
	d.last = n
	return n, nil
}

// DecodeFEC reconstructs the packet lost just before packet from the redundancy
// in it, as long as the packet before.
func (d *Decoder) DecodeFEC(packet []byte, pcm []int16) (int, error) {
	if packetSamples(packet) == 0 {
		return 0, fmt.Errorf("%w: malformed table of contents", ErrPacket)
	}
	if err := d.dec.DecodeFEC(packet, pcm[:d.last]); err != nil {
		return 0, fmt.Errorf("%w: FEC: %w", ErrPacket, err)
	}
	return d.last, nil
}

// Conceal continues the signal where a packet is missing, as long as the packet
// before.
func (d *Decoder) Conceal(pcm []int16) (int, error) {
	if err := d.dec.DecodePLC(pcm[:d.last]); err != nil {
		return 0, fmt.Errorf("opus: conceal: %w", err)
	}
	return d.last, nil
}

// packetSamples reads a packet's duration at 48 kHz:
//
//	 0 1 2 3 4 5 6 7
//	+-+-+-+-+-+-+-+-+
//	| config  |s| c |
//	+-+-+-+-+-+-+-+-+
func packetSamples(packet []byte) int {
	if len(packet) == 0 {
		return 0
	}
	config := packet[0] >> 3
	var frame int
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		frame = 480 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 120 << (config & 3)
	}
	count := 1
	switch packet[0] & 3 {
	case 1, 2:
		count = 2
	case 3:
		if len(packet) < 2 {
			return 0
		}
		count = int(packet[1] & 0x3f)
	}
	if n := frame * count; n <= maxDecodeSamples {
		return n
	}
	return 0
}
