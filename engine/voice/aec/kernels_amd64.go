//go:build !noasm

package aec

import (
	"github.com/edgecam/edgecam/engine/fixed"
	"github.com/edgecam/edgecam/internal/cpufeat"
)

var useSIMD bool

func selectKernels(set cpufeat.Set) {
	selected = set
	useSIMD = set&cpufeat.AVX2 != 0 && !fixedcheck
}

//go:noescape
func accumulateKernel(s *sums, x, w *fixed.Complex32, u, power *int32, n, shift int)

//go:noescape
func updateKernel(by *gains, x, w *fixed.Complex32, u, power *int32, n, shift int)
