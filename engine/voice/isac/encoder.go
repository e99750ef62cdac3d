package isac

import (
	"fmt"
	"time"
)

// Encoder codes wideband speech (16 kHz). It is not safe for concurrent use and
// allocates nothing after NewEncoder.
type Encoder struct {
	config    EncoderConfig
	lower     lowerCoder
	ranges    rangeEncoder
	estimator estimator
	model     rateModel
	received  rangeDecoder

	blocks  int // of the present packet
	coded   int // of them done
	bps     int32
	delayMs int32
	next    int // blocks of the next packet
	stats   EncoderStats
}

// NewEncoder returns an encoder in its start state.
func NewEncoder(config EncoderConfig) (*Encoder, error) {
	config = config.withDefaults(&wideBounds)
	if err := config.validate(&wideBounds); err != nil {
		return nil, err
	}
	e := &Encoder{config: config}
	e.Reset()
	return e, nil
}

// Reset returns the encoder to its start state; Stats goes on counting.
func (e *Encoder) Reset() {
	e.lower.reset(larMap(e.config.PiecewiseMap))
	e.estimator.reset()
	e.model.reset()
	if e.config.Adaptive {
		e.estimator.sendAvgQ7 = int32(e.config.BitrateBps) << 7
	}
	e.coded = 0
	e.next = int(e.config.FrameDuration / shortFrame)
}

// RateHz returns the sampling rate of the input, 16000.
func (e *Encoder) RateHz() int { return WidebandRateHz }

// SetBitrate sets the target rate in bit/s from the next packet on. In adaptive
// mode the other side's reports go on moving it.
func (e *Encoder) SetBitrate(bps int) error {
	c := e.config
	c.BitrateBps = bps
	if err := c.validate(&wideBounds); err != nil {
		return err
	}
	e.config = c
	if c.Adaptive {
		e.estimator.sendAvgQ7 = int32(bps) << 7
	}
	return nil
}

// Encode codes 480 samples (30 ms). It writes a payload to dst and returns its
// length, or 0 if the payload waits for its second block. dst needs room for
// MaxPayloadBytes. A block that cannot be coded within the payload limit gives
// ErrTooLarge and no payload; the encoder goes on with the next block.
func (e *Encoder) Encode(pcm []int16, dst []byte) (int, error) {
	if len(pcm) != blockSamples {
		return 0, fmt.Errorf("%w: %d samples, need blocks of %d", ErrUnsupported, len(pcm), blockSamples)
	}
	if len(dst) < MaxPayloadBytes {
		return 0, fmt.Errorf("%w: %d bytes, need %d", ErrBufferTooSmall, len(dst), MaxPayloadBytes)
	}
	if e.coded == 0 {
		e.begin()
	}
	short, long := e.config.limits()
	limit := short - 3
	switch {
	case e.blocks == 2 && e.coded == 0:
		limit = long / 2
	case e.blocks == 2:
		limit = long - 3
	}
	fits := e.lower.encode(&e.ranges, pcm, targetSNR(float64(e.bps), e.blocks), limit)
	e.coded++
	if e.coded < e.blocks {
		return 0, nil
	}
	e.coded = 0
	if !fits {
		e.stats.TooLarge++
		return 0, fmt.Errorf("%w: %d bytes", ErrTooLarge, limit)
	}
	code := e.ranges.codeLength()
	n := e.finish(dst, short)
	e.stats.wrote(n, code, e.blocks)
	return n, nil
}

// begin starts a packet: its rate and its first two symbols.
func (e *Encoder) begin() {
	e.blocks = e.next
	e.bps, e.delayMs = int32(e.config.BitrateBps), minDelayMs
	if e.config.Adaptive {
		e.bps, e.delayMs = e.estimator.rate()
	}
	e.stats.FrameDuration, e.stats.TargetBps = time.Duration(e.blocks)*shortFrame, int(e.bps)
	e.ranges.reset()
	e.ranges.symbol(frameLengthCDF[:], e.blocks)
	e.ranges.symbol(bandwidthIndexCDF[:], e.estimator.index())
}

// finish closes the packet: code string, and in adaptive mode padding and the
// choice of the next frame length.
func (e *Encoder) finish(dst []byte, limit int) int {
	n := copy(dst, e.ranges.finish())
	samples := int64(e.blocks * blockSamples)
	if !e.config.Adaptive {
		e.model.init = 0
		e.model.note(n, samples, int64(e.bps))
		return n
	}
	least := e.model.minBytes(samples, int64(e.bps), int64(e.delayMs))
	size := paddedSize(n, least, limit)
	e.model.sent(max(n, least), samples, int64(e.bps))
	if !e.config.KeepFrameDuration {
		e.next = nextFrame(int(samples), e.bps) / blockSamples
	}
	return len(pad(dst, n, size))
}

// Received tells the encoder of a payload from the other side: the estimator
// measures the path toward this side, and in adaptive mode the report in the
// payload steers the rate. seq is the RTP sequence number, send the RTP
// timestamp and arrival the local clock, both in samples at 16 kHz.
func (e *Encoder) Received(payload []byte, seq uint16, send, arrival uint32) error {
	if err := checkSize(payload); err != nil {
		e.stats.Malformed++
		return err
	}
	e.received.reset(payload)
	blocks, index, err := readHeader(&e.received)
	if err != nil {
		e.stats.Malformed++
		return err
	}
	e.stats.Received++
	e.estimator.received(receivedPacket{
		seq: seq, frameMs: 30 * blocks, send: send, arrival: arrival,
		bytes: len(payload), bandwidthIndex: index,
	})
	return nil
}
