package ilbc

import "github.com/edgecam/edgecam/engine/fixed"

const (
	lookBack    = 60 // samples before the frame that the analysis window covers
	windowLen   = maxSamples
	unstableQ15 = 32750 // reflection coefficient from which on a filter counts as unstable
)

// mulSplit is the upper half of a product of two numbers in the form of split.
func mulSplit(ahi, alo, bhi, blo int32) int32 {
	return ahi*bhi + ahi*blo>>15 + alo*bhi>>15
}

// autocorrelate fills r with the tapered autocorrelation of x (section 3.2.1).
// Only ratios matter, so it is scaled at will.
func autocorrelate(r *[order + 1]int32, x *[windowLen]int16) {
	peak := peakOf(x[:])
	var shift uint
	if peak != 0 {
		shift = uint(max(bitLen(windowLen)-norm(peak*peak), 0))
	}
	for k := range r {
		r[k] = correlate(x[:windowLen-k], x[k:], shift)
	}
	up := norm(r[0])
	for k, v := range r {
		hi, lo := split(v << up)
		whi, wlo := split(lagWindowQ31[k])
		r[k] = (hi*whi<<1 + hi*wlo>>14 + lo*whi>>14) >> up
	}
}

// divideSplit is num/den in Q31 for 0 <= num <= den, den normalized, by one step
// of Newton's method.
func divideSplit(num, denHi, denLo int32) int32 {
	approx := int32(int16(quotient(0x1fffffff, int16(denHi)))) // Q14
	hi, lo := split(1<<31 - 1 - (denHi*approx<<1 + denLo*approx>>15<<1))
	hi, lo = split((hi*approx + lo*approx>>15) << 1) // 1/den in Q29
	nhi, nlo := split(num)
	return mulSplit(nhi, nlo, hi, lo) << 3
}

// rest returns 1 - k² in Q31.
func rest(hi, lo int32) int32 {
	return 1<<31 - 1 - abs32((hi*lo>>14+hi*hi)*2)
}

// levinson solves for the predictor of an autocorrelation by the
// Levinson-Durbin recursion with 32-bit numbers (section 3.2.2). It reports
// false if the filter is unstable.
func levinson(a *predictor, r *[order + 1]int32) bool {
	var rhi, rlo, ahi, alo, nhi, nlo [order + 1]int32 // r normalized; a in Q27
	up := norm(r[0])
	for i, v := range r {
		rhi[i], rlo[i] = split(v << up)
	}
	errHi, errLo, errUp := rhi[0], rlo[0], 0 // prediction error, normalized by errUp
	for i := 1; i <= order; i++ {
		var sum int32
		for j := 1; j < i; j++ {
			sum += rhi[j]*ahi[i-j]*2 + (rhi[j]*alo[i-j]>>15+rlo[j]*ahi[i-j]>>15)*2
		}
		sum = sum<<4 + rhi[i]<<16 + rlo[i]<<1
		if i == 1 {
			sum = r[1] << up // with its last bit
		}
		k := divideSplit(abs32(sum), errHi, errLo)
		if sum > 0 {
			k = -k
		}
		switch {
		case errUp <= norm(k) || k == 0:
			k <<= uint(errUp)
		case k > 0:
			k = 1<<31 - 1
		default:
			k = -1 << 31
		}
		khi, klo := split(k)
		// The first coefficient cannot be at fault.
		if i > 1 && abs32(khi) > unstableQ15 {
			return false
		}
		for j := 1; j < i; j++ {
			v := ahi[j]<<16 + alo[j]<<1 + mulSplit(khi, klo, ahi[i-j], alo[i-j])*2
			nhi[j], nlo[j] = split(v)
		}
		nhi[i], nlo[i] = split(k >> 4)
		ahi, alo = nhi, nlo

		lhi, llo := split(rest(khi, klo))
		e := mulSplit(errHi, errLo, lhi, llo) << 1
		n := norm(e)
		errHi, errLo = split(e << uint(n))
		errUp += n
	}
	a[0] = 1 << 12
	for i := 1; i <= order; i++ {
		v := ahi[i]<<16 + alo[i]<<1
		a[i] = int16(fixed.AddWrap32(v<<1, 1<<15) >> 16)
	}
	return true
}
