//go:build !noasm

package dsp

// The kernels that exist for both sets: who has AVX2 uses that.

// Only the assembly calls them.
var (
	_, _ = sixTapAVX2, sixTapSSE2
	_, _ = bilinearAVX2, bilinearSSE2
	_, _ = filterMBVAVX2, filterMBVSSE2
	_, _ = filterMBHAVX2, filterMBHSSE2
	_, _ = filterSubVAVX2, filterSubVSSE2
	_, _ = filterSubHAVX2, filterSubHSSE2
	_, _ = filterMBVuvAVX2, filterMBVuvSSE2
	_, _ = filterMBHuvAVX2, filterMBHuvSSE2
	_, _ = filterSubVuvAVX2, filterSubVuvSSE2
	_, _ = filterSubHuvAVX2, filterSubHuvSSE2
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
func filterMBVAVX2(y *byte, stride int, f *MBFilter)

//go:noescape
func filterMBVSSE2(y *byte, stride int, f *MBFilter)

//go:noescape
func filterMBHAVX2(y *byte, stride int, f *MBFilter)

//go:noescape
func filterMBHSSE2(y *byte, stride int, f *MBFilter)

//go:noescape
func filterSubVAVX2(y *byte, stride int, f *MBFilter)

//go:noescape
func filterSubVSSE2(y *byte, stride int, f *MBFilter)

//go:noescape
func filterSubHAVX2(y *byte, stride int, f *MBFilter)

//go:noescape
func filterSubHSSE2(y *byte, stride int, f *MBFilter)

//go:noescape
func filterMBVuvAVX2(u, v *byte, stride int, f *MBFilter)

//go:noescape
func filterMBVuvSSE2(u, v *byte, stride int, f *MBFilter)

//go:noescape
func filterMBHuvAVX2(u, v *byte, stride int, f *MBFilter)

//go:noescape
func filterMBHuvSSE2(u, v *byte, stride int, f *MBFilter)

//go:noescape
func filterSubVuvAVX2(u, v *byte, stride int, f *MBFilter)

//go:noescape
func filterSubVuvSSE2(u, v *byte, stride int, f *MBFilter)

//go:noescape
func filterSubHuvAVX2(u, v *byte, stride int, f *MBFilter)

//go:noescape
func filterSubHuvSSE2(u, v *byte, stride int, f *MBFilter)

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
