//go:build noasm || !(amd64 || arm64)

package enhance

import "github.com/edgecam/edgecam/internal/cpufeat"

// Without kernels this is a constant, and the compiler drops the calls.
const useSIMD = false

func selectKernels(set cpufeat.Set) { selected = set }

const noKernel = "enhance: kernel called that this build does not have"

func differencesKernel(diff, sum, sumAbs *int16, cur *byte, avgQ7 *uint16, n int) { panic(noKernel) }

func blendKernel(out *byte, avgQ7 *uint16, support, cur *byte, sum, sumAbs *int16, t *blendTables, n int) {
	panic(noKernel)
}

func smoothKernel(out *byte, rows *[5]*byte, support *byte, t *smoothTables, n int) { panic(noKernel) }

func toneKernel(row *byte, liftQ15 *int16, blackQ8, gain, n int) { panic(noKernel) }

func scaleKernel(row *byte, gainQ12 *int16, from, to, n int) { panic(noKernel) }

func remapKernel(row, src *byte, at *int32, fx, fy *byte, stride, n int) { panic(noKernel) }
