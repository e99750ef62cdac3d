//go:build !noasm

package fixed

import "github.com/edgecam/edgecam/internal/cpufeat"

var useSIMD bool

// Range checks are in the portable code only.
func selectKernels(set cpufeat.Set) {
	selected = set
	useSIMD = set&cpufeat.AVX2 != 0 && !checking
}

//go:noescape
func fftFirst(dst, src, w *Complex32, m, swap, down int)

//go:noescape
func fftMiddle(dst, src, w *Complex32, m, s, swap, down int)

//go:noescape
func fftLast(dst, src *Complex32, s, swap int)

//go:noescape
func fftSplit(low, high, w *Complex32, n int)

//go:noescape
func fftJoin(dstLow, dstHigh, low, high, w *Complex32, n, shift int)

//go:noescape
func dotKernel(a, b *int16, n int) int32

//go:noescape
func dot64Kernel(a, b *int16, n int) int64
