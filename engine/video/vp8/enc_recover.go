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
func (l *layerFrame) applyOptions(opt *FrameOptions) {
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

// trackChanges follows which probabilities a decoder may hold otherwise that has
// seen nothing since the frame in a long-term reference.
func (e *Encoder) trackChanges(h *encHeader) {
	for i := range e.changes {
		c := &e.changes[i]
		stored := h.refreshGolden
		if i == 1 {
			stored = h.refreshAltRef
		}
		switch {
		case h.key || stored:
			*c = probChanges{}
		case h.refreshEntropy:
			c.add(&h.previous, &h.entropy)
		}
	}
	// A reference that is copied brings its age with it, LAST's being unknown.
	switch h.copyToGolden {
	case encCopyLast:
		e.changes[0].all()
	case encCopyOther:
		e.changes[0] = e.changes[1]
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
