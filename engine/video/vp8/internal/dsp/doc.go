// Package dsp holds the sample-level arithmetic of VP8 (RFC 6386): block
// metrics, transforms, quantisation, intra and inter prediction, loop filters
// and plane borders. It knows nothing of bitstreams or mode decisions.
//
// Every operation has a portable Go version, the reference, and where it pays
// versions for SSE2, AVX2 and NEON that give the same bytes. The functions
// check lengths once and panic when a slice is too short or a stride smaller
// than the block is wide: such a call is a mistake in the codec, never a
// property of a bitstream. Nothing here allocates, and all functions may be
// called from several goroutines at once on different output memory.
//
// Coefficient blocks are 16 int16 in raster order. A macroblock has 25 of
// them: 0..15 luma in raster order, 16..19 U, 20..23 V, 24 the Y2 block.
package dsp

import "github.com/edgecam/edgecam/internal/cpufeat"

//go:generate go run ./internal/neongen neon/sad.c neon/sse.c neon/dct.c neon/quant.c neon/inter.c neon/filter.c neon/average.c neon/intra4.c neon/extend.c

// Layout of a macroblock's 25 coefficient blocks.
const (
	BlockU   = 16 // first U block
	BlockV   = 20 // first V block
	BlockY2  = 24 // second-order luma block
	MBBlocks = 25
	MBCoefs  = MBBlocks * 16
)

// need panics unless plane holds h rows of w bytes, stride bytes apart.
func need(plane []byte, stride, w, h int) {
	if stride < w || len(plane) < (h-1)*stride+w {
		panic("dsp: plane shorter than the block, or stride smaller than its width")
	}
}

func init() { selectKernels(cpufeat.Active()) }

// SelectKernels makes the package use only the kernel sets in set (limited to
// what the processor has) and returns a function that restores the former
// choice. For tests and benchmarks; no other call may run meanwhile.
func SelectKernels(set cpufeat.Set) (restore func()) {
	old := selected
	selectKernels(set & cpufeat.Detected())
	return func() { selectKernels(old) }
}

// selected is what selectKernels got last.
var selected cpufeat.Set
