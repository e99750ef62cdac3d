//go:build !noasm

package isac

import "github.com/edgecam/edgecam/internal/cpufeat"

func haveKernel() bool { return cpufeat.Has(cpufeat.NEON) }

// correlateKernel takes n > 0 samples and a multiple of kernelLags lags.
//
//go:noescape
func correlateKernel(dst, x, y *float64, n, lags int)
