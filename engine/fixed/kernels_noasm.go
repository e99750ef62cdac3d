//go:build noasm || !(amd64 || arm64)

package fixed

import "github.com/edgecam/edgecam/internal/cpufeat"

// Without kernels this is a constant, and the compiler drops the calls.
const useSIMD = false

func selectKernels(set cpufeat.Set) { selected = set }

func fftFirst(dst, src, w *Complex32, m, swap, down int)             { panic(noKernel) }
func fftMiddle(dst, src, w *Complex32, m, s, swap, down int)         { panic(noKernel) }
func fftLast(dst, src *Complex32, s, swap int)                       { panic(noKernel) }
func fftSplit(low, high, w *Complex32, n int)                        { panic(noKernel) }
func fftJoin(dstLow, dstHigh, low, high, w *Complex32, n, shift int) { panic(noKernel) }

func dotKernel(a, b *int16, n int) int32   { panic(noKernel) }
func dot64Kernel(a, b *int16, n int) int64 { panic(noKernel) }

const noKernel = "fixed: kernel called that this build does not have"
