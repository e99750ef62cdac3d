package ns

import "github.com/edgecam/edgecam/engine/fixed"

// A cell is what gets one gain: a bin below fineHz, pairBins (about 60 Hz)
// from there to wideHz, coarseBins (about 750 Hz) above. Hearing resolves less
// and less toward high frequencies (critical bands, E. Zwicker 1961).
const (
	fineHz, wideHz       = 4000, 8000
	pairBins, coarseBins = 2, 32
	// powerShift scales |X|² down, so that a power times a weight in Q10 fits
	// 63 bits.
	powerShift = 8
)

// estimator finds the gain of every cell from the spectrum.
type estimator struct {
	fine     int     // cells that are one bin
	edges    []int   // cell c is bins edges[c] to edges[c+1]-1
	shareQ15 []int32 // one over the cell's bins
	power    []int64
	powerLog []int32 // log2, Q10
	noise    tracker
	presence presence
	gains    gains
	frames   int64
}

func newEstimator(rateHz, size int, s Strength) *estimator {
	e := &estimator{}
	bins := size/2 + 1
	e.fine = min(bins, fineHz*size/rateHz)
	for k := 0; k < bins; {
		e.edges = append(e.edges, k)
		switch {
		case k < e.fine:
			k++
		case k < wideHz*size/rateHz:
			k += pairBins
		default:
			k += coarseBins
		}
	}
	cells := len(e.edges)
	e.edges = append(e.edges, bins)
	for c := range cells {
		e.shareQ15 = append(e.shareQ15, int32(1<<15/(e.edges[c+1]-e.edges[c])))
	}
	e.power, e.powerLog = make([]int64, cells), make([]int32, cells)
	e.noise.init(cells)
	e.presence.init(e.edges, rateHz, size)
	e.gains.init(cells, s)
	return e
}

// process finds the gains of the next frame and applies them to its spectrum.
func (e *estimator) process(spectrum []fixed.Complex32) {
	e.frames++
	fine := min(e.fine, len(e.power), len(e.powerLog), len(spectrum))
	for c, x := range spectrum[:fine] {
		p := (int64(x.Re)*int64(x.Re)+int64(x.Im)*int64(x.Im))>>powerShift + 1
		e.power[c], e.powerLog[c] = p, fixed.Log2Q10(uint64(p)) // never 0: every quotient is defined
	}
	for c := fine; c < len(e.power); c++ {
		bins := spectrum[e.edges[c]:e.edges[c+1]]
		var p int64
		for _, x := range bins {
			p += (int64(x.Re)*int64(x.Re) + int64(x.Im)*int64(x.Im)) >> powerShift
		}
		p = p>>9*int64(e.shareQ15[c])>>6 + 1 // p is below 2^52 (Parseval's theorem)
		e.power[c], e.powerLog[c] = p, fixed.Log2Q10(uint64(p))
	}
	e.noise.update(e.power, e.powerLog)
	speech := e.presence.update(e.power, e.noise.power)
	e.gains.update(e.power, e.powerLog, &e.noise, speech)
	gains := e.gains.gainQ15
	for c := range spectrum[:min(fine, len(gains))] {
		spectrum[c] = scale(spectrum[c], gains[c])
	}
	for c := fine; c < len(gains); c++ {
		for k := e.edges[c]; k < e.edges[c+1]; k++ {
			spectrum[k] = scale(spectrum[k], gains[c])
		}
	}
}

func scale(x fixed.Complex32, gainQ15 int32) fixed.Complex32 {
	g := int64(gainQ15)
	return fixed.Complex32{Re: int32((int64(x.Re)*g + 1<<14) >> 15), Im: int32((int64(x.Im)*g + 1<<14) >> 15)}
}
