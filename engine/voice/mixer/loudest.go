package mixer

import (
	"github.com/edgecam/edgecam/engine/fixed"
	"github.com/edgecam/edgecam/engine/media"
)

const (
	// fallShift is how fast a talker's level falls: 1/32 of the way per block, that
	// is 3 dB in 0.2 s: a pause between words does not cost the place.
	fallShift = 5
	// Who is heard stays while nobody without a place is keepFactor (3 dB) louder.
	keepFactor = 2
)

// Input is what a Mixer knows of a talker from one block to the next. The zero value
// is ready; it belongs to one Mixer.
type Input struct {
	block *media.Block
	level int64  // mean square of late
	round uint64 // in which it was added last, counted from 1
	heard bool   // in it
	in    bool   // is to be heard now
}

// AddFrom adds a talker's block to those of which the loudest are heard. The block
// must not change before Mix.
func (m *Mixer) AddFrom(t *Input, b *media.Block) {
	if t.begins(m) {
		t.level, t.heard = 0, false // it was silent
	}
	t.block, t.in = b, false
	t.level = max(t.level-t.level>>fallShift, fixed.Dot64(b.Samples[:], b.Samples[:])/media.BlockSamples)
	m.pending = append(m.pending, t)
}

// begins reports whether a talker was silent in the block before.
func (t *Input) begins(m *Mixer) bool { return t.round == 0 || t.round != m.round }

// rank is by what a talker is chosen.
func (t *Input) rank() int64 {
	if t.heard {
		return keepFactor * t.level
	}
	return t.level
}

// choose adds the loudest talkers to the sum, and fades those in and out who were
// not, or are no longer, among them.
func (m *Mixer) choose() {
	places := m.Loudest
	if places <= 0 || places > len(m.pending) {
		places = len(m.pending)
	}
	for range places {
		var best *Input
		for _, t := range m.pending {
			if !t.in && (best == nil || t.rank() > best.rank()) {
				best = t
			}
		}
		best.in = true
	}
	for i, t := range m.pending {
		switch before := t.heard || t.begins(m); {
		case t.in && before: // who begins to speak does so by himself
			m.Add(t.block)
		case t.in:
			m.fade(t.block, 0, 1)
			m.inputs++
		case t.heard:
			m.fade(t.block, media.BlockSamples, -1)
		}
		if !t.in {
			m.leftOut++
		}
		t.heard, t.block = t.in, nil
		t.round = m.round + 1
		m.pending[i] = nil
	}
	m.pending = m.pending[:0]
	m.round++
}

// fade adds a block with a weight that begins at from, of media.BlockSamples, and
// changes by step with every sample.
func (m *Mixer) fade(b *media.Block, from, step int32) {
	for i, s := range b.Samples {
		m.sum[i] += int32(s) * from / media.BlockSamples
		from += step
	}
}
