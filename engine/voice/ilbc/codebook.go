package ilbc

const (
	half      = 4  // samples that the expansion filter reaches beyond its place
	shortest  = 20 // lag of the shortest period repeated inside a vector
	fadeLen   = 4  // samples over which periods are blended
	augmented = subframe - shortest
)

// codebook is the adaptive codebook of a vector: samples decoded before it (in
// the direction of coding), newest last, between margins of zeros.
type codebook struct {
	buf [half + codeMemory + half]int16
}

// tail returns the newest n samples; the margins follow the codebook's end.
func (c *codebook) tail(n int) []int16 { return c.buf[half+codeMemory-n : half+codeMemory] }

// load makes src, at most codeMemory samples, the newest and clears the rest.
func (c *codebook) load(src []int16) {
	clear(c.buf[:])
	copy(c.tail(len(src)), src)
}

// loadReversed is load with src backwards.
func (c *codebook) loadReversed(src []int16) {
	clear(c.buf[:])
	reverse(c.tail(len(src)), src)
}

// push appends a sub-frame and forgets the oldest.
func (c *codebook) push(x []int16) {
	mem := c.tail(codeMemory)
	copy(mem, mem[len(x):])
	copy(c.tail(len(x)), x)
}

// expand filters the codebook (section 3.6.3.2): dst becomes the filtered samples
// that end back samples before the codebook's end.
func (c *codebook) expand(dst []int16, back int) {
	end := half + codeMemory - back
	// One sample of history is less than the filter's length on the left.
	allZero(dst, c.buf[end-len(dst)-half+1:end+half], codebookFilterQ12[:])
}

// vector builds vector number index of a codebook over the newest size samples
// (section 3.6.3). The vectors are, in order: windows of the codebook from the
// newest back; for whole sub-frames, short periods repeated; and the same two
// groups of the filtered codebook.
func (c *codebook) vector(out []int16, index, size int) {
	n := len(out)
	windows := size - n + 1
	section := windows
	if n == subframe {
		section += augmented
	}
	filtered := index >= section
	if filtered {
		index -= section
	}
	if index < windows {
		if filtered {
			c.expand(out, index)
		} else {
			copy(out, c.tail(index+n))
		}
		return
	}
	lag := min(index-windows+shortest, subframe-1)
	if filtered {
		var recent [subframe + half]int16
		c.expand(recent[:], 0)
		repeatPeriod(out, recent[:], lag)
		return
	}
	repeatPeriod(out, c.tail(subframe+half), lag)
}

// repeatPeriod fills a sub-frame with the last lag samples of mem, over and over,
// the seam blended (section 3.6.3.3).
func repeatPeriod(out, mem []int16, lag int) {
	end := len(mem)
	copy(out[:lag], mem[end-lag:])
	var fade [fadeLen]int16
	blendPeriod(&fade, mem, lag)
	copy(out[lag-fadeLen:], fade[:])
	copy(out[lag:], mem[end-lag:])
}

// blendPeriod leads the end of mem over to the samples lag earlier.
func blendPeriod(fade *[fadeLen]int16, mem []int16, lag int) {
	end := len(mem)
	for k := range fade {
		old := int32(mem[end-lag-fadeLen+k]) * int32(crossFadeQ15[k]) >> 15
		last := int32(mem[end-fadeLen+k]) * int32(crossFadeQ15[fadeLen-1-k]) >> 15
		fade[k] = int16(old + last)
	}
}

// gainTable returns the gains of a stage.
func gainTable(stage int) []int16 {
	switch stage {
	case 0:
		return gains5Q14[:]
	case 1:
		return gains4Q14[:]
	default:
		return gains3Q14[:]
	}
}

// gainReference is what a stage's gain is relative to: the gain of the stage
// before, at least 0.1 (section 3.6.4.2).
func gainReference(beforeQ14 int32) int32 { return max(abs32(beforeQ14), 1638) }

// decodeVector sums the three codebook vectors with their gains (section 4.4).
func (c *codebook) decodeVector(out []int16, code, gain *[stages]int16, size int) {
	var sum [subframe]int32
	var v [subframe]int16
	gQ14 := int32(1 << 14)
	for stage := range stages {
		gQ14 = (gainReference(gQ14)*int32(gainTable(stage)[gain[stage]]) + 1<<13) >> 14
		c.vector(v[:len(out)], int(code[stage]), size)
		for i, s := range v[:len(out)] {
			sum[i] += gQ14 * int32(s)
		}
	}
	for i := range out {
		out[i] = int16((sum[i] + 1<<13) >> 14)
	}
}
