package vp8

import (
	"errors"
	"fmt"
)

// Reference names a long-term reference frame: a picture that the decoder keeps
// until it is replaced, beside the one of the last frame.
type Reference uint8

// The two long-term references of section 9.7. ReferenceNone stands for none.
const (
	ReferenceNone Reference = iota
	ReferenceGolden
	ReferenceAltRef
)

// ErrFrameOptions is wrapped by errors about FrameOptions that cannot be met.
var ErrFrameOptions = errors.New("vp8: frame options")

// name is the reference frame that r stands for.
func (r Reference) name() uint8 { return [...]uint8{refIntra, refGolden, refAltRef}[r] }

// check reports options that this encoder cannot follow.
func (o *FrameOptions) check(e *Encoder) error {
	for _, r := range [2]Reference{o.Store, o.PredictFrom} {
		if r > ReferenceAltRef {
			return fmt.Errorf("%w: there is no reference %d", ErrFrameOptions, r)
		}
		if r == ReferenceAltRef && e.cfg.TemporalLayers == 3 {
			return fmt.Errorf("%w: altref belongs to the middle of three temporal layers; use golden", ErrFrameOptions)
		}
	}
	return nil
}

// applyOptions turns a frame's place in the layers into what opt asks for: a
// frame that is stored, or that mends a loss, belongs to the base layer.
func (e *Encoder) applyOptions(l *layerFrame, opt *FrameOptions) {
	if opt.Store == ReferenceNone && opt.PredictFrom == ReferenceNone {
		return
	}
	l.id, l.sync, l.refreshLast = 0, false, true
	switch opt.Store {
	case ReferenceGolden:
		l.refreshGolden, l.copyToGolden = true, encCopyNone
	case ReferenceAltRef:
		l.refreshAltRef, l.copyToAltRef = true, encCopyNone
	}
	// The other reference, if it is the newer one, may be among what the
	// receiver missed. It becomes a copy of this one.
	switch at := &e.storedAt; {
	case opt.PredictFrom == ReferenceGolden && at[1] > at[0] && !l.refreshAltRef && e.cfg.TemporalLayers < 3:
		l.copyToAltRef = encCopyOther
	case opt.PredictFrom == ReferenceAltRef && at[0] > at[1] && !l.refreshGolden:
		l.copyToGolden = encCopyOther
	}
}

// probChanges marks the probabilities that frames have changed for good. A
// decoder that missed some of them holds other values than we do.
type probChanges struct {
	coeff  [4][numCoeffBands][numCoeffContexts][numTokenProbs]bool
	mv     [2][numMVProbs]bool
	yMode  bool
	uvMode bool
}

// add marks what differs between two states.
func (c *probChanges) add(old, now *entropy) {
	if old.coeff != now.coeff {
		for t := range c.coeff {
			for b := range c.coeff[t] {
				for x := range c.coeff[t][b] {
					if old.coeff[t][b][x] == now.coeff[t][b][x] {
						continue
					}
					for i := range c.coeff[t][b][x] {
						if old.coeff[t][b][x][i] != now.coeff[t][b][x][i] {
							c.coeff[t][b][x][i] = true
						}
					}
				}
			}
		}
	}
	for axis := range c.mv {
		for i := range c.mv[axis] {
			if old.mv[axis][i] != now.mv[axis][i] {
				c.mv[axis][i] = true
			}
		}
	}
	c.yMode = c.yMode || old.yMode != now.yMode
	c.uvMode = c.uvMode || old.uvMode != now.uvMode
}

// trackReferences follows how old the long-term references are, and which
// probabilities a decoder may hold otherwise that has seen nothing since.
func (e *Encoder) trackReferences(h *encHeader) {
	changes, storedAt := &e.changes, e.storedAt
	if h.copyToGolden == encCopyOther || h.copyToAltRef == encCopyOther {
		e.oldChanges = *changes
	}
	copies := [2]int{h.copyToGolden, h.copyToAltRef}
	for i, stored := range [2]bool{h.key || h.refreshGolden, h.key || h.refreshAltRef} {
		c := &changes[i]
		switch {
		case stored:
			*c = probChanges{}
			e.storedAt[i] = e.frames
			continue
		case copies[i] == encCopyOther:
			*c = e.oldChanges[1-i]
			e.storedAt[i] = storedAt[1-i]
		case copies[i] == encCopyLast:
			// A copy brings its age with it, LAST's being unknown.
			c.all()
			e.storedAt[i] = e.frames
		}
		if h.refreshEntropy {
			c.add(&h.previous, &h.entropy)
		}
	}
}

// all marks everything.
func (c *probChanges) all() {
	for t := range c.coeff {
		for b := range c.coeff[t] {
			for x := range c.coeff[t][b] {
				for i := range c.coeff[t][b][x] {
					c.coeff[t][b][x][i] = true
				}
			}
		}
	}
	for axis := range c.mv {
		for i := range c.mv[axis] {
			c.mv[axis][i] = true
		}
	}
	c.yMode, c.uvMode = true, true
}
