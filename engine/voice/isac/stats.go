package isac

import "time"

// Estimate is what the bandwidth estimator knows of both directions (13).
type Estimate struct {
	// ReceiveBps is the estimated rate of the bottleneck toward this side, and
	// ReceiveJitter how much packets' delays vary there. What the other side is
	// told is coarser: one of 12 or 24 rates, and whether delay is high.
	ReceiveBps    int
	ReceiveJitter time.Duration
	// SendBps and SendDelayMs are what the other side reports of the path toward
	// it, smoothed: the rate an adaptive encoder keeps to, and the delay in ms,
	// 5..25, that its bursts may cause.
	SendBps, SendDelayMs int
}

// EncoderStats tells what an encoder has done since it was made.
type EncoderStats struct {
	// Payloads written, their bytes, and how many of these bytes are padding.
	Payloads, Bytes, PaddingBytes uint64
	// Recoded blocks exceeded the payload limit and were coded again more
	// coarsely; TooLarge blocks could not be made to fit.
	Recoded, TooLarge uint64
	// FrameDuration is the length of the packet being filled or last written.
	FrameDuration time.Duration
	// BandwidthHz is the last payload's audio bandwidth: 8000, 12000 or 16000.
	BandwidthHz int
	// TargetBps is the last payload's target. RateBps is what came out, code and
	// padding without packet headers, averaged over about a second.
	TargetBps, RateBps int
	// Received payloads were reported by Received; Malformed ones were not.
	Received, Malformed uint64
	// Estimate is the bandwidth estimator's state.
	Estimate Estimate
}

// DecoderStats tells what a decoder has done since it was made.
type DecoderStats struct {
	// Payloads decoded, and their bytes with padding and upper layers.
	Payloads, Bytes uint64
	// Refused payloads gave an error.
	Refused uint64
	// Concealed blocks of 30 ms took the place of lost ones.
	Concealed uint64
	// UpperLayers decoded (super-wideband only).
	UpperLayers uint64
	// FrameDuration, BandwidthIndex (what the other side reports of the path
	// toward it, 3.2) and BandwidthHz (8000, 12000 or 16000) are the last
	// payload's.
	FrameDuration  time.Duration
	BandwidthIndex int
	BandwidthHz    int
	// RateBps is the rate received, without packet headers, averaged over about a
	// second of decoded payloads.
	RateBps int
}

// rateMeterMs is the time constant of the rates in statistics.
const rateMeterMs = 1000

// averageRate moves an average rate toward that of a payload.
func averageRate(bps *int, bytes, blocks int) {
	ms := 30 * blocks
	now := bytes * 8000 / ms
	if *bps == 0 {
		*bps = now
		return
	}
	*bps += (now - *bps) * ms / rateMeterMs
}

// wrote counts a payload of size bytes, code of which are not padding.
func (s *EncoderStats) wrote(size, code, blocks int) {
	s.Payloads++
	s.Bytes += uint64(size)
	s.PaddingBytes += uint64(size - code)
	averageRate(&s.RateBps, size, blocks)
}

// read counts a decoded payload.
func (s *DecoderStats) read(p *packet, payload []byte) {
	s.Payloads++
	s.Bytes += uint64(len(payload))
	s.FrameDuration = time.Duration(p.blocks) * shortFrame
	s.BandwidthIndex = p.bandwidthIndex
	averageRate(&s.RateBps, len(payload), p.blocks)
}

// bandwidthHz returns the audio bandwidth with an upper layer as b says.
func (b *upperBlock) bandwidthHz() int {
	if b.full {
		return 16000
	}
	return 12000
}

// lowerBandwidthHz is the audio bandwidth without an upper layer.
const lowerBandwidthHz = 8000

// Stats returns what the encoder has done and what the bandwidth estimator knows.
func (e *Encoder) Stats() EncoderStats {
	s := e.stats
	s.Recoded = e.lower.recoded
	s.BandwidthHz = lowerBandwidthHz
	bps, delay := e.estimator.rate()
	s.Estimate = Estimate{
		ReceiveBps:    int(e.estimator.recBps),
		ReceiveJitter: time.Duration(int64(e.estimator.jitterQ15) * int64(time.Millisecond) >> 15),
		SendBps:       int(bps), SendDelayMs: int(delay),
	}
	return s
}

// Stats returns what the encoder has done and what the bandwidth estimator knows.
func (e *SuperWidebandEncoder) Stats() EncoderStats {
	s := e.stats
	s.Recoded = e.lower.recoded + e.upper.recoded
	s.FrameDuration = shortFrame
	bps, delay := e.estimator.rate()
	s.Estimate = Estimate{
		ReceiveBps:    int(e.estimator.rec),
		ReceiveJitter: time.Duration(e.estimator.jitter * float32(time.Millisecond)),
		SendBps:       int(bps), SendDelayMs: int(delay),
	}
	return s
}

// Stats returns what the decoder has done.
func (d *Decoder) Stats() DecoderStats { return d.stats }

// Stats returns what the decoder has done.
func (d *SuperWidebandDecoder) Stats() DecoderStats { return d.stats }
