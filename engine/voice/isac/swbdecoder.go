package isac

import "fmt"

// SuperWidebandRateHz is the sampling rate of super-wideband audio.
const SuperWidebandRateHz = 32000

// SuperWidebandDecoder decodes streams of one or two layers to 32 kHz, with the
// floating-point synthesis of section 8. Wideband payloads, of 60 ms too, decode
// to an empty upper band. It is not safe for concurrent use and allocates
// nothing after NewSuperWidebandDecoder.
type SuperWidebandDecoder struct {
	packet  packet
	ranges  rangeDecoder
	upper   upperBlock
	lowSyn  synthesis
	highSyn upperSynthesis
	bands   bandMerge
	fade    fadeOut
	stats   DecoderStats

	low, high [blockSamples]int16
}

// NewSuperWidebandDecoder returns a decoder in its start state.
func NewSuperWidebandDecoder() *SuperWidebandDecoder {
	d := new(SuperWidebandDecoder)
	d.Reset()
	return d
}

// Reset returns the decoder to its start state; Stats goes on counting.
func (d *SuperWidebandDecoder) Reset() {
	d.lowSyn.reset()
	d.highSyn.reset()
	d.bands = bandMerge{}
	d.fade = fadeOut{}
}

// RateHz returns the sampling rate of the decoded signal, 32000.
func (d *SuperWidebandDecoder) RateHz() int { return SuperWidebandRateHz }

// MaxSamples returns the longest output of Decode, 1920 samples (60 ms).
func (d *SuperWidebandDecoder) MaxSamples() int { return MaxBlocks * 2 * blockSamples }

// Samples returns how many samples a payload decodes to at 32 kHz, by its first
// symbol; 0 if that is malformed.
func (d *SuperWidebandDecoder) Samples(payload []byte) int {
	if checkSize(payload) != nil {
		return 0
	}
	d.ranges.reset(payload)
	blocks, _, err := readHeader(&d.ranges)
	if err != nil {
		return 0
	}
	return blocks * 2 * blockSamples
}

// Decode decodes a payload to pcm and returns the number of samples, 960 or
// 1920. On an error nothing has been written and the state is unchanged.
func (d *SuperWidebandDecoder) Decode(payload []byte, pcm []int16) (int, error) {
	if err := d.packet.read(&d.ranges, payload); err != nil {
		d.stats.Refused++
		return 0, err
	}
	for i := range d.packet.blocks {
		if m := d.packet.block[i].model; m != 0 {
			d.stats.Refused++
			return 0, fmt.Errorf("%w: LPC model %d, which no super-wideband encoder uses", ErrUnsupported, m)
		}
	}
	n := d.packet.blocks * 2 * blockSamples
	if len(pcm) < n {
		return 0, fmt.Errorf("%w: %d samples, need %d", ErrBufferTooSmall, len(pcm), n)
	}
	var body []byte
	if d.packet.blocks == 1 {
		body = upperBody(payload, d.packet.codeLength)
	}
	hasUpper := body != nil && d.upper.read(&d.ranges, body)
	for i := range d.packet.blocks {
		d.lowSyn.synthesize(&d.packet.block[i], d.low[:])
		if hasUpper {
			d.highSyn.synthesize(&d.upper, d.high[:])
		} else {
			d.highSyn.skip(d.high[:])
		}
		out := pcm[i*2*blockSamples : (i+1)*2*blockSamples]
		d.bands.merge(d.low[:], d.high[:], out)
	}
	d.fade.keep(&d.low)
	d.stats.BandwidthHz = lowerBandwidthHz
	if hasUpper {
		d.stats.UpperLayers++
		d.stats.BandwidthHz = d.upper.bandwidthHz()
	}
	d.stats.read(&d.packet, payload)
	return n, nil
}

// Conceal continues the signal by one block, 960 samples, in place of a lost
// one: the lower band's last pitch period is repeated and fades out.
func (d *SuperWidebandDecoder) Conceal(pcm []int16) (int, error) {
	if len(pcm) < 2*blockSamples {
		return 0, fmt.Errorf("%w: %d samples, need %d", ErrBufferTooSmall, len(pcm), 2*blockSamples)
	}
	d.stats.Concealed++
	d.fade.next(&d.low)
	d.highSyn.skip(d.high[:])
	d.bands.merge(d.low[:], d.high[:], pcm[:2*blockSamples])
	return 2 * blockSamples, nil
}
