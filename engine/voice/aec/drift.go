package aec

import "github.com/edgecam/edgecam/engine/fixed"

const (
	driftTaps   = 32
	driftPhases = 256
	driftLag    = driftTaps / 2 // samples; both signals wait so long

	driftEvery = 50  // hops from one look at the weights to the next
	driftBins  = 8   // distance of the bins whose phases are compared
	driftMax   = 400 // ppm
)

// drift measures how fast the echo path's delay grows, by how the phases of
// the search filter's weights turn, and reads the far end at that pace.
type drift struct {
	old    []fixed.Complex32 // weights driftEvery active hops ago
	valid  bool
	active int

	ppmQ8  int64 // growth of the delay, parts per million
	trial  int64 // sum of growth seen before any is believed, ppm Q8
	votes  int   // looks in a row that saw growth of one sign
	tapQ15 []int16
	past   [driftTaps + 4*hop]int32
	lagQ32 int64 // samples by which the far end is read late, less driftLag
}

func newDrift(weights int) *drift {
	d := &drift{old: make([]fixed.Complex32, weights)}
	for p := range driftPhases {
		d.tapQ15 = append(d.tapQ15, sincTaps(driftTaps/2, p, driftPhases, driftPhases)...)
	}
	return d
}

func (d *drift) ppm() int { return int((d.ppmQ8 + 128) >> 8) }

// look compares the filter's weights with those before.
func (d *drift) look(f *filter) {
	if d.active++; d.active < driftEvery {
		return
	}
	d.active = 0
	if d.valid {
		d.measure(f)
	}
	copy(d.old, f.weight)
	d.valid = true
}

// forget is called when the weights were replaced.
func (d *drift) forget() { d.valid, d.active, d.votes = false, 0, 0 }

// restart is called when the search is lost: what was measured is worth nothing.
func (d *drift) restart() {
	d.forget()
	d.ppmQ8, d.trial = 0, 0
}

func (d *drift) measure(f *filter) {
	var re, im int64
	var turned [searchBins]struct{ re, im int64 }
	for p := range f.parts {
		w, o := f.weight[p*f.stride:][:searchBins], d.old[p*f.stride:][:searchBins]
		for k := range turned {
			// Q24·Q24 to Q28: weights to 8, products below 2^34.
			turned[k].re = (int64(w[k].Re)*int64(o[k].Re) + int64(w[k].Im)*int64(o[k].Im)) >> 20
			turned[k].im = (int64(w[k].Im)*int64(o[k].Re) - int64(w[k].Re)*int64(o[k].Im)) >> 20
		}
		for k := range turned[:searchBins-driftBins] {
			a, b := turned[k], turned[k+driftBins]
			re += (b.re>>4*(a.re>>4) + b.im>>4*(a.im>>4)) >> 12
			im += (b.im>>4*(a.re>>4) - b.re>>4*(a.im>>4)) >> 12
		}
	}
	if re <= 0 || max(im, -im) > re>>1 {
		d.votes = 0 // another path, not a turned one
		return
	}
	// The angle is -2π·driftBins·τ/fftSize, τ in samples of coreRate; one ppm of
	// driftEvery hops is driftEvery·hop/10^6 samples.
	for re > 1<<30 {
		re >>= 1
		im >>= 1
	}
	const scale = fftSize * 1000000 / (driftEvery * hop * driftBins) // ·1/2π
	restQ8 := -im * (scale * 256 * 1000 / 6283) / max(re, 1)
	restQ8 = min(max(restQ8, -200<<8), 200<<8)
	switch {
	case restQ8 > 0 && d.votes >= 0:
		d.votes++
	case restQ8 < 0 && d.votes <= 0:
		d.votes--
	default:
		d.votes = 0
	}
	if d.ppmQ8 == 0 {
		d.trial += restQ8
		if d.votes == 0 {
			d.trial = 0
		}
		// Five looks must agree and see more than 30 ppm on average.
		if d.votes > -5 && d.votes < 5 || max(d.trial, -d.trial) < 150<<8 {
			return
		}
		d.trial = 0
	}
	d.ppmQ8 = min(max(d.ppmQ8+restQ8>>2, -driftMax<<8), driftMax<<8)
}

// read takes the next hop of the far end and replaces it by the one to use.
// slip is +1 when the reading fell a whole partition behind and was put
// forward (the echo then seems a partition later), -1 the other way; canSlip
// allows that.
func (d *drift) read(x []int32, canSlip bool) (slip int) {
	copy(d.past[:], d.past[hop:])
	copy(d.past[len(d.past)-hop:], x)
	// 10^-6·2^32/256 is 16.777 per Q8 ppm and sample.
	d.lagQ32 += d.ppmQ8 * hop * 16777 / 1000
	if d.lagQ32 >= 2*hop<<32 {
		d.lagQ32 -= 2 * hop << 32
		slip = 1
	}
	if d.lagQ32 < 0 {
		if canSlip {
			d.lagQ32 += 2 * hop << 32
			slip = -1
		} else {
			d.lagQ32 = 0
		}
	}
	if d.lagQ32 == 0 && d.ppmQ8 == 0 {
		copy(x, d.past[len(d.past)-hop-driftLag:])
		return slip
	}
	whole := int(d.lagQ32 >> 32)
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
