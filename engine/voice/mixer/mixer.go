// Package mixer adds several talkers into one signal without clipping.
//
// Samples are added in 32 bits. Where the sum would leave 16 bits, a limiter
// with instant attack and slow release turns the whole sum down, so that loud
// moments are scaled rather than cut off. Of many talkers the loudest alone can be
// heard: the others add little but their noise.
package mixer

import "github.com/edgecam/edgecam/engine/media"

const (
	gainOneQ15 = 1 << 15
	// ceiling is the largest sample let through, 0.2 dB below full scale.
	ceiling = 32000
	// releaseQ15 is how fast the gain comes back: 1/128 of the way per block,
	// that is about 1.3 s to recover from 6 dB.
	releaseShift = 7
	// attackRamp is the number of samples over which the gain changes inside a
	// block, so that a step does not click.
	rampShift = 6 // 64 samples
)

// Mixer mixes blocks. The zero value is ready. It is for one goroutine.
type Mixer struct {
	// Loudest is how many of the talkers of AddFrom are heard at a time; 0: all.
	Loudest int

	pending []*Input // of this block
	round   uint64   // blocks mixed
	leftOut int64
	sum     [media.BlockSamples]int32
	gainQ15 int32
	inputs  int
	limited int64
}

// Add adds a talker's block to the sum.
func (m *Mixer) Add(b *media.Block) {
	for i, s := range b.Samples {
		m.sum[i] += int32(s)
	}
	m.inputs++
}

// Mix writes the sum of all blocks added since the last call to out (silence if
// there was none) and returns how many are heard.
func (m *Mixer) Mix(out *media.Block) int {
	m.choose()
	n := m.inputs
	m.inputs = 0
	if m.gainQ15 == 0 {
		m.gainQ15 = gainOneQ15
	}
	var peak int32
	for _, s := range m.sum {
		peak = max(peak, s, -s)
	}
	target := m.gainQ15 + (gainOneQ15-m.gainQ15+(1<<releaseShift)-1)>>releaseShift
	if int64(peak)*int64(target) > ceiling<<15 {
		target = int32(int64(ceiling) << 15 / int64(peak))
		m.limited++
	}
	gain, step := m.gainQ15, (target-m.gainQ15)>>rampShift
	for i, s := range m.sum {
		if i < 1<<rampShift {
			gain += step
		} else {
			gain = target
		}
		v := int64(s) * int64(gain) >> 15
		out.Samples[i] = int16(min(max(v, -32768), 32767))
		m.sum[i] = 0
	}
	m.gainQ15 = target
	return n
}

// LeftOut returns the number of blocks of talkers who were not among the loudest.
func (m *Mixer) LeftOut() int64 { return m.leftOut }

// Limited returns the number of blocks that the limiter turned down.
func (m *Mixer) Limited() int64 { return m.limited }
