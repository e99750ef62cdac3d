//go:build !noasm

package isac

import "github.com/edgecam/edgecam/internal/cpufeat"

func haveKernel() bool { return cpufeat.Has(cpufeat.SSE2) }

func correlateKernel(dst, x, y *float64, n, lags int) {
	if cpufeat.Has(cpufeat.AVX2) {
		correlateAVX2(dst, x, y, n, lags)
		return
	}
	correlateSSE2(dst, x, y, n, lags)
}

// Kernels take n > 0 samples and a multiple of kernelLags lags.

//go:noescape
func correlateAVX2(dst, x, y *float64, n, lags int)

//go:noescape
func correlateSSE2(dst, x, y *float64, n, lags int)
