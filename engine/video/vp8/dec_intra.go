package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// Samples outside the frame (section 12.2): 127 above, 129 to the left; the
// corner belongs to the row above in the first row, else to the left column.
const (
	outsideAbove = 127
	outsideLeft  = 129
)

var outsideAboveRight = [4]byte{outsideAbove, outsideAbove, outsideAbove, outsideAbove}

func corner(p *plane, off, mbx, mby int) byte {
	switch {
	case mby == 0:
		return outsideAbove
	case mbx == 0:
		return outsideLeft
	}
	return p.pix[off-p.stride-1]
}

// predictWhole predicts a size by size block (16 luma, 8 chroma) of macroblock
// (mbx, mby) by one of the whole-block modes.
func predictWhole(p *plane, mbx, mby, size int, mode uint8) {
	off := p.at(mbx*size, mby*size)
	var above, left []byte
	var column [16]byte
	if mby > 0 {
		above = p.pix[off-p.stride:][:size]
	}
	if mbx > 0 {
		left = column[:size]
		for i := range left {
			left[i] = p.pix[off-1+i*p.stride]
		}
	}
	c := corner(p, off, mbx, mby)
	if size == 16 {
		dsp.Intra16x16(p.pix[off:], p.stride, dsp.IntraMode(mode), above, left, c)
	} else {
		dsp.Intra8x8(p.pix[off:], p.stride, dsp.IntraMode(mode), above, left, c)
	}
}

// reconstructSubblocks predicts the 16 luma subblocks of macroblock (mbx, mby)
// one after the other, each from its reconstructed neighbours, and adds the
// residue (nil for none).
func reconstructSubblocks(p *plane, mbx, mby, mbw int, modes *subblockModes, c *residue) {
	off, stride := p.at(mbx*16, mby*16), p.stride
	// Neighbours outside the frame are written to the border, which is filled
	// for good only when nobody predicts from it any more.
	if mby == 0 {
		fill(p.pix[off-stride-1:off-stride+16], outsideAbove)
	}
	if mbx == 0 {
		if mby > 0 {
			p.pix[off-stride-1] = outsideLeft
		}
		for y := range 16 {
			p.pix[off-1+y*stride] = outsideLeft
		}
	}
	// All blocks of the fourth column take what lies above and to the right of
	// the macroblock; beyond the frame's right edge that is above its end.
	var right [4]byte
	switch {
	case mby == 0:
		right = outsideAboveRight
	case mbx == mbw-1:
		fill(right[:], p.pix[off-stride+15])
	default:
		copy(right[:], p.pix[off-stride+16:])
	}
	var edge dsp.Edge4
	for b := range 16 {
		o := off + b>>2*4*stride + b&3*4
		if b&3 == 3 {
			edge.Gather(p.pix, o, stride, right[:])
		} else {
			edge.Gather(p.pix, o, stride, p.pix[o-stride+4:])
		}
		out := p.pix[o:]
		dsp.Intra4x4(out, stride, dsp.IntraMode4(modes[b]), &edge)
		if c == nil {
			continue
		}
		switch coeff := c.block(b); {
		case c.eob[b] > 1:
			dsp.IDCTAdd(out, stride, out, stride, coeff[:])
		case c.eob[b] == 1:
			dsp.IDCTAddDC(out, stride, out, stride, coeff[0])
		}
	}
}
