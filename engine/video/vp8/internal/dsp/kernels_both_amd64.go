//go:build !noasm

package dsp

// The kernels that exist for both sets: who has AVX2 uses that.

// Only the assembly calls them.
var (
	_, _ = sixTapAVX2, sixTapSSE2
	_, _ = bilinearAVX2, bilinearSSE2
	_, _ = filterRowAVX2, filterRowSSE2
	_, _ = filterSimpleVAVX2, filterSimpleVSSE2
	_, _ = filterSimpleHAVX2, filterSimpleHSSE2
	_, _ = averageAVX2, averageSSE2
)

//go:noescape
func sixTapAVX2(dst *byte, ds int, src *byte, ss, mx, my, w, h int)

//go:noescape
func sixTapSSE2(dst *byte, ds int, src *byte, ss, mx, my, w, h int)

//go:noescape
func bilinearAVX2(dst *byte, ds int, src *byte, ss, mx, my, w, h int)

//go:noescape
func bilinearSSE2(dst *byte, ds int, src *byte, ss, mx, my, w, h int)

//go:noescape
func filterRowAVX2(f *MBFilter, n int, y, u, v *byte, ys, uvs, edges int)

//go:noescape
func filterRowSSE2(f *MBFilter, n int, y, u, v *byte, ys, uvs, edges int)

//go:noescape
func filterSimpleVAVX2(y *byte, stride, limit int)

//go:noescape
func filterSimpleVSSE2(y *byte, stride, limit int)

//go:noescape
func filterSimpleHAVX2(y *byte, stride, limit int)

//go:noescape
func filterSimpleHSSE2(y *byte, stride, limit int)

//go:noescape
func averageAVX2(avgQ7 *uint16, pix *byte, stride, w, h, shift, limitQ7 int)

//go:noescape
func averageSSE2(avgQ7 *uint16, pix *byte, stride, w, h, shift, limitQ7 int)
