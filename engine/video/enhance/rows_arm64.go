//go:build !noasm

package enhance

import "github.com/edgecam/edgecam/internal/cpufeat"

var useSIMD bool

func selectKernels(set cpufeat.Set) {
	selected = set
	useSIMD = set&cpufeat.NEON != 0
}

//go:noescape
func differencesKernel(diff, sum, sumAbs *int16, cur *byte, avgQ7 *uint16, n int)

//go:noescape
func blendKernel(out *byte, avgQ7 *uint16, support, cur *byte, sum, sumAbs *int16, t *blendTables, n int)

//go:noescape
func smoothKernel(out *byte, rows *[5]*byte, support *byte, t *smoothTables, n int)

//go:noescape
func toneKernel(row *byte, liftQ15 *int16, blackQ8, gain, n int)

//go:noescape
func scaleKernel(row *byte, gainQ12 *int16, from, to, n int)

//go:noescape
func remapKernel(row, src *byte, at *int32, fx, fy *byte, stride, n int)
