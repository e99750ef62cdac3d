package vp8

import (
	"encoding/binary"

	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

// reconstruct predicts macroblock i of the grid, in column mbx and row mby, unless
// it is still and so has been predicted, and adds its residue, if it has any, which it leaves zero.
func (d *Decoder) reconstruct(mb *mbInfo, mbx, mby, i int, c *residue) {
	if !mb.still() {
		d.predict(mb, mbx, mby, i, c)
	}
	if mb.coded {
		d.addResidue(mb, mbx, mby, c)
	}
}

// predict predicts a macroblock. Where each subblock is predicted from the one
// before, it adds the residue of luma, too.
func (d *Decoder) predict(mb *mbInfo, mbx, mby, i int, c *residue) {
	g, cur := d.grid, d.cur
	if mb.ref != refIntra {
		d.inter.predict(cur, d.refs[mb.ref], mbx, mby, mb, &g.vectors[i])
		return
	}
	predictWhole(&cur.u, mbx, mby, 8, mb.uvMode)
	predictWhole(&cur.v, mbx, mby, 8, mb.uvMode)
	if mb.yMode != modeB {
		predictWhole(&cur.y, mbx, mby, 16, mb.yMode)
		return
	}
	if !mb.coded {
		c = nil
	}
	reconstructSubblocks(&cur.y, mbx, mby, g.w, &g.modes[i], c)
}

func (d *Decoder) addResidue(mb *mbInfo, mbx, mby int, c *residue) {
	cur := d.cur
	if mb.yMode != modeB {
		if mb.hasY2() {
			if c.eob[24] > 1 {
				dsp.IWHT(c.coeff[:], c.coeff[24*16:])
			} else {
				dsp.IWHTDC(c.coeff[:], c.coeff[24*16])
			}
			clear(c.coeff[24*16:])
		}
		y := cur.y.pix[cur.y.at(mbx*16, mby*16):]
		dsp.IDCTAdd16x16(y, cur.y.stride, y, cur.y.stride, c.coeff[:], c.eob[:])
	}
	clear(c.coeff[:16*16])
	if binary.LittleEndian.Uint32(c.eob[dsp.BlockU:dsp.BlockU+4]) != 0 {
		addChroma(&cur.u, mbx, mby, c, dsp.BlockU)
	}
	if binary.LittleEndian.Uint32(c.eob[dsp.BlockV:dsp.BlockV+4]) != 0 {
		addChroma(&cur.v, mbx, mby, c, dsp.BlockV)
	}
}

func addChroma(p *plane, mbx, mby int, c *residue, first int) {
	out := p.pix[p.at(mbx*8, mby*8):]
	coeff := c.coeff[first*16:][:4*16]
	dsp.IDCTAdd8x8(out, p.stride, out, p.stride, coeff, c.eob[first:first+4])
	clear(coeff)
}
