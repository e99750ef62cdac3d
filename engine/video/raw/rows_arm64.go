//go:build !noasm

package raw

import "github.com/edgecam/edgecam/internal/cpufeat"

var useSIMD bool

func selectKernels(set cpufeat.Set) {
	selected = set
	useSIMD = set&cpufeat.NEON != 0
}

//go:noescape
func interpolateKernel(out, above, here, below *uint16, stride, at, n int)

//go:noescape
func yuvKernel(y0, y1, u, v, rgb0, rgb1 *uint8, stride, n int)
