package dsp

// sqrt(2)*sin(pi/8) and sqrt(2)*cos(pi/8)-1, Q16 (14.3).
const (
	sinQ16       = 35468
	cosMinus1Q16 = 20091
)

func mulSin(v int16) int16 { return int16(int32(v) * sinQ16 >> 16) }
func mulCos(v int16) int16 { return v + int16(int32(v)*cosMinus1Q16>>16) }

// idctAddGeneric works on columns, then rows, as the RFC orders it: the
// truncations make the order matter.
func idctAddGeneric(dst []byte, ds int, pred []byte, ps int, coef *[16]int16) {
	var t [16]int16
	for i := range 4 {
		a, b := coef[i]+coef[8+i], coef[i]-coef[8+i]
		c := mulSin(coef[4+i]) - mulCos(coef[12+i])
		d := mulCos(coef[4+i]) + mulSin(coef[12+i])
		t[i], t[4+i], t[8+i], t[12+i] = a+d, b+c, b-c, a-d
	}
	for i := range 4 {
		r := t[4*i : 4*i+4]
		a, b := r[0]+r[2]+4, r[0]-r[2]+4
		c := mulSin(r[1]) - mulCos(r[3])
		d := mulCos(r[1]) + mulSin(r[3])
		o, p := dst[i*ds:i*ds+4], pred[i*ps:i*ps+4]
		o[0] = clamp255(int32(p[0]) + int32((a+d)>>3))
		o[1] = clamp255(int32(p[1]) + int32((b+c)>>3))
		o[2] = clamp255(int32(p[2]) + int32((b-c)>>3))
		o[3] = clamp255(int32(p[3]) + int32((a-d)>>3))
	}
}

func idctAddDCGeneric(dst []byte, ds int, pred []byte, ps int, dc int16) {
	v := int32((dc + 4) >> 3)
	for i := range 4 {
		o, p := dst[i*ds:i*ds+4], pred[i*ps:i*ps+4]
		o[0], o[1] = clamp255(int32(p[0])+v), clamp255(int32(p[1])+v)
		o[2], o[3] = clamp255(int32(p[2])+v), clamp255(int32(p[3])+v)
	}
}

func iwhtGeneric(coef, y2 []int16) {
	var t [16]int16
	for i := range 4 {
		a, b := y2[i]+y2[12+i], y2[4+i]+y2[8+i]
		c, d := y2[4+i]-y2[8+i], y2[i]-y2[12+i]
		t[i], t[4+i], t[8+i], t[12+i] = a+b, c+d, a-b, d-c
	}
	for i := range 4 {
		r := t[4*i : 4*i+4]
		a, b := r[0]+r[3]+3, r[1]+r[2]
		c, d := r[1]-r[2], r[0]-r[3]+3
		o := coef[64*i : 64*i+49]
		o[0], o[16], o[32], o[48] = (a+b)>>3, (c+d)>>3, (a-b)>>3, (d-c)>>3
	}
}

func clamp255(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31))
	}
	return byte(v)
}
