package pixel

// Cosines of k*pi/16, Q12.
const (
	dctShift = 12
	cos1     = 4017
	cos2     = 3784
	cos3     = 3406
	cos4     = 2896
	cos5     = 2276
	cos6     = 1567
	cos7     = 799
	// Bits that are kept between the two passes.
	dctKeep = 3
)

// inverseDCT transforms dequantised coefficients in natural order into samples
// (A.3.3), with the level shift. last is the place of the last coefficient in the
// stream that is not zero; 0 means DC alone.
func inverseDCT(out *[64]byte, in *[64]int32, last int) {
	if last == 0 {
		v := clamp8(128 + (int(in[0])+4)>>3)
		for i := range out {
			out[i] = v
		}
		return
	}
	var mid [64]int
	for x := range 8 {
		if in[8+x]|in[16+x]|in[24+x]|in[32+x]|in[40+x]|in[48+x]|in[56+x] == 0 {
			v := (int(in[x])*cos4 + 1<<(dctShift-dctKeep-1)) >> (dctShift - dctKeep)
			for y := range 8 {
				mid[8*y+x] = v
			}
			continue
		}
		s := dct8(int(in[x]), int(in[8+x]), int(in[16+x]), int(in[24+x]), int(in[32+x]), int(in[40+x]), int(in[48+x]), int(in[56+x]))
		for y, v := range s {
			mid[8*y+x] = (v + 1<<(dctShift-dctKeep-1)) >> (dctShift - dctKeep)
		}
	}
	// Each pass is twice too large.
	const shift = dctShift + dctKeep + 2
	for y := range 8 {
		m := mid[8*y : 8*y+8 : 8*y+8]
		s := dct8(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7])
		o := out[8*y : 8*y+8 : 8*y+8]
		for x, v := range s {
			o[x] = clamp8(128 + (v+1<<(shift-1))>>shift)
		}
	}
}

// dct8 is twice the inverse transform of eight coefficients, Q12: even and odd
// coefficients apart, because they are symmetric and antisymmetric.
func dct8(c0, c1, c2, c3, c4, c5, c6, c7 int) [8]int {
	a, b := (c0+c4)*cos4, (c0-c4)*cos4
	c, d := c2*cos2+c6*cos6, c2*cos6-c6*cos2
	e0, e1, e2, e3 := a+c, b+d, b-d, a-c
	o0 := c1*cos1 + c3*cos3 + c5*cos5 + c7*cos7
	o1 := c1*cos3 - c3*cos7 - c5*cos1 - c7*cos5
	o2 := c1*cos5 - c3*cos1 + c5*cos7 + c7*cos3
	o3 := c1*cos7 - c3*cos5 + c5*cos3 - c7*cos1
	return [8]int{e0 + o0, e1 + o1, e2 + o2, e3 + o3, e3 - o3, e2 - o2, e1 - o1, e0 - o0}
}

func clamp8(v int) byte { return byte(min(max(v, 0), 255)) }
