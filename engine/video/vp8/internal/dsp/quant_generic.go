package dsp

func quantizeGeneric(levels, dequant, coef *[16]int16, m *QuantMatrix, first int) (eob int) {
	levels[0], dequant[0] = 0, 0
	for n := first; n < 16; n++ {
		i := ZigZag[n] & 15
		v := int32(coef[i])
		sign := v >> 31
		mag := (v ^ sign) - sign
		if mag < int32(m.ZeroBin[i]) {
			levels[n], dequant[i] = 0, 0
			continue
		}
		q := int32(uint32(mag+int32(m.Round[i])) * uint32(m.MulQ16[i]) >> 16)
		l := int16((q ^ sign) - sign)
		levels[n], dequant[i] = l, l*m.Dequant[i]
		if q != 0 {
			eob = n + 1
		}
	}
	return eob
}
