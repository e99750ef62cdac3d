//go:build noasm || !arm64

package raw

import "github.com/edgecam/edgecam/internal/cpufeat"

// Without kernels this is a constant, and the compiler drops the calls. There are
// none for amd64: sensors that deliver mosaics sit on boards.
const useSIMD = false

func selectKernels(set cpufeat.Set) { selected = set }

const noKernel = "raw: kernel called that this build does not have"

func interpolateKernel(out, above, here, below *uint16, stride, at, n int) { panic(noKernel) }

func yuvKernel(y0, y1, u, v, rgb0, rgb1 *uint8, stride, n int) { panic(noKernel) }
