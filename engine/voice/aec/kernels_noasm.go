//go:build noasm || !(amd64 || arm64)

package aec

import (
	"github.com/edgecam/edgecam/engine/fixed"
	"github.com/edgecam/edgecam/internal/cpufeat"
)

// Without kernels this is a constant, and the compiler drops the calls.
const useSIMD = false

func selectKernels(set cpufeat.Set) { selected = set }

func accumulateKernel(s *sums, x, w *fixed.Complex32, u, power *int32, n, shift int) {
	panic(noKernel)
}

func updateKernel(by *gains, x, w *fixed.Complex32, u, power *int32, n, shift int) {
	panic(noKernel)
}

const noKernel = "aec: kernel called that this build does not have"
