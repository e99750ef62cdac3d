package ilbc

import "github.com/edgecam/edgecam/engine/fixed"

// findState picks the two sub-frames with the most energy (section 3.5.1), which
// the frame's coding starts from.
func findState(residual []int16, g *geometry) int {
	peak := peakOf(residual)
	shift := uint(max(bitLen(peak*peak)-24, 0))
	var energy [maxSubframes - 1]int32
	n := g.subframes - 1
	for i := range n {
		x := residual[i*subframe+2 : (i+2)*subframe-2]
		energy[i] = dot(x, x, shift)
	}
	top := energy[0]
	for _, e := range energy[:n] {
		top = max(top, e)
	}
	down := uint(max(bitLen(top)-20, 0))
	window := positionWindowQ11[(len(positionWindowQ11)-n)/2:]
	for i := range n {
		energy[i] = energy[i] >> down * int32(window[i])
	}
	return argMax(energy[:n]) + 1
}

// stateFirst says whether the front of the state block has more energy than its
// back.
func stateFirst(block []int16, n int) bool {
	peak := peakOf(block)
	shift := uint(max(bitLen(peak*peak)-25, 0))
	front, back := block[:n], block[stateBlock-n:stateBlock]
	return dot(front, front, shift) > dot(back, back, shift)
}

// searchState quantizes the start state (sections 3.5.2 and 3.5.3) into p. syn is
// the synthesis filter of the state block's first sub-frame, weight points to the
// weighting filters of both.
func searchState(p *params, state []int16, syn *predictor, weight []predictor) {
	n := len(state)
	down := max(bitLen(peakOf(state))-12, 0)
	var buf [order + 2*maxState]int16
	copy(buf[order:], state)
	var x [maxState]int16
	allPass(x[:n], buf[:order+2*n], syn, uint(down))

	peak := peakOf(x[:n])
	square := int32(1<<31 - 1)
	if peak<<uint(down) < 23170 {
		square = peak * peak << uint(2+2*down)
	}
	index := 0
	for index < len(peakLimits)-1 && square >= peakLimits[index] {
		index++
	}
	p[atPeak] = int16(index)

	// The table's Q format changes at 27; the samples become Q11.
	shift := 4 - down
	if index >= 27 {
		shift = 9 - down
	}
	gain := int32(peakScale[index])
	for i, v := range x[:n] {
		x[i] = fixed.Sat16(scale(int32(v)*gain, -shift))
	}
	first := n - subframe
	if p[atStateFirst] != 0 {
		first = subframe
	}
	quantizeState(p[atShape:atShape+n], x[:n], first, weight)
}

// quantizeState quantizes x sample by sample with the error shaped by the
// weighting filter, which changes after first samples.
func quantizeState(levels, x []int16, first int, weight []predictor) {
	n := len(x)
	var target, decoded [order + maxState]int16
	allPole(target[:], x[:first], &weight[0])
	allPole(target[first:], x[first:], &weight[1])
	zero := [1]int16{}
	for i := range n {
		w := &weight[0]
		if i >= first {
			w = &weight[1]
		}
		allPole(decoded[i:], zero[:], w)
		predicted := int32(decoded[order+i])
		level := nearestLevel(int32(target[order+i]) - predicted)
		levels[i] = int16(level)
		decoded[order+i] = int16((int32(stateLevelsQ13[level])+2)>>2 + predicted)
	}
}

// nearestLevel quantizes a sample in Q11.
func nearestLevel(xQ11 int32) int {
	switch {
	case xQ11 < -7577:
		return 0
	case xQ11 > 8151:
		return len(stateLevelsQ13) - 1
	}
	x := min(max(xQ11<<2, -32768), 32767)
	for i := 1; i < len(stateLevelsQ13); i++ {
		if x <= (int32(stateLevelsQ13[i])+int32(stateLevelsQ13[i-1])+1)>>1 {
			return i - 1
		}
	}
	return len(stateLevelsQ13) - 1
}
