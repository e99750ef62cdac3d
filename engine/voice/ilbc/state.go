package ilbc

// decodeState reconstructs the start state (section 4.2) from its levels into
// out, whose length is that of the state. syn is the synthesis filter of the
// state block's first sub-frame.
func decodeState(out, levels []int16, peak int16, syn *predictor) {
	// Q(level) + Q13 of the table, less the one bit of head room.
	shift := uint(17)
	switch {
	case peak < 37:
		shift = 22
	case peak < 59:
		shift = 19
	}
	level := int32(peakLevel[peak])
	n := len(out)
	var samples [order + 2*maxState]int16
	for k := range n {
		v := level * int32(stateLevelsQ13[levels[n-1-k]])
		samples[order+k] = int16((v + 1<<(shift-1)) >> shift)
	}
	// The all-pass works on the state backwards: reversed in time and phase, it
	// undoes what the encoder's did.
	var wrapped [maxState]int16
	allPass(wrapped[:n], samples[:order+2*n], syn, 0)
	reverse(out, wrapped[:n])
}

// allPass convolves a block circularly with the all-pass filter z^-10·A(1/z)/A(z)
// (section 3.5.2): the response is computed over twice the block and its second
// half added to the first. buf holds order zeros, the block and as many zeros
// again, and is used up. The zeros of the filter are scaled down by zeroShift
// bits.
func allPass(out, buf []int16, syn *predictor, zeroShift uint) {
	n := len(out)
	var zeros predictor
	for k := range zeros {
		zeros[k] = syn[order-k] >> zeroShift
	}
	var x [2 * maxState]int16
	allZero(x[:n+order], buf, zeros[:])
	allPole(buf, x[:2*n], syn)
	for k := range out {
		out[k] = buf[order+k] + buf[order+n+k]
	}
}
