package ilbc

// lsf is a spectral envelope as ten line spectral frequencies in rad, Q13.
type lsf [order]int16

// Bounds of decoded frequencies (section 3.2.5) in rad, Q13.
const (
	minGapQ13  = 319   // 50 Hz
	halfGapQ13 = 160   // by which each of two close neighbours is moved
	lowestQ13  = 82    // 0.01
	highestQ13 = 25723 // 3.14
)

// dequantize looks up the split vector quantizer (section 3.2.4).
func (l *lsf) dequantize(index []int16) {
	copy(l[0:3], lsfBookLowQ13[index[0]][:])
	copy(l[3:6], lsfBookMidQ13[index[1]][:])
	copy(l[6:10], lsfBookHighQ13[index[2]][:])
}

// stabilize keeps the frequencies apart and inside their range (section 3.2.5).
func (l *lsf) stabilize() {
	for range 2 {
		for k := range order - 1 {
			a, b := l[k], l[k+1]
			switch gap := int32(b) - int32(a); {
			case gap < 0:
				b = a + halfGapQ13
				a = b - halfGapQ13
			case gap < minGapQ13:
				a -= halfGapQ13
				b += halfGapQ13
			}
			l[k], l[k+1] = min(max(a, lowestQ13), highestQ13), b
		}
	}
}

// mix sets l to weight·older + (1-weight)·newer.
func (l *lsf) mix(older, newer *lsf, weightQ14 int16) {
	w := int32(weightQ14)
	for i := range l {
		l[i] = int16((w*int32(older[i]) + (1<<14-w)*int32(newer[i]) + 1<<13) >> 14)
	}
}

// predictor converts the frequencies to A(z) (section 4.1).
func (l *lsf) predictor(a *predictor) {
	var cos [order]int32 // Q15
	for i, w := range l {
		turn := int32(w) * 20861 >> 15 // of a half circle, Q14; 20861 is 1/(2·pi) in Q17
		k := min(max(turn>>8, 0), int32(len(cosineQ15)-1))
		cos[i] = int32(int16(int32(cosineQ15[k]) + int32(cosineSlopeQ19[k])*(turn&0xff)>>12))
	}
	var sum, diff [order/2 + 1]int32 // Q24
	expand(&sum, &cos, 0)
	expand(&diff, &cos, 1)
	for i := order / 2; i > 0; i-- {
		sum[i] += sum[i-1]
		diff[i] -= diff[i-1]
	}
	a[0] = 1 << 12
	for i := 1; i <= order/2; i++ {
		a[i] = int16((sum[i] + diff[i] + 1<<12) >> 13)
		a[order+1-i] = int16((sum[i] - diff[i] + 1<<12) >> 13)
	}
}

// expand multiplies out the product of 1 - 2·cos(w)/z + 1/z² over every second
// frequency from first on, as far as the middle of the symmetric result.
func expand(f *[order/2 + 1]int32, cosQ15 *[order]int32, first int) {
	f[0] = 1 << 24
	f[1] = -cosQ15[first] << 10
	for i := 2; i <= order/2; i++ {
		c := cosQ15[first+2*(i-1)]
		f[i] = f[i-2]
		for j := i; j > 1; j-- {
			hi, lo := split(f[j-1])
			f[j] += f[j-2] - 4*hi*c - 4*(lo*c>>15)
		}
		f[1] -= c << 10
	}
}

// widen moves the roots of A(z) inward by the powers of chirp.
func (a *predictor) widen(in *predictor, chirpQ15 *predictor) {
	a[0] = in[0]
	for i := 1; i <= order; i++ {
		a[i] = int16((int32(chirpQ15[i])*int32(in[i]) + 1<<14) >> 15)
	}
}

// interpolation returns, for a sub-frame, which two of the envelopes (0 is that
// of the frame before) it lies between and the share of the older one (sections
// 3.2.6 and 3.2.7).
func (g *geometry) interpolation(sub int) (older, newer int, weightQ14 int16) {
	switch {
	case g.lpcSets == 1:
		return 0, 1, weights20Q14[sub]
	case sub == 0:
		return 0, 1, weights30Q14[0]
	default:
		return 1, 2, weights30Q14[sub]
	}
}
