package ilbc

const (
	cycles     = 3 // pitch cycles on either side that a block is compared with
	slop       = 2 // samples by which a cycle may lie off its predicted place
	reach      = 3 // samples that upsampleQ12 reaches on either side
	spots      = 2*slop + 1
	quarters   = 4 // positions are in quarters of a sample, Q2
	overhang   = 2 // samples a cycle must stay inside the memory
	blockHalf  = block / 2
	outOfReach = 1 << 30
)

// enhanceBlock smooths the block of the memory that starts at center: the pitch
// cycles before and after it are aligned with it and summed (section 4.6.2).
func (e *enhancer) enhanceBlock(out []int16, center int) {
	var surround [block]int16
	var middles [blocks]int // of the blocks that periods belong to, Q2
	for i := range middles {
		middles[i] = (i*block + blockHalf) * quarters
	}
	here := nearest(&middles, 2*(center+center+block-1))

	start, at := center*quarters, here
	for c := cycles - 1; c >= 0; c-- {
		period := e.periods[at]
		if start < period+quarters*overhang {
			break
		}
		start -= period
		at = nearest(&middles, max(start+quarters*blockHalf-period, 0))
		start = e.align(&surround, center, start, surroundWeightQ16[c])
	}

	// What lies one period before a block's middle is followed by that period.
	var follows [blocks]int
	for i := range follows {
		follows[i] = middles[i] - e.periods[i]
		if follows[i] < 0 {
			follows[i] = outOfReach
		}
	}
	start = center * quarters
	for c := cycles - 1; c >= 0; c-- {
		at = nearest(&follows, start+quarters*blockHalf)
		start += e.periods[at]
		if start+quarters*(block+overhang) < quarters*history {
			start = e.align(&surround, center, start, surroundWeightQ16[c])
		}
	}
	smooth(out, e.memory[center:center+block], &surround)
}

// nearest returns the first of the places that are closest to x.
func nearest(places *[blocks]int, x int) int {
	best, distance := 0, outOfReach
	for i, p := range places {
		if d := max(p-x, x-p); d < distance {
			best, distance = i, d
		}
	}
	return best
}

// align finds the segment near start (Q2) that is most like the block at center,
// to a quarter of a sample, adds it to surround with the weight given, and
// returns where it is.
func (e *enhancer) align(surround *[block]int16, center, start int, weightQ16 int16) int {
	middle := (start - 2) >> 2
	from := max(middle-slop, 0)
	to := middle + slop
	if to+block >= history {
		to = history - block - 1
	}
	n := to + 1 - from
	target := e.memory[center : center+block]
	search := e.memory[from : from+n+block-1]
	product := uint64((peakOf(search) + 1) * (peakOf(target) + 1))
	shift := uint(max(bitLen64(product*block)-31, 0))
	var corr [spots]int32
	for i := range n {
		corr[i] = correlate(target, search[i:i+block], shift)
	}
	down := uint(max(bitLen(peakOf32(corr[:n]))-15, 0))
	for i := range n {
		corr[i] = int32(int16(corr[i] >> down))
	}
	var fine [spots * quarters]int32
	upsample(&fine, &corr)
	best := argMax(fine[:n*quarters])

	whole := (best + quarters - 1) / quarters
	filter := &upsampleQ12[whole*quarters-best]
	var segment [block + 2*reach]int16
	left := from + whole - reach
	copy(segment[max(-left, 0):], e.memory[max(left, 0):min(left+len(segment), history)])
	for i := range surround {
		var sum int32
		for k, c := range filter {
			sum += int32(c) * int32(segment[i+k])
		}
		v := (min(max(sum, minQ12), maxQ12) + 1<<11) >> 12
		surround[i] += int16((int32(int16(v))*int32(weightQ16) + 1<<15) >> 16)
	}
	return from*quarters + best + quarters
}

// upsample interpolates the correlation by four, taking it as zero outside.
func upsample(fine *[spots * quarters]int32, corr *[spots]int32) {
	for i := range corr {
		for q := range quarters {
			var sum int32
			for k := 1; k <= 5; k++ {
				if at := i + reach - k; at >= 0 && at < spots {
					sum += int32(upsampleQ12[q][k]) * corr[at]
				}
			}
			fine[i*quarters+q] = sum
		}
	}
}
