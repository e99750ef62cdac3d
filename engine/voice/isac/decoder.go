package isac

import "fmt"

// Decoder decodes a wideband stream (16 kHz) in the integer arithmetic of
// Annex A, sample for sample like the deployed fixed-point decoders
// unless DecoderConfig says otherwise. The upper
// layer of super-wideband payloads is skipped. It is not safe for concurrent
// use and allocates nothing after NewDecoder.
type Decoder struct {
	packet  packet
	ranges  rangeDecoder
	synth   fixedSynthesis
	areaMap larMap
	stats   DecoderStats
}

const (
	// WidebandRateHz is the sampling rate of wideband audio.
	WidebandRateHz = 16000
	// MaxBlocks is how many blocks of 30 ms a payload holds at most.
	MaxBlocks = 2
	// BlockSamples is the length of a block at 16 kHz, 30 ms.
	BlockSamples = blockSamples
)

// DecoderConfig sets a decoder up; the zero value decodes like the deployed
// fixed-point decoders.
type DecoderConfig struct {
	// ExactMap takes log-area ratios for what they say instead of by the
	// piecewise linear map of A.3. It is right for streams of floating-point
	// encoders and of Encoder without PiecewiseMap; a payload does not tell.
	ExactMap bool
}

// NewDecoder returns a decoder in its start state.
func NewDecoder(config DecoderConfig) *Decoder {
	d := &Decoder{areaMap: larMap(!config.ExactMap)}
	d.Reset()
	return d
}

// Reset returns the decoder to its start state; Stats goes on counting.
func (d *Decoder) Reset() { d.synth.reset(d.areaMap) }

// RateHz returns the sampling rate of the decoded signal, 16000.
func (d *Decoder) RateHz() int { return WidebandRateHz }

// MaxSamples returns the longest output of Decode, 960 samples (60 ms).
func (d *Decoder) MaxSamples() int { return MaxBlocks * blockSamples }

// Samples returns how many samples a payload decodes to at 16 kHz, by its first
// symbol; 0 if that is malformed.
func (d *Decoder) Samples(payload []byte) int {
	if checkSize(payload) != nil {
		return 0
	}
	d.ranges.reset(payload)
	blocks, _, err := readHeader(&d.ranges)
	if err != nil {
		return 0
	}
	return blocks * blockSamples
}

// Decode decodes a payload to pcm and returns the number of samples, 480 or
// 960. On an error nothing has been written and the state is unchanged: the
// caller then conceals.
func (d *Decoder) Decode(payload []byte, pcm []int16) (int, error) {
	if err := d.packet.read(&d.ranges, payload); err != nil {
		d.stats.Refused++
		return 0, err
	}
	n := d.packet.blocks * blockSamples
	if len(pcm) < n {
		return 0, fmt.Errorf("%w: %d samples, need %d", ErrBufferTooSmall, len(pcm), n)
	}
	for i := range d.packet.blocks {
		d.synth.synthesize(&d.packet.block[i], pcm[i*blockSamples:])
	}
	d.stats.BandwidthHz = lowerBandwidthHz
	d.stats.read(&d.packet, payload)
	return n, nil
}

// Conceal continues the signal by one block, 480 samples, in place of a lost
// one. A lost payload of 60 ms takes two calls. Before the first good payload
// the output is silence.
func (d *Decoder) Conceal(pcm []int16) (int, error) {
	if len(pcm) < blockSamples {
		return 0, fmt.Errorf("%w: %d samples, need %d", ErrBufferTooSmall, len(pcm), blockSamples)
	}
	d.synth.concealBlock(pcm)
	d.stats.Concealed++
	return blockSamples, nil
}
