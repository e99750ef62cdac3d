package raw

import "github.com/edgecam/edgecam/internal/cpufeat"

//go:generate go run ../vp8/internal/dsp/internal/neongen -decl rows_arm64.go neon/rows.c

func init() { selectKernels(cpufeat.Active()) }

// SelectKernels makes the package use only the kernel sets in set (limited to
// what the processor has) and returns a function that restores the former
// choice. For tests and benchmarks; no other call may run meanwhile.
func SelectKernels(set cpufeat.Set) (restore func()) {
	old := selected
	selectKernels(set & cpufeat.Detected())
	return func() { selectKernels(old) }
}

var selected cpufeat.Set

// interpolate finds the two colours that each place of a mosaic's row lacks. out
// receives three rows of w samples: the colour that the row has beside green,
// green, and the third one. The rows of samples, 0 to 1023, have one more at
// either end; at is the parity of the places of the row's own colour.
func interpolate(out, above, here, below []uint16, w, at int) {
	_, _, _, _ = out[:3*w], above[:w+2], here[:w+2], below[:w+2]
	done := 0
	if n := w &^ 7; useSIMD && n > 0 {
		interpolateKernel(&out[0], &above[0], &here[0], &below[0], w, at, n)
		done = n
	}
	interpolateGeneric(out, above, here, below, w, at, done)
}

// toYUV converts two rows to BT.601 limited range; chroma is that of the mean of
// each 2x2 block. rgb0 and rgb1 hold a row of red, one of green and one of blue
// each, of w samples, which is even.
func toYUV(y0, y1, u, v, rgb0, rgb1 []uint8, w int) {
	_, _, _, _, _, _ = y0[:w], y1[:w], u[:w/2], v[:w/2], rgb0[:3*w], rgb1[:3*w]
	done := 0
	if n := w &^ 15; useSIMD && n > 0 {
		yuvKernel(&y0[0], &y1[0], &u[0], &v[0], &rgb0[0], &rgb1[0], w, n)
		done = n
	}
	toYUVGeneric(y0, y1, u, v, rgb0, rgb1, w, done)
}
