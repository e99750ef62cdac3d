package dsp

import (
	"testing"

	"github.com/edgecam/edgecam/internal/cpufeat"
)

// Benchmarks run as Benchmark<Kernel>/<set>.
func BenchmarkKernels(b *testing.B) {
	const stride = 704
	plane, other := make([]byte, 64*stride), make([]byte, 64*stride)
	for i := range plane {
		plane[i], other[i] = byte(i*7), byte(i*5)
	}
	at := 20*stride + 32
	src, ref := plane[at:], other[at:]
	var coef, levels, dequant [MBCoefs]int16
	var eobs, full [MBBlocks]uint8
	for i := range full {
		full[i] = 16
	}
	var m QuantMatrix
	m.Set(20, 24, 80, 50)
	FDCT16x16(coef[:], src, stride, ref, stride)
	var off [4]int
	for i := range off {
		off[i] = at + i*3
	}
	var out [4]uint32
	var mb MBFilter
	mb.SetLevel(30, 0, false, true)
	dst := make([]byte, 64*stride)
	avg := make([]uint16, 64*stride)
	kernels := []struct {
		name string
		f    func()
	}{
		{"SAD16x16", func() { SAD16x16(src, stride, ref, stride) }},
		{"SAD16x16x4", func() { SAD16x16x4(src, stride, other, stride, &off, &out) }},
		{"SAD8x8", func() { SAD8x8(src, stride, ref, stride) }},
		{"Diff16x16", func() { Diff16x16(src, stride, ref, stride) }},
		{"Quadrants", func() { var s [4]uint32; var d [4]int32; Quadrants16x16(src, stride, ref, stride, &s, &d) }},
		{"SATD16x16", func() { SATD16x16(src, stride, ref, stride) }},
		{"SATD4x4", func() { SATD4x4(src, stride, ref, stride) }},
		{"FDCT16x16", func() { FDCT16x16(levels[:], src, stride, ref, stride) }},
		{"FDCT4x4", func() { FDCT4x4(levels[:], src, stride, ref, stride) }},
		{"QuantizeMB", func() { QuantizeMB(&levels, &dequant, &coef, &eobs, &m, &m, &m) }},
		{"IDCTAdd16x16", func() { IDCTAdd16x16(dst, stride, ref, stride, coef[:], full[:]) }},
		{"IWHT", func() { IWHT(dequant[:], coef[:]) }},
		{"SixTap16x16xy", func() { SixTap(dst, stride, plane, at, stride, 2, 6, 16, 16) }},
		{"SixTap16x16x", func() { SixTap(dst, stride, plane, at, stride, 2, 0, 16, 16) }},
		{"SixTap16x16y", func() { SixTap(dst, stride, plane, at, stride, 0, 2, 16, 16) }},
		{"SixTap8x8xy", func() { SixTap(dst, stride, plane, at, stride, 2, 6, 8, 8) }},
		{"SixTap4x4xy", func() { SixTap(dst, stride, plane, at, stride, 2, 6, 4, 4) }},
		{"Bilinear16x16xy", func() { Bilinear(dst, stride, plane, at, stride, 2, 6, 16, 16) }},
		{"Average16x16", func() { Average(avg, dst, stride, 16, 16, 2, 8) }},
		{"Copy16x16", func() { Copy(dst, stride, ref, stride, 16, 16) }},
		{"IntraTM16", func() { Intra16x16(dst, stride, IntraTM, ref, src, 3) }},
		{"FilterMB", func() { FilterMB(&mb, dst, dst, dst, at, at, stride, stride, true, true) }},
		{"FilterMBSimple", func() { FilterMBSimple(&mb, dst, at, stride, true, true) }},
	}
	for _, k := range kernels {
		for _, set := range append([]cpufeat.Set{0}, kernelSets()...) {
			b.Run(k.name+"/"+set.String(), func(b *testing.B) {
				defer SelectKernels(set)()
				for b.Loop() {
					k.f()
				}
			})
		}
	}
}
