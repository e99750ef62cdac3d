package aec

import "github.com/edgecam/edgecam/engine/fixed"

const (
	driftTaps   = 32
	driftPhases = 256
	driftLag    = driftTaps / 2 // samples; both signals wait so long

	driftEvery = 25  // hops from one look at the weights to the next
	driftMax   = 400 // ppm
	// A rate is believed when driftLooks looks or more agree so well that their
	// mean is driftSure standard errors from nothing. driftNoise (ppm²) is the
	// least variance that a look is taken to have; the first looks see a filter
	// that learns, the more so the earlier: driftLearning over the square of their
	// number.
	driftLooks, driftMemory   = 3, 12
	driftSure                 = 3
	driftStill                = 12 // looks after which a drift would be known
	driftNoise, driftLearning = 64, 40000
)

// drift measures how fast the echo path's delay grows, by how the phases of
// the search filter's weights turn, and reads the far end at that pace.
type drift struct {
	old    []fixed.Complex32 // weights driftEvery active hops ago
	valid  bool
	active int
	wait   int // looks until the last change of pace is seen

	ppmQ8  int64 // growth of the delay, parts per million
	known  bool  // a rate has been believed
	age    int64 // looks since the start, 200 at most
	looks  int64 // of those that count below
	sum    int64 // of what they saw, ppm
	square int64 // of their squares
	tapQ15 []int16
	past   [driftTaps + 5*hop]int32
	lagQ32 int64 // samples by which the far end is read late, less driftLag
	atEnd  bool  // the far end cannot be read any earlier
}

func newDrift(weights int) *drift {
	d := &drift{old: make([]fixed.Complex32, weights)}
	for p := range driftPhases {
		d.tapQ15 = append(d.tapQ15, sincTaps(driftTaps/2, p, driftPhases, driftPhases)...)
	}
	return d
}

// ppm returns by how much faster than the microphone's the far end's clock
// runs: the delay then shrinks.
func (d *drift) ppm() int { return -int((d.ppmQ8 + 128) >> 8) }

// still says that the clocks keep pace, as far as is known: what drifts has to be
// followed by all means.
func (d *drift) still() bool {
	return d.age >= driftStill && max(d.ppmQ8, -d.ppmQ8) < 8<<8
}

// look compares the filter's weights with those before. What is read at another
// pace is heard delay hops later.
func (d *drift) look(f *filter, delay int) {
	if d.active++; d.active < driftEvery {
		return
	}
	d.active = 0
	if d.wait > 0 {
		d.wait--
	} else if d.valid && !d.atEnd && d.measure(f) {
		d.wait = delay / driftEvery
	}
	copy(d.old, f.weight)
	d.valid = true
}

// forget is called when the search filter's weights were replaced. The clocks
// are what they were.
func (d *drift) forget() { d.valid, d.active = false, 0 }

// restart is called when the search is lost. The pace is kept, as the clocks are
// what they were, but has to be found right or wrong anew.
func (d *drift) restart() {
	d.forget()
	d.known = false
	d.age, d.looks, d.sum, d.square = 0, 0, 0, 0
}

// measure finds the shift in time that turns the old weights into the new ones
// best: the phase of bin k turns by 2π·k·τ/fftSize. It tells whether the pace
// was changed by much.
func (d *drift) measure(f *filter) (moved bool) {
	var re, im int64
	for p := range f.parts {
		w, o := f.weight[p*f.stride:][:searchBins], d.old[p*f.stride:][:searchBins]
		for k := range w {
			// Q24·Q24 to Q24: weights to 8, products below 2^31; k² below 2^12.
			wr, wi, or, oi := int64(w[k].Re), int64(w[k].Im), int64(o[k].Re), int64(o[k].Im)
			re += int64(k*k) * ((wr*or + wi*oi) >> 24)
			im += int64(k) * ((wi*or - wr*oi) >> 24)
		}
	}
	if re <= 0 || max(im, -im) > re {
		return false // another path, not a turned one
	}
	for re > 1<<38 {
		re >>= 1
		im >>= 1
	}
	// -im/re is 2π·τ/fftSize, τ in samples of coreRate; one ppm of driftEvery hops
	// is driftEvery·hop/10^6 samples.
	const scale = fftSize * 1000000 / (driftEvery * hop) // ·1/2π
	return d.follow(-im * (scale * 256 * 1000 / 6283) / re)
}

// follow takes the growth that a look saw beyond what is made up for, ppm Q8; it
// tells whether the pace was changed by much.
func (d *drift) follow(restQ8 int64) (moved bool) {
	restQ8 = min(max(restQ8, -driftMax<<8), driftMax<<8)
	if d.known {
		// What is far off is followed faster.
		far := max(restQ8, -restQ8) > 16<<8
		if far {
			d.move(restQ8 >> 1)
		} else {
			d.move(restQ8 >> 3)
		}
		return far
	}
	if d.looks == driftMemory {
		d.looks, d.sum, d.square = d.looks/2, d.sum/2, d.square/2
	}
	rest := restQ8 >> 8
	d.age = min(d.age+1, 200)
	d.looks++
	d.sum += rest
	d.square += rest * rest
	// mean² > driftSure²·variance/looks, both sides times looks².
	variance := d.square - d.sum*d.sum/d.looks + d.looks*(driftNoise+driftLearning/(d.age*d.age))
	if d.looks >= driftLooks && d.sum*d.sum > driftSure*driftSure*variance {
		d.known = true
		d.move(d.sum << 8 / d.looks)
	}
	return d.known
}

func (d *drift) move(byQ8 int64) {
	d.ppmQ8 = min(max(d.ppmQ8+byQ8, -driftMax<<8), driftMax<<8)
}

// late reads the far end late by so many samples (Q32) from now on, as far as
// that is possible, and returns the partitions that are slipped by.
func (d *drift) late(samplesQ32 int64, canSlip bool) (slip int) {
	d.lagQ32 = samplesQ32
	switch {
	case d.lagQ32 >= 3*hop<<32:
		slip = 1
	case d.lagQ32 >= 0:
	case canSlip:
		slip = -1
	}
	d.lagQ32 = min(max(d.lagQ32-int64(slip)*2*hop<<32, 0), 3*hop<<32)
	d.atEnd = samplesQ32 < 0 && slip == 0
	return slip
}

// push takes the next hop of the far end.
func (d *drift) push(x []int32) {
	copy(d.past[:], d.past[hop:])
	copy(d.past[len(d.past)-hop:], x)
}

// read writes the hop of the far end to use.
// slip is +1 when the reading fell a whole partition behind and was put
// forward (the echo then seems a partition later), -1 the other way; canSlip
// allows that.
func (d *drift) read(x []int32, canSlip bool) (slip int) {
	// 10^-6·2^32/256 is 16.777 per Q8 ppm and sample.
	slip = d.late(d.lagQ32+d.ppmQ8*hop*16777/1000, canSlip)
	whole := int(d.lagQ32 >> 32)
	if d.lagQ32&(1<<32-1) == 0 && d.ppmQ8 == 0 {
		copy(x, d.past[len(d.past)-hop-driftLag-whole:])
		return slip
	}
	phase := int(d.lagQ32 >> 24 & 0xFF)
	if phase != 0 { // read between this sample and the one before
		whole++
		phase = driftPhases - phase
	}
	at := len(d.past) - hop - driftTaps - whole + 1
	taps := d.tapQ15[phase*driftTaps:][:driftTaps]
	for i := range x {
		in := d.past[at+i:][:driftTaps]
		var sum int64
		for k, v := range in {
			sum += int64(v) * int64(taps[k])
		}
		x[i] = int32((sum + 1<<14) >> 15)
	}
	return slip
}
