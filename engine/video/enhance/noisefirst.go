package enhance

import "math"

const (
	// firstLeast is the deviation below which a first frame's noise is left: in
	// one frame little of it cannot be told from texture.
	firstLeast = 1.5
	// firstFlat is the part of the blocks that are taken for flat, and
	// firstCorrection makes the deviation of its least flat one that of all.
	firstFlat       = 8
	firstCorrection = 1.16
	// firstShare is the part of the picture's blocks that a level must have.
	firstShare = 64
)

// first estimates the noise of a first frame, to which there is no other: from
// the second differences of every other sample in the flattest blocks of each
// level. It is a poor estimate, replaced as soon as there are two frames; but
// every camera starts with a first frame, and it is a key frame.
func (e *noiseEstimator) first(pix []byte, stride int) {
	blocks := 0
	var near, far [levels][noiseBins]uint16 // deviations of neighbours' and every other sample's differences
	var count [levels]int
	for y := 0; y+8 <= e.height; y += 8 {
		for x := 0; x+16 <= e.width; x += 16 {
			level, n, f, drawn := firstBlock(pix[y*stride+x:], stride)
			if drawn {
				continue
			}
			near[level][n]++
			far[level][f]++
			count[level]++
			blocks++
		}
	}
	quantile := func(h *[noiseBins]uint16, n int) float32 {
		sum, bin := 0, 0
		for ; bin < noiseBins-1; bin++ {
			if sum += int(h[bin]); sum*firstFlat >= n {
				break
			}
		}
		return (float32(bin) + 0.5) / 16 * firstCorrection
	}
	var ratio, weight float32
	for l := range levels {
		n := count[l]
		if n < noiseLeastBlocks || n*firstShare < blocks {
			continue
		}
		e.sigma[l], e.known[l] = quantile(&far[l], n), true
		e.weight[l] = 16 * n
		if e.sigma[l] > 0.5 {
			r := quantile(&near[l], n) / e.sigma[l]
			ratio += r * r * float32(n)
			weight += float32(n)
		}
	}
	// What one level has so much more of than another is texture.
	e.boundByLeast()
	if weight > 0 {
		// White noise has a ratio of 1; neighbours that resemble each other bring
		// it down, by 4/3 of their correlation. Five neighbours' worth of that is
		// what an area's mean has more.
		e.correlation = min(max(1+5*0.75*(1-ratio/weight), 1), 3)
	}
}

// firstBlock returns a 16x8 block's luma level and the deviations, in
// sixteenths, that its second differences make of neighbours and of every other
// sample; drawn is set for masks and borders.
func firstBlock(pix []byte, stride int) (level, near, far int, drawn bool) {
	var light, nearSq, farSq int32
	black := true
	for j := range 8 {
		p := pix[j*stride : j*stride+16 : j*stride+16]
		for i := 2; i < 14; i++ {
			v := int32(p[i])
			d := int32(p[i-1]) - 2*v + int32(p[i+1])
			nearSq += d * d
			d = int32(p[i-2]) - 2*v + int32(p[i+2])
			farSq += d * d
			light += v
			black = black && v == maskLuma
		}
	}
	deviation := func(sq int32) int {
		return min(int(math.Sqrt(float64(sq)/(96*6))*16), noiseBins-1)
	}
	return int(light / 96 >> 4), deviation(nearSq), deviation(farSq), black
}
