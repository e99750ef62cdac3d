package isac

import (
	"math/bits"

	"github.com/edgecam/edgecam/engine/fixed"
)

const (
	keptOutput   = 150 // samples kept from behind the pitch filter
	maxCycle     = 140 // longest stretched pitch cycle
	noiseTaps    = 30
	unityQ15     = 32767
	shortLagQ7   = 3000 // lags below are doubled
	initialNoise = 4447
)

// concealment is what bridges lost blocks: the last good block's signals and
// the state of their extrapolation (10, Annex B).
type concealment struct {
	primed bool // a good block has been decoded
	lost   bool // the block before this one was concealed, or there was none

	// kept holds 240 low-band samples (Q9) from before the pitch filter, then
	// 150 places for those from behind it, the last ten of which stay 0.
	kept    [halfBlock + keptOutput]int16
	highQ25 [keptOutput]int32
	lagQ7   int32
	gainQ12 int16
	fade    [fadeSamples]int16

	periodicQ15, noiseQ15 int32 // decays
	cycles                int
	index, length         int // position in the cycle, its stretched length
	last, before          int // where the last cycle and the one before start
	seed                  int32
	noiseWeight, weight   int32 // of noise and of the periodic part, Q15
	level                 int32 // of the noise

	cycle, old [keptOutput + 2]int16
	highTaps   [noiseTaps]int16
	// Noise: 30 values of history, then the block.
	noiseLow, noiseHigh [noiseTaps + halfBlock]int16
}

func (c *concealment) reset() {
	*c = concealment{lost: true, periodicQ15: unityQ15, noiseQ15: unityQ15, seed: initialNoise}
}

// keepInput stores a good block as it is before the pitch filter.
func (c *concealment) keepInput(lowQ9 *[halfBlock]int16, highQ25 *[halfBlock]int32, p *synthesisParams) {
	if c.lost {
		c.periodicQ15, c.noiseQ15 = unityQ15, unityQ15
	}
	c.lost, c.primed = false, true
	copy(c.kept[:halfBlock], lowQ9[:])
	copy(c.highQ25[:], highQ25[halfBlock-keptOutput:])
	c.gainQ12 = p.gainQ12[3]
	c.lagQ7 = p.lagQ7[3]
	if c.lagQ7 < shortLagQ7 {
		c.lagQ7 *= 2
	}
}

// keepOutput stores a good block as it is behind the pitch filter.
func (c *concealment) keepOutput(lowQ9 *[halfBlock]int16) {
	copy(c.kept[halfBlock:halfBlock+140], lowQ9[90:230])
}

func (c *concealment) rand() int32 {
	c.seed = (c.seed * 18816) >> 7 & 32767
	return c.seed
}

// log2Q8 returns about the binary logarithm of x.
func log2Q8(x uint32) int32 {
	if x == 0 {
		return 256 * 31
	}
	lz := bits.LeadingZeros32(x)
	return 256*int32(31-lz) + int32(x<<lz>>23&255)
}

// exp2Q10 returns about 2^x of x in Q10.
func exp2Q10(x int32) int32 {
	return fixed.Shift32(1024+x&1023, int(x>>10))
}

// mixSquare is the rising branch of the weight between noise and period.
func mixSquare(v int32) int32 {
	t := 15*v + 983*v>>12
	return (t*t + 1<<16) >> 17
}

// energyLog returns the logarithm (Q8) of the energy of x.
func energyLog(x []int16) int32 {
	var peak int32
	for _, v := range x {
		peak = max(peak, int32(v), -int32(v))
	}
	shift := max(0, int(fixed.Bits32(uint32(len(x))))-int(fixed.Norm32(peak*peak)))
	if peak == 0 {
		shift = 0
	}
	var sum int32
	for _, v := range x {
		sum += int32(v) * int32(v) >> shift
	}
	return log2Q8(uint32(sum)) + 256*int32(shift)
}

// analyse chooses what to repeat and how much of it is noise, when the first
// block of a loss is concealed.
func (c *concealment) analyse(n int) {
	c.cycles = 0
	c.last = halfBlock - n
	c.before = c.last
	if 2*n < 230 {
		best := int32(-1)
		for i := range 21 {
			from := halfBlock - 2*n - 10 + i
			var diff int32
			for k := range n {
				d := int32(fixed.SubSat16(c.kept[c.last+k], c.kept[from+k]))
				diff += max(d, -d)
			}
			if best < 0 || diff < best {
				best, c.before = diff, from
			}
		}
	}
	in := energyLog(c.kept[halfBlock-n : halfBlock])
	out := energyLog(c.kept[halfBlock+keptOutput-n:])
	ltp := int32(int16(out - in))
	m := int32(int16(2*(in-log2Q8(uint32(n))) - 4096))
	if m > 4096 {
		c.level = exp2Q10(m-4096)>>6 - 4
	} else {
		c.level = exp2Q10(m)>>10 - 4
	}
	gain := int32(c.gainQ12)
	x := int32(int16(16*ltp+2*gain+gain>>8)) - 700
	switch {
	case x <= 0:
		c.noiseWeight, c.weight = unityQ15, 0
	case x <= 2150:
		c.weight = mixSquare(x)
		c.noiseWeight = unityQ15 - c.weight
	case x < 4300:
		c.noiseWeight = mixSquare(4300 - x)
		c.weight = unityQ15 - c.noiseWeight
	default:
		c.noiseWeight, c.weight = 0, unityQ15
	}
	c.length, c.index = n, 0
}

// extrapolate makes up the next block's excitation and pitch parameters.
func (c *concealment) extrapolate(low *[halfBlock]int16, high *[halfBlock]int32, lagQ7 *[4]int32, gainQ12 *[4]int16) {
	n := min(int((c.lagQ7+64)>>7)+1, keptOutput)
	decay := int32(10)
	if c.lost {
		decay = 40
	} else {
		c.analyse(n)
	}
	if c.weight < 1000 {
		decay += 80
	}
	stretch(c.cycle[:c.length], c.kept[c.last:], n)
	for k := range lagQ7 {
		lagQ7[k] = 128 * int32(c.length)
	}
	gainQ12[3] = c.gainQ12
	for k := 2; k >= 0; k-- {
		gainQ12[k] = int16(1010 * int32(gainQ12[k+1]) >> 10)
	}
	if c.weight == 0 {
		c.noise(low, high)
	} else {
		for i := range low {
			c.sample(&low[i], &high[i], decay)
			if c.index++; c.index == c.length {
				decay = c.nextCycle(n, decay)
			}
		}
	}
	k := c.index
	for i := range c.fade {
		if k >= c.length {
			k = 0
		}
		c.fade[i] = int16(int32(c.cycle[k]) * c.periodicQ15 >> 15)
		k++
	}
	c.lagQ7 = 128 * int32(c.length)
	c.lost = true
}

// sample makes one sample of both bands from the repeated cycle and noise.
func (c *concealment) sample(low *int16, high *int32, decay int32) {
	var noiseLow, noiseHigh int32
	if c.noiseWeight != 0 {
		noiseLow = int32(int16((c.rand()>>10 - 16) * c.level))
		noiseLow = int32(int16(noiseLow * c.noiseQ15 >> 15))
		noiseHigh = fixed.MulMixQ15(int16(c.noiseQ15), (c.rand()>>11-8)*c.level)
		c.noiseQ15 = max(0, c.noiseQ15-decay)
	}
	periodLow := int32(c.cycle[c.index]) * c.periodicQ15 >> 15
	periodHigh := fixed.MulMixQ15(int16(c.periodicQ15), c.highQ25[keptOutput-c.length+c.index])
	c.periodicQ15 = max(0, c.periodicQ15-decay)
	if c.noiseWeight == 0 {
		*low, *high = int16(periodLow), periodHigh
		return
	}
	*low = fixed.Sat16(c.noiseWeight*noiseLow>>15 + c.weight*periodLow>>15)
	*high = fixed.AddSat32(fixed.MulMixQ15(int16(c.noiseWeight), noiseHigh), fixed.MulMixQ15(int16(c.weight), periodHigh))
}

// nextCycle goes on to the next repetition: stretched by one sample every other
// time and faded toward the cycle before. It returns the decay from here on.
func (c *concealment) nextCycle(n int, decay int32) int32 {
	c.index = 0
	c.cycles++
	if c.length == n+1 {
		c.length = n
	} else {
		c.length = min(n+1, maxCycle)
	}
	cycle, old := c.cycle[:c.length], c.old[:c.length]
	stretch(cycle, c.kept[c.last:], n)
	stretch(old, c.kept[c.before:], n)
	for i, v := range cycle {
		a, b := int32(v), int32(old[i])
		switch c.cycles {
		case 1:
			cycle[i] = int16((3*a + b) >> 2)
		case 2:
			cycle[i] = int16((a + b) >> 1)
		default:
			cycle[i] = int16((a + 3*b) >> 2)
		}
	}
	if c.cycles >= 3 {
		c.cycles = 0
		if c.noiseWeight == 0 {
			return decay + 35
		}
		return decay + 55
	}
	return decay
}

// stretch resamples n samples of in to the length of out.
func stretch(out, in []int16, n int) {
	if n == len(out) {
		copy(out, in)
		return
	}
	step := int32(256 * (n - 1) / (len(out) - 1))
	j, frac := 0, int32(0)
	for i := range out {
		a, b := int32(in[j]), int32(in[j+1])
		if (a < 0) != (b < 0) {
			// The difference may need 17 bits: its magnitude is taken.
			if b > a {
				out[i] = int16(a + (b-a)*frac>>8)
			} else {
				out[i] = int16(a - (a-b)*frac>>8)
			}
		} else {
			out[i] = int16(a + (b-a)*frac>>8)
		}
		for frac += step; frac > 256; frac -= 256 {
			j++
		}
	}
}

// noise makes a block of noise with the spectrum of the last samples.
func (c *concealment) noise(low *[halfBlock]int16, high *[halfBlock]int32) {
	for i := range halfBlock {
		c.noiseLow[noiseTaps+i] = int16(c.rand()>>10 - 16)
		c.noiseHigh[noiseTaps+i] = int16(c.rand()>>10 - 16)
	}
	for i := 1; i < noiseTaps; i++ {
		c.noiseLow[i] = int16(c.rand()>>10 - 16)
		c.noiseHigh[i] = int16(c.rand()>>10 - 16)
	}
	decay := c.noiseQ15
	taps := c.kept[halfBlock-noiseTaps : halfBlock]
	for i := range low {
		v := min(max(fixed.AddSat32(fir(taps, c.noiseLow[i:]), 1<<5), -(1<<21-1)), 1<<21-1) >> 6
		low[i] = int16(v * decay >> 15)
		decay = max(0, decay-5)
	}
	var peak int32
	last := c.highQ25[keptOutput-noiseTaps:]
	for _, v := range last {
		peak = max(peak, v, -v)
	}
	shift := max(0, 16-int(fixed.Norm32(peak)))
	if peak == 0 {
		shift = 0
	}
	for i, v := range last {
		c.highTaps[i] = int16(v >> shift)
	}
	for i := range high {
		v := min(max(fixed.AddSat32(fir(c.highTaps[:], c.noiseHigh[i:]), 1<<6), -(1<<22-1)), 1<<22-1) >> 7
		high[i] = v * c.noiseQ15 >> 15 << shift
		c.noiseQ15 = max(0, c.noiseQ15-5)
	}
}

// fir returns the sum of tap[j] times the value j before x[noiseTaps].
func fir(tap, x []int16) int32 {
	var sum int32
	for j, t := range tap {
		sum = fixed.AddSat32(sum, int32(t)*int32(x[noiseTaps-j]))
	}
	return sum
}
