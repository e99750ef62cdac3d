package aec

import "github.com/edgecam/edgecam/engine/fixed"

const (
	decimation = 4
	searchHop  = hop / decimation
	searchSize = fftSize / decimation
	// searchBins of the search filter's bins lie well inside its band; a bin
	// is as wide as one of the main filter.
	searchBins = 54
	// The decimation leaves flatBins of them as they are.
	flatBins = 38
)

// lowpassQ15 is the symmetric low-pass of 64 taps at 16 kHz that precedes the
// decimation to 4 kHz.
var lowpassQ15 = makeLowpass()

// makeLowpass returns a Blackman-windowed low-pass, cut-off 1.85 kHz, unit
// gain.
func makeLowpass() (h [64]int16) {
	const taps = 64
	const cut = 496604192 // 1850/16000 of a turn
	var sum int64
	var x [taps / 2]int64
	for i := range x {
		d := int64(2*i - taps + 1) // twice the distance from the middle
		// sin(2π·fc·d/2)/d, scaled
		s := int64(fixed.SinQ30(uint32(int64(cut) * d / 2)))
		turn := uint32((uint64(2*i+1) << 32) / (2 * taps))
		w := int64(450971566) - int64(fixed.CosQ30(turn))/2 + int64(fixed.CosQ30(2*turn))*8/100 // 0.42 - 0.5cos + 0.08cos, Q30
		x[i] = s / d * w >> 20
		sum += 2 * x[i]
	}
	for i, v := range x {
		h[i] = fixed.Sat16(int32((v<<15 + sum/2) / sum))
		h[taps-1-i] = h[i]
	}
	return h
}

// decimator takes every fourth sample of a low-passed signal.
type decimator struct{ past [64 + hop]int16 }

// run turns hop samples into searchHop.
func (d *decimator) run(outQ4, inQ4 []int32) {
	copy(d.past[:64], d.past[hop:])
	for i, v := range inQ4 {
		d.past[64+i] = round16(v)
	}
	for i := range outQ4 {
		outQ4[i] = (fixed.Dot16(lowpassQ15[:], d.past[decimation*i+1:]) + 1<<10) >> 11
	}
}

// activePower is a far end of -54 dBFS, Q8. What is weaker teaches more noise
// than echo.
const activePower = 64 * 64 << 8

// search finds where in the far end's past the echo begins.
type search struct {
	h         *history
	filter    *filter
	far, mic  decimator
	low, echo [searchHop]int32
	err       [searchHop]int32

	micPower, errPower        int64 // Q8, smoothed while the far end is active
	candidate                 int   // first partition with echo
	agreed                    int   // for how many hops
	bad, patience             int   // as in Canceller
	lost                      int   // hops in a row that the filter did not explain
	quiet                     int   // hops since the far end was heard
	fastMic, fastErr, slowMic int64 // Q8, sums of a hop
	onset                     int   // the partition agreed upon, -1: none yet
	still                     bool  // the path is not known to turn: see drift.still
	rests                     bool  // the filter did not learn from the last hop
	proven                    bool  // the filter did well there, or coherence found it
	coherence                 *coherence
}

func newSearch(parts int) (*search, error) {
	h, err := newHistory(searchSize, searchHop, 2*parts+2)
	if err != nil {
		return nil, err
	}
	s := &search{h: h, filter: newFilter(h, parts, searchStart, searchFloor, 8), onset: -1, quiet: 1 << 20, coherence: newCoherence(h, parts)}
	return s, nil
}

func (s *search) farEnd(farQ4 []int32) {
	s.far.run(s.low[:], farQ4)
	s.h.push(s.low[:])
	if meanSquare(farQ4) > activePower {
		s.quiet = 0
	} else if s.quiet < 1<<20 {
		s.quiet++
	}
}

// capture looks at a frame of the microphone; it tells when the search began
// anew.
func (s *search) capture(micQ4 []int32) (anew bool) {
	s.mic.run(s.low[:], micQ4)
	s.coherence.push(s.low[:])
	s.filter.estimate(s.echo[:], 0)
	var pm, pe int64
	for i, v := range s.low {
		e := v - s.echo[i]
		s.err[i] = e
		pm += int64(v) * int64(v)
		pe += int64(e) * int64(e)
	}
	s.fastMic += (pm - s.fastMic) >> 3
	s.fastErr += (pe - s.fastErr) >> 3
	if s.fastErr > 2*s.fastMic && s.fastErr > s.slowMic>>1 && s.fastErr > 1<<18 {
		s.bad++
	} else {
		s.bad = 0
	}
	if s.patience > 0 {
		s.patience--
	} else if s.bad >= 6 {
		s.bad, s.patience = 0, relearnHops
		s.filter.reset(searchStart)
		return true
	}
	if !s.active() {
		return false
	}
	if s.still && s.errPower < s.micPower>>3 && pe < pm>>2 && !s.rests {
		s.rests = true // what is known well is followed at half the pace
	} else {
		s.rests = false
		s.filter.adapt(s.err[:], 0, 2)
	}
	s.slowMic += (pm - s.slowMic) >> 6
	s.micPower += (pm - s.micPower) >> 4
	s.errPower += (pe - s.errPower) >> 4
	focused := s.correlate()
	return s.decide() || focused
}

// correlate looks for the delay by itself while the filter explains little; it
// tells when the search began anew.
func (s *search) correlate() (anew bool) {
	if s.errPower < s.micPower>>2 {
		s.proven = s.onset >= 0
		s.coherence.restart()
		return false
	}
	if !s.coherence.follow(s.proven) {
		return false
	}
	first := max(s.coherence.best-1, 0) / 2
	if d := first - s.onset; s.onset >= 0 && d >= -1 && d <= 1 {
		return false
	}
	s.onset, s.candidate, s.agreed, s.lost, s.proven = first, first, 0, 0, true
	s.filter.focus(first)
	return true
}

// reset forgets the echo path but not where it was.
func (s *search) reset() {
	s.filter.reset(searchStart)
	s.bad, s.patience, s.lost, s.agreed = 0, relearnHops, 0, 0
}

// decide renews the onset from the energies of the partitions; it tells when
// the search began anew.
func (s *search) decide() (anew bool) {
	top, sum := int64(0), int64(0)
	for _, e := range s.filter.energy {
		top = max(top, e)
		sum += e
	}
	if top == 0 {
		return anew
	}
	first := 0
	for s.filter.energy[first] < top>>3 {
		first++
	}
	// What the search explains must be worth it.
	if s.errPower > s.micPower>>1 {
		s.agreed = 0
		if s.lost++; s.lost >= lostHops && s.onset >= 0 {
			s.lost = 0
			s.filter.doubt(searchStart)
			anew = true
		}
		return anew
	}
	s.lost = 0
	if first != s.candidate {
		s.candidate, s.agreed = first, 0
		return anew
	}
	s.agreed++
	// The main filter's window begins one partition before the onset: it need
	// not follow by one partition.
	if d := first - s.onset; s.agreed >= 8 && (s.onset < 0 || d < -1 || d > 1) {
		s.onset = first
	}
	return anew
}

// active says whether the far end was heard within the search's reach.
func (s *search) active() bool { return s.quiet < 2*s.filter.parts }
