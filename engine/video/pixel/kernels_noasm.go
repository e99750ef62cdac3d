//go:build noasm || !(amd64 || arm64)

package pixel

import "github.com/edgecam/edgecam/internal/cpufeat"

// Without kernels this is a constant, and the compiler drops the calls.
const (
	useSIMD = false
	step    = 1
)

func selectKernels(set cpufeat.Set) { selected = set }

func packedKernel(y0, y1, u, v, r0, r1 *byte, n, lumaAt int) { panic(noKernel) }
func splitKernel(u, v, src *byte, n int)                     { panic(noKernel) }
func halveKernel(dst, r0, r1 *byte, n int)                   { panic(noKernel) }
func blendKernel(row *uint16, a, b *byte, wa, wb int, n int) { panic(noKernel) }

const noKernel = "pixel: kernel called that this build does not have"
