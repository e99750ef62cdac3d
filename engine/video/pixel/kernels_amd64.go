//go:build !noasm

package pixel

import "github.com/edgecam/edgecam/internal/cpufeat"

// step is what kernels do at once.
const step = 16

var useSIMD bool

func selectKernels(set cpufeat.Set) {
	selected = set
	useSIMD = set&cpufeat.SSE2 != 0
}

//go:noescape
func packedKernel(y0, y1, u, v, r0, r1 *byte, n, lumaAt int)

//go:noescape
func splitKernel(u, v, src *byte, n int)

//go:noescape
func halveKernel(dst, r0, r1 *byte, n int)

//go:noescape
func blendKernel(row *uint16, a, b *byte, wa, wb, n int)
