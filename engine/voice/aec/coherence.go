package aec

import (
	"math/bits"

	"github.com/edgecam/edgecam/engine/fixed"
)

const (
	// The means of coherence go over 2^(coherenceShift+1) hops in which the
	// microphone hears something.
	coherenceShift = 5
	// coherenceFirst is the first of searchBins bins that count: below lie hum and
	// what is left of DC.
	coherenceFirst = 3
	// A delay stands out when its coherence is coherentLeast (Q15) or more, and
	// twice that of all others but its neighbours, in coherentLooks looks. It is
	// believed at coherentSure, coherentKnown if another was, or when it stands
	// out a second time, in what is heard after that: voices of the same pitch
	// can be alike for once.
	coherentLeast = 4915  // 0.15
	coherentSure  = 11469 // 0.35
	coherentKnown = 16384 // 0.5
	coherentLooks = 2
	// coherentWarm hops are the fewest that say something: in a few, everything
	// is coherent.
	coherentWarm = 8
	// Of lookEvery hops two look at what was heard, one at each half of the delays:
	// the means hardly change in between, and dividing costs most.
	lookEvery = 4
	// What a room adds to an echo follows its beginning.
	neighboursBefore, neighboursAfter = 4, 6
	// audibleShift: the microphone hears something 9 dB above its floor, which
	// rises by a 256th a hop.
	audibleShift, floorShift = 3, 8
	// quietPower is a microphone of -69 dBFS, Q8.
	quietPower = 12 * 12 << 8
)

// coherence finds the delay at which the microphone is most like the far end:
// for each delay, how much of each bin of the microphone a single factor
// explains. It needs little more than a tenth of a second of echo, as each delay
// is judged by itself; a filter has to learn all of them against each other.
type coherence struct {
	h      *history
	window []int32 // Q4, the microphone's last samples at the search's rate
	spec   []fixed.Complex32
	even   bool

	cross  [][searchBins]complex64Q // mean of conj(far)·mic per delay, Q8
	far    [][searchBins]int64      // mean |far|², Q8
	mic    [2][searchBins]int64     // mean |mic|² of the hops in which even or odd delays are looked at
	score  []int32                  // coherence per delay, Q15
	floor  int64                    // of the microphone's power
	hops   int
	best   int // delay in hops
	agreed int
	once   int // the delay that stood out before, negative: none
}

type complex64Q struct{ re, im int64 }

// newCoherence looks at the far end that is in h, delays being below 2·parts hops.
func newCoherence(h *history, parts int) *coherence {
	return &coherence{
		h: h, window: make([]int32, h.fft.Size()), spec: make([]fixed.Complex32, h.bins),
		cross: make([][searchBins]complex64Q, 2*parts), far: make([][searchBins]int64, 2*parts), score: make([]int32, 2*parts),
		floor: 1 << 62, once: -2,
	}
}

// restart forgets what was heard.
func (c *coherence) restart() {
	c.once = -2
	c.clear()
}

func (c *coherence) clear() {
	if c.hops == 0 {
		return
	}
	clear(c.cross)
	clear(c.far)
	clear(c.score)
	c.mic = [2][searchBins]int64{}
	c.hops, c.agreed = 0, 0
}

// push takes a hop of the microphone, Q4.
func (c *coherence) push(x []int32) {
	copy(c.window, c.window[len(x):])
	copy(c.window[len(c.window)-len(x):], x)
}

// follow looks at what was pushed; it tells that a delay, best hops, has been
// found. With known, there was one before.
func (c *coherence) follow(known bool) (found bool) {
	p := meanSquare(c.window)
	c.floor = min(c.floor+c.floor>>floorShift, p+1)
	if p>>audibleShift < c.floor || p < quietPower {
		return false
	}
	c.h.fft.Forward(c.spec, c.window, c.h.work)
	// Windows overlap by more than half: each delay is looked at in every other hop.
	c.even = !c.even
	age := 0
	if !c.even {
		age = 1
	}
	mic := &c.mic[age]
	for k := coherenceFirst; k < searchBins; k++ {
		mic[k] += (power(c.spec[k]) - mic[k]) >> coherenceShift
	}
	for a := age; a < len(c.cross); a += 2 {
		x, _, shift := c.h.at(a)
		c.listen(a, x, shift < 0)
	}
	c.hops++
	turn := c.hops & (lookEvery - 1)
	if turn > 1 {
		return false
	}
	for a := age; a < len(c.cross); a += 2 {
		c.look(a, mic)
	}
	return turn == 1 && c.decide(known)
}

// listen takes a window of the far end into the means of its delay.
func (c *coherence) listen(a int, x []fixed.Complex32, silent bool) {
	s, f := &c.cross[a], &c.far[a]
	if silent {
		for k := coherenceFirst; k < searchBins; k++ {
			s[k].re -= s[k].re >> coherenceShift
			s[k].im -= s[k].im >> coherenceShift
			f[k] -= f[k] >> coherenceShift
		}
	} else {
		x, m := x[:searchBins], c.spec[:searchBins]
		for k := coherenceFirst; k < searchBins; k++ {
			xr, xi, mr, mi := int64(x[k].Re), int64(x[k].Im), int64(m[k].Re), int64(m[k].Im)
			s[k].re += (xr*mr + xi*mi - s[k].re) >> coherenceShift
			s[k].im += (xr*mi - xi*mr - s[k].im) >> coherenceShift
			f[k] += (xr*xr + xi*xi - f[k]) >> coherenceShift
		}
	}
}

// look works a delay's coherence out.
func (c *coherence) look(a int, mic *[searchBins]int64) {
	s, f := &c.cross[a], &c.far[a]
	var anyFar, anyMic int64
	for k := coherenceFirst; k < searchBins; k++ {
		anyFar |= f[k]
		anyMic |= mic[k]
	}
	// |cross|²/(far·mic): far and mic to 31 bits, |cross|² is not larger than their
	// product. Bins 90 dB below the loudest count as nothing.
	nf, nm := max(bits.Len64(uint64(anyFar))-31, 0), max(bits.Len64(uint64(anyMic))-31, 0)
	nf += (nf + nm) & 1
	n := uint(nf+nm) / 2
	var sum uint64
	for k := coherenceFirst; k < searchBins; k++ {
		d := uint64((f[k]>>(uint(nf)&63))*(mic[k]>>(uint(nm)&63))) >> 15
		if d == 0 {
			continue
		}
		re, im := s[k].re>>(n&63), s[k].im>>(n&63)
		sum += min(uint64(re*re+im*im)/d, 1<<15)
	}
	c.score[a] = int32(sum / (searchBins - coherenceFirst))
}

// scale returns x·2^n.
func scale(x int64, n int) int64 {
	if n < 0 {
		return x >> uint(-n)
	}
	return x << uint(n)
}

// decide looks for a delay that stands out.
func (c *coherence) decide(known bool) (found bool) {
	best := 0
	for a, v := range c.score {
		if v > c.score[best] {
			best = a
		}
	}
	second := int32(0)
	for a, v := range c.score {
		if a < best-neighboursBefore || a > best+neighboursAfter {
			second = max(second, v)
		}
	}
	if c.hops < coherentWarm || c.score[best] < max(coherentLeast, 2*second) {
		c.agreed = 0
		return false
	}
	if d := best - c.best; d < -1 || d > 1 {
		c.agreed = 0
	}
	c.best = best
	c.agreed++
	if c.agreed < coherentLooks {
		return false
	}
	again := best >= c.once-1 && best <= c.once+1
	sure := c.score[best] >= coherentSure && !known || c.score[best] >= coherentKnown
	c.once = best
	c.clear()
	return again || sure
}
