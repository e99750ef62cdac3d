package dsp

// sqrt(2)*sin(pi/8) and sqrt(2)*cos(pi/8), Q12: the rotation of the odd half.
const (
	sinQ12 = 2217
	cosQ12 = 5352
)

// fdctGeneric works on rows, then columns. Rows are scaled by 8 (range
// +-8160), and the columns' 16 is taken off at the end, so that every
// intermediate fits 16 bits and every product of two terms 32.
func fdctGeneric(coef *[16]int16, src []byte, ss int, pred []byte, ps int) {
	var t [16]int32
	for i := range 4 {
		s, p := src[i*ss:i*ss+4], pred[i*ps:i*ps+4]
		d0, d1 := int32(s[0])-int32(p[0]), int32(s[1])-int32(p[1])
		d2, d3 := int32(s[2])-int32(p[2]), int32(s[3])-int32(p[3])
		a, b, c, d := (d0+d3)<<3, (d1+d2)<<3, (d1-d2)<<3, (d0-d3)<<3
		t[4*i] = a + b
		t[4*i+1] = (c*sinQ12 + d*cosQ12 + 1<<11) >> 12
		t[4*i+2] = a - b
		t[4*i+3] = (d*sinQ12 - c*cosQ12 + 1<<11) >> 12
	}
	for i := range 4 {
		a, b := t[i]+t[12+i], t[4+i]+t[8+i]
		c, d := t[4+i]-t[8+i], t[i]-t[12+i]
		coef[i] = int16((a + b + 7) >> 4)
		coef[4+i] = int16((c*sinQ12 + d*cosQ12 + 1<<15) >> 16)
		coef[8+i] = int16((a - b + 7) >> 4)
		coef[12+i] = int16((d*sinQ12 - c*cosQ12 + 1<<15) >> 16)
	}
}

func fwhtGeneric(out, coef []int16) {
	var t [16]int16
	for i := range 4 {
		in := coef[64*i : 64*i+49]
		a, b := in[0]+in[48], in[16]+in[32]
		c, d := in[16]-in[32], in[0]-in[48]
		t[4*i], t[4*i+1], t[4*i+2], t[4*i+3] = a+b, c+d, a-b, d-c
	}
	for i := range 4 {
		a, b := t[i]+t[12+i], t[4+i]+t[8+i]
		c, d := t[4+i]-t[8+i], t[i]-t[12+i]
		out[i], out[4+i] = halve(a+b), halve(c+d)
		out[8+i], out[12+i] = halve(a-b), halve(d-c)
	}
}

// halve rounds half away from zero.
func halve(v int16) int16 {
	if v > 0 {
		v++
	}
	return v >> 1
}
