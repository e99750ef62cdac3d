package dsp

// The arithmetic of 15.2 and 15.3 is on samples less 128, saturated to 8 bits.

func clampS8(v int32) int32 { return min(max(v, -128), 127) }

func signed(p byte) int32   { return int32(int8(p ^ 0x80)) }
func unsigned(v int32) byte { return byte(clampS8(v)) ^ 0x80 }

func absDiff(a, b byte) int32 { return int32(abs(int(a) - int(b))) }

// filterSimpleGeneric filters one edge of n samples: off is the first sample
// after the edge, across the step over the edge, along the step along it.
func filterSimpleGeneric(pix []byte, off, across, along, n int, limit uint8) {
	for i := range n {
		o := off + i*along
		p1, p0, q0, q1 := pix[o-2*across], pix[o-across], pix[o], pix[o+across]
		if absDiff(p0, q0)*2+absDiff(p1, q1)>>1 > int32(limit) {
			continue
		}
		a := clampS8(clampS8(signed(p1)-signed(q1)) + 3*(signed(q0)-signed(p0)))
		pix[o] = unsigned(signed(q0) - clampS8(a+4)>>3)
		pix[o-across] = unsigned(signed(p0) + clampS8(a+3)>>3)
	}
}

// filterYes is the decision of the normal filter: p is the four samples before
// the edge (nearest first), q the four after.
func filterYes(p, q *[4]byte, edge, interior int32) bool {
	return absDiff(p[0], q[0])*2+absDiff(p[1], q[1])>>1 <= edge &&
		absDiff(p[3], p[2]) <= interior && absDiff(p[2], p[1]) <= interior && absDiff(p[1], p[0]) <= interior &&
		absDiff(q[3], q[2]) <= interior && absDiff(q[2], q[1]) <= interior && absDiff(q[1], q[0]) <= interior
}

func load8(pix []byte, o, across int) (p, q [4]byte) {
	p = [4]byte{pix[o-across], pix[o-2*across], pix[o-3*across], pix[o-4*across]}
	q = [4]byte{pix[o], pix[o+across], pix[o+2*across], pix[o+3*across]}
	return p, q
}

// filterMBGeneric filters a macroblock edge.
func filterMBGeneric(pix []byte, off, across, along, n int, f *MBFilter) {
	for i := range n {
		o := off + i*along
		p, q := load8(pix, o, across)
		if !filterYes(&p, &q, int32(f.MBLimit), int32(f.Interior)) {
			continue
		}
		p0, p1, p2 := signed(p[0]), signed(p[1]), signed(p[2])
		q0, q1, q2 := signed(q[0]), signed(q[1]), signed(q[2])
		w := clampS8(clampS8(p1-q1) + 3*(q0-p0))
		if hev := int32(f.HEVThreshold); absDiff(p[1], p[0]) > hev || absDiff(q[1], q[0]) > hev {
			pix[o] = unsigned(q0 - clampS8(w+4)>>3)
			pix[o-across] = unsigned(p0 + clampS8(w+3)>>3)
			continue
		}
		a := clampS8((27*w + 63) >> 7)
		pix[o], pix[o-across] = unsigned(q0-a), unsigned(p0+a)
		a = clampS8((18*w + 63) >> 7)
		pix[o+across], pix[o-2*across] = unsigned(q1-a), unsigned(p1+a)
		a = clampS8((9*w + 63) >> 7)
		pix[o+2*across], pix[o-3*across] = unsigned(q2-a), unsigned(p2+a)
	}
}

// filterSubGeneric filters an edge inside a macroblock.
func filterSubGeneric(pix []byte, off, across, along, n int, f *MBFilter) {
	for i := range n {
		o := off + i*along
		p, q := load8(pix, o, across)
		if !filterYes(&p, &q, int32(f.SubLimit), int32(f.Interior)) {
			continue
		}
		p0, p1, q0, q1 := signed(p[0]), signed(p[1]), signed(q[0]), signed(q[1])
		hev := absDiff(p[1], p[0]) > int32(f.HEVThreshold) || absDiff(q[1], q[0]) > int32(f.HEVThreshold)
		var outer int32
		if hev {
			outer = clampS8(p1 - q1)
		}
		a := clampS8(outer + 3*(q0-p0))
		b := clampS8(a+3) >> 3
		a = clampS8(a+4) >> 3
		pix[o], pix[o-across] = unsigned(q0-a), unsigned(p0+b)
		if !hev {
			a = (a + 1) >> 1
			pix[o+across], pix[o-2*across] = unsigned(q1-a), unsigned(p1+a)
		}
	}
}
