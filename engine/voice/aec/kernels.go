package aec

import (
	"github.com/edgecam/edgecam/engine/fixed"
	"github.com/edgecam/edgecam/internal/cpufeat"
)

//go:generate go run ../../video/vp8/internal/dsp/internal/neongen neon/adapt.c

func init() { selectKernels(cpufeat.Active()) }

// SelectKernels makes the package use only the kernel sets in set (limited to
// what the processor has) and returns a function that restores the former
// choice. For tests and benchmarks; no other call may run meanwhile.
func SelectKernels(set cpufeat.Set) (restore func()) {
	old := selected
	selectKernels(set & cpufeat.Detected())
	return func() { selectKernels(old) }
}

var selected cpufeat.Set

// maxStride is the number of bins of a partition in memory, a multiple of 4:
// those after the last are zero.
const maxStride = (maxBins + 3) &^ 3

// sums are over the partitions, per bin.
type sums struct {
	re, im [maxStride]int64 // Q28 of Q4: spectrum of the estimated echo
	expect [maxStride]int64 // Q8: power of the echo that is expected in the error
}

// gains are what a hop's error says to every partition, per bin.
type gains struct {
	// E/D, error by power, is gain·2^(30-4-step): 2^30 at most.
	gain [maxStride]fixed.Complex32
	// 5/(8·D) is recip·2^-recipShift: below 2^31.
	recip [maxStride]uint32
	// recip·power·uncertainty comes to Q30 by a shift right of ratio, less the
	// power's own shift.
	ratio [maxStride]int64
	// A gradient comes to Q24 by a shift right of step, 1 to 62, rounded. As
	// offset and back, it does so with unsigned shifts: 2^62 and half a unit, and
	// what 2^62 has become.
	step, offset, back [maxStride]int64

	floor      int64 // least uncertainty, Q28
	noiseShift int64 // |weight|² (Q48) comes to what is added to the uncertainty by a shift right
	energy     int64 // result of an update: Σ|weight|², Q28
}

// accumulate adds the partition with the weights w and the uncertainties u to
// the sums. x and power are the far end's, power<<shift is |x|², shift 28
// at most. All have as many bins, a multiple of 4.
func accumulate(s *sums, x, w []fixed.Complex32, u, power []int32, shift int) {
	n := len(x)
	w, u, power = w[:n], u[:n], power[:n]
	if useSIMD && n > 0 {
		accumulateKernel(s, &x[0], &w[0], &u[0], &power[0], n, shift)
		return
	}
	accumulateGeneric(s, x, w, u, power, shift)
}

// update moves the weights w of a partition by the hop's gains and renews the
// uncertainties u; it returns the new weights' energy, Q28.
func update(g *gains, x, w []fixed.Complex32, u, power []int32, shift int) int64 {
	n := len(x)
	w, u, power = w[:n], u[:n], power[:n]
	if useSIMD && n > 0 {
		updateKernel(g, &x[0], &w[0], &u[0], &power[0], n, shift)
	} else {
		updateGeneric(g, x, w, u, power, shift)
	}
	return g.energy
}
