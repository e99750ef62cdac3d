package vp8

import "github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"

// reconstruct predicts macroblock i of the grid, in column mbx and row mby, and
// adds its residue, if it has any, which it leaves zero.
func (d *Decoder) reconstruct(mb *mbInfo, mbx, mby, i int, c *residue) {
	g, cur := d.grid, d.cur
	if !mb.coded {
		c = nil
	}
	if mb.ref == refIntra {
		predictWhole(&cur.u, mbx, mby, 8, mb.uvMode)
		predictWhole(&cur.v, mbx, mby, 8, mb.uvMode)
		if mb.yMode == modeB {
			reconstructSubblocks(&cur.y, mbx, mby, g.w, &g.modes[i], c)
		} else {
			predictWhole(&cur.y, mbx, mby, 16, mb.yMode)
		}
	} else {
		d.inter.predict(cur, d.refs[mb.ref], mbx, mby, mb, &g.vectors[i])
	}
	if c == nil {
		return
	}
	if mb.yMode != modeB {
		if mb.hasY2() {
			if c.eob[24] > 1 {
				dsp.IWHT(c.coeff[:], c.coeff[24*16:])
			} else {
				dsp.IWHTDC(c.coeff[:], c.coeff[24*16])
			}
		}
		y := cur.y.pix[cur.y.at(mbx*16, mby*16):]
		dsp.IDCTAdd16x16(y, cur.y.stride, y, cur.y.stride, c.coeff[:], c.eob[:])
	}
	addChroma(&cur.u, mbx, mby, c, dsp.BlockU)
	addChroma(&cur.v, mbx, mby, c, dsp.BlockV)
	c.coeff = [25 * 16]int16{}
}

func addChroma(p *plane, mbx, mby int, c *residue, first int) {
	e := c.eob[first : first+4]
	if e[0]|e[1]|e[2]|e[3] == 0 {
		return
	}
	out := p.pix[p.at(mbx*8, mby*8):]
	dsp.IDCTAdd8x8(out, p.stride, out, p.stride, c.coeff[first*16:], e)
}
