package isac

import "github.com/edgecam/edgecam/engine/fixed"

// fixedMerge joins the half bands to the output signal (A.7).
type fixedMerge struct {
	up, down [2]int32
	high     [2][2]int32
}

// merge joins low and high to 480 samples.
func (m *fixedMerge) merge(low, high *[240]int16, pcm []int16) {
	pcm = pcm[:480]
	for n := range 240 {
		l, h := int32(low[n]), int32(high[n])
		up := fixed.Sat16(l + h + 1)
		down := fixed.Sat16(l - h)
		for i := range 2 {
			up = allpassStep(&m.up[i], up, int32(allpassBQ15[i]))
			down = allpassStep(&m.down[i], down, int32(allpassAQ15[i]))
		}
		pcm[2*n], pcm[2*n+1] = down, up
	}
	highpassFixed(&m.high[0], pcm, &highpassOut1Fixed)
	highpassFixed(&m.high[1], pcm, &highpassOut2Fixed)
}

// allpassStep runs one first-order all-pass section.
func allpassStep(state *int32, x int16, alphaQ15 int32) int16 {
	b := fixed.Sat32(2*int64(alphaQ15)*int64(x) + int64(*state))
	y := b >> 16
	*state = fixed.Sat32(int64(x)<<16 - 2*int64(alphaQ15)*int64(y))
	return int16(y)
}

// highpassFixed runs a second-order section whose coefficients are pairs of
// low and high halves.
func highpassFixed(state *[2]int32, pcm []int16, c *[8]int16) {
	mul := func(i int, x int32) int32 {
		return fixed.MulMixQ16(c[i+1], x) + fixed.MulMixQ16(c[i], x)>>16
	}
	s1, s2 := state[0], state[1]
	for n, v := range pcm {
		x := int32(v)
		pcm[n] = fixed.Sat16(x + (mul(4, s1)+mul(6, s2))>>7)
		t := min(max(4*x-mul(0, s1)-mul(2, s2), -1<<29), 1<<29-1)
		s2, s1 = s1, 4*t
	}
	state[0], state[1] = s1, s2
}
