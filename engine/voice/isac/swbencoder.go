package isac

import (
	"encoding/binary"
	"fmt"
)

// SuperWidebandEncoder codes speech at 32 kHz: the band below 8 kHz as a
// wideband payload of 30 ms, the band above, from 38 kbit/s up, in a second
// layer (14). It is not safe for concurrent use and allocates nothing after
// NewSuperWidebandEncoder.
type SuperWidebandEncoder struct {
	config    EncoderConfig
	bands     bandSplit
	lower     lowerCoder
	upper     upperCoder
	ranges    rangeEncoder
	estimator floatEstimator
	model     floatRateModel
	width     bandwidth
	stats     EncoderStats

	received      packet
	receivedRange rangeDecoder
	receivedUpper upperBlock

	low, high [blockSamples]int16
}

// NewSuperWidebandEncoder returns an encoder in its start state.
func NewSuperWidebandEncoder(config EncoderConfig) (*SuperWidebandEncoder, error) {
	config = config.withDefaults(&superBounds)
	if err := config.validate(&superBounds); err != nil {
		return nil, err
	}
	e := &SuperWidebandEncoder{config: config}
	e.Reset()
	return e, nil
}

// Reset returns the encoder to its start state; Stats goes on counting.
func (e *SuperWidebandEncoder) Reset() {
	e.bands = bandSplit{}
	e.lower.reset(larMap(e.config.PiecewiseMap))
	e.upper.reset()
	e.estimator.reset(true)
	e.model.reset()
	e.width = bandwidth16
	if e.config.Adaptive {
		e.estimator.sendAvg = float32(e.config.BitrateBps)
	}
}

// RateHz returns the sampling rate of the input, 32000.
func (e *SuperWidebandEncoder) RateHz() int { return SuperWidebandRateHz }

// SetBitrate sets the overall target rate in bit/s from the next packet on. In
// adaptive mode the other side's reports go on moving it.
func (e *SuperWidebandEncoder) SetBitrate(bps int) error {
	c := e.config
	c.BitrateBps = bps
	if err := c.validate(&superBounds); err != nil {
		return err
	}
	e.config = c
	if c.Adaptive {
		e.estimator.sendAvg = float32(bps)
	}
	return nil
}

// Encode codes 960 samples (30 ms), writes a payload to dst and returns its
// length. dst needs room for MaxPayloadBytes. A block that cannot be coded
// within the payload limit gives ErrTooLarge and no payload.
func (e *SuperWidebandEncoder) Encode(pcm []int16, dst []byte) (int, error) {
	if len(pcm) != 2*blockSamples {
		return 0, fmt.Errorf("%w: %d samples, need blocks of %d", ErrUnsupported, len(pcm), 2*blockSamples)
	}
	if len(dst) < MaxPayloadBytes {
		return 0, fmt.Errorf("%w: %d bytes, need %d", ErrBufferTooSmall, len(dst), MaxPayloadBytes)
	}
	e.bands.split(pcm, e.low[:], e.high[:])
	bps := e.target()
	var lowerBps, upperBps float64
	e.width, lowerBps, upperBps = splitRate(bps)
	short, _ := e.config.limits()
	lowerLimit := short - 3
	if e.width != bandwidth8 {
		lowerLimit = lowerShare(short)
	}
	index, jitterHigh := e.estimator.index()
	e.ranges.reset()
	e.ranges.symbol(frameLengthCDF[:], 1)
	e.ranges.symbol(bandwidthIndexCDF[:], index)
	fits := e.lower.encode(&e.ranges, e.low[:], targetSNR(lowerBps, 1), lowerLimit)
	if !fits {
		e.stats.TooLarge++
		e.upper.skip(e.high[:])
		return 0, fmt.Errorf("%w: %d bytes for the lower layer", ErrTooLarge, lowerLimit)
	}
	n := copy(dst, e.ranges.finish())
	var body []byte
	if e.width == bandwidth8 {
		e.upper.skip(e.high[:])
	} else {
		body = e.upper.encode(e.high[:], e.width == bandwidth16, jitterHigh, -23+0.48*upperBps/1000, short-n-layerOverhead)
	}
	size := e.finish(dst, n, body, short, bps)
	code := n
	e.stats.BandwidthHz = lowerBandwidthHz
	if body != nil {
		code += len(body) + layerOverhead
		e.stats.BandwidthHz = e.upper.block.bandwidthHz()
	}
	e.stats.TargetBps = int(bps)
	e.stats.wrote(size, code, 1)
	return size, nil
}

// lowerShare returns how much of a payload limit the lower layer may use when
// there is an upper one (14.5).
func lowerShare(limit int) int {
	switch {
	case limit > 250:
		return limit * 4 / 5
	case limit >= 200:
		return limit*2/5 + 100
	}
	return limit - 20
}

// target returns the overall rate of a packet. In adaptive mode the bandwidth
// changes with hysteresis (13.5).
func (e *SuperWidebandEncoder) target() float64 {
	if !e.config.Adaptive {
		return float64(e.config.BitrateBps)
	}
	rate, _ := e.estimator.rate()
	bps := float64(rate)
	switch {
	case e.width == bandwidth8 && bps > holdNarrowBps && bps < releaseNarrowBps:
		return holdNarrowBps
	case e.width != bandwidth16 && bps > holdHalfBps && bps < rate16Bps:
		return holdHalfBps
	}
	return bps
}

// finish appends the layer, or padding, to a code string of n bytes and returns
// the payload's length.
func (e *SuperWidebandEncoder) finish(dst []byte, n int, body []byte, limit int, bps float64) int {
	size := n
	if body != nil {
		size += len(body) + layerOverhead
	}
	if !e.config.Adaptive {
		e.model.init = 0
		e.model.note(size, blockSamples, bps)
	} else {
		_, delay := e.estimator.rate()
		least := e.model.minBytes(blockSamples, bps, float64(floor32(delay)))
		if body == nil {
			size = paddedSize(n, least, limit)
		} else {
			// Padding goes into the layer's body, whose length is bounded.
			size = max(size, min(least, limit, n+maxPadding))
		}
		e.model.sent(size, blockSamples, bps)
	}
	if body == nil {
		return len(pad(dst, n, size))
	}
	dst[n] = byte(size - n)
	padded := dst[n+1 : size-4]
	copy(padded, body)
	pad(padded, len(body), len(padded))
	binary.BigEndian.PutUint32(dst[size-4:], layerCRC(padded))
	return size
}

// Received tells the encoder of a payload from the other side, see
// Encoder.Received. send and arrival are samples at 32 kHz.
func (e *SuperWidebandEncoder) Received(payload []byte, seq uint16, send, arrival uint32) error {
	p := &e.received
	if err := p.read(&e.receivedRange, payload); err != nil {
		e.stats.Malformed++
		return err
	}
	e.stats.Received++
	var jitterHigh *bool
	if body := upperBody(payload, p.codeLength); body != nil && e.receivedUpper.read(&e.receivedRange, body) {
		jitterHigh = &e.receivedUpper.jitterHigh
	}
	e.estimator.heard(p.bandwidthIndex, jitterHigh)
	e.estimator.received(receivedPacket{
		seq: seq, frameMs: 30 * p.blocks, send: send / 2, arrival: arrival / 2,
		bytes: len(payload), bandwidthIndex: p.bandwidthIndex,
	})
	return nil
}
