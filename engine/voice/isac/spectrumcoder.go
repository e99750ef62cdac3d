package isac

import "math"

// quantizeSpectrum quantises n coefficients with dither (11.7); both are Q7.
func quantizeSpectrum(x, dither []int32, s []float64, factor float64) {
	for i, v := range s {
		q := int32(math.Round(128 * v * factor))
		x[i] = (q+dither[i]+64)>>7<<7 - dither[i]
	}
}

// bitPrice is the squared error, in quantiser steps, that a bit is worth. At high
// rate one costs 2·ln 2/12 = 0.116 of them.
const bitPrice = 0.08

// economize moves those coefficients a step toward zero which thereby save more
// bits, under the envelope fitted before, than they add error (11.7 leaves the
// choice of values free). s is the spectrum before the quantiser, to be multiplied
// by factor. perPoint coefficients share a point of the envelope.
func economize(x []int32, s []float64, factor float64, e *envelope, perPoint int) {
	for i, v := range x {
		near := v - 128
		switch {
		case v < -64:
			near = v + 128
		case v <= 64:
			continue // it is the smallest already
		}
		root := e.rootQ8[i/perPoint]
		width, nearWidth := coefficientWidth(v, root), coefficientWidth(near, root)
		if width == 0 || nearWidth <= width {
			continue
		}
		target := s[i] * factor
		loss, nearLoss := target-float64(v)/128, target-float64(near)/128
		if nearLoss*nearLoss-loss*loss < bitPrice*math.Log2(float64(nearWidth)/float64(width)) {
			x[i] = near
		}
	}
}

// coefficientWidth returns the probability of x in 65536ths (6.5).
func coefficientWidth(x, rootQ8 int32) uint32 {
	return logistic((x+64)*rootQ8) - logistic((x-64)*rootQ8)
}

// pointCos[t][m] is cos(t·theta_m) at the envelope's points.
var pointCos = func() (c [7][120]float64) {
	for t := range c {
		for m := range c[t] {
			c[t][m] = math.Cos(float64(t) * math.Pi * (float64(m) + 0.5) / 120)
		}
	}
	return c
}()

// cell returns the index of the cell of boundary that holds x.
func cell(boundary []int32, x float64, count int) int {
	for i := 1; i < count; i++ {
		if x < float64(boundary[i]) {
			return i - 1
		}
	}
	return count - 1
}

// fitEnvelope chooses the envelope symbols for coefficients x, perPoint of which
// share a point, and computes the envelope. Envelopes that the deployed coders
// do not agree on are avoided (6.3).
func fitEnvelope(e *envelope, rc *[6]int, gain *int, x []int32, perPoint int) {
	var r [7]float64
	for m := range 120 {
		var p float64
		for _, v := range x[m*perPoint : (m+1)*perPoint] {
			p += float64(v) * float64(v)
		}
		p /= float64(perPoint) * (1 << 14)
		for t := range r {
			r[t] += p * pointCos[t][m]
		}
	}
	var a [7]float64
	var k [6]float64
	levinson(a[:], k[:], r[:])
	var rcQ15 [6]int16
	for i, v := range k {
		rc[i] = cell(envelopeRCBoundaryQ15[:], v*32768, len(envelopeRCLevelQ15[i]))
		rcQ15[i] = envelopeRCLevelQ15[i][rc[i]]
	}
	var aQ12 [7]int32
	stepUp(&aQ12, &rcQ15)
	for i, v := range aQ12 {
		a[i] = float64(v) / 4096
	}
	*gain = len(envelopeGainLevelQ10) - 1
	if power := residualEnergy(a[:], r[:]); power > 0 {
		*gain = cell(envelopeGainBoundaryQ10[:], 1024*120/power, len(envelopeGainLevelQ10))
	}
	for !e.usable(rc, *gain) {
		if *gain > 0 {
			*gain--
			continue
		}
		// No gain does: flatten the sharpest coefficient.
		flatten(rc)
	}
}

// usable computes the envelope and reports whether every decoder gets the same
// and can code with it.
func (e *envelope) usable(rc *[6]int, gain int) bool {
	if !e.compute(rc, gain, wideForm) || e.ambiguous {
		return false
	}
	for _, r := range e.rootQ8 {
		if r == 0 {
			return false
		}
	}
	return true
}

// flatten moves the reflection coefficients one level toward the middle.
func flatten(rc *[6]int) {
	for k := range rc {
		middle := len(envelopeRCLevelQ15[k]) / 2
		switch {
		case rc[k] > middle:
			rc[k]--
		case rc[k] < middle:
			rc[k]++
		}
	}
}
