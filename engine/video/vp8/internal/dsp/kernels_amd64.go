//go:build !noasm

package dsp

import "github.com/edgecam/edgecam/internal/cpufeat"

// Which families run kernels. SSE2 has all but intra prediction, which wants byte
// shuffles.
var useSAD, useSSE, useSATD, useFDCT, useDCT, useQuant, useInter, useIntra, useFilter, useSimple, useAverage, useCopy bool

// useWide has kernels that need no more than SSE2 use AVX2; they ask themselves.
var useWide bool

func selectKernels(set cpufeat.Set) {
	selected = set
	sse2 := set&cpufeat.SSE2 != 0
	avx2 := set&cpufeat.AVX2 != 0
	useSAD, useSSE, useSATD, useQuant, useCopy, useWide = sse2, sse2, sse2, sse2, sse2, avx2
	useFDCT, useDCT = sse2, sse2
	useInter, useFilter, useSimple, useAverage = sse2, sse2, sse2, sse2
	useIntra = avx2
	_, _ = useWide, &intra4Table // the assembly reads them
}

//go:noescape
func sad16xN(a *byte, as int, b *byte, bs, h int) uint32

//go:noescape
func sad8xN(a *byte, as int, b *byte, bs, h int) uint32

//go:noescape
func sad4x4(a *byte, as int, b *byte, bs int) uint32

//go:noescape
func sad16xNx4(src *byte, ss int, ref *byte, rs int, off *[4]int, out *[4]uint32, h int)

//go:noescape
func sad8xNx4(src *byte, ss int, ref *byte, rs int, off *[4]int, out *[4]uint32, h int)

//go:noescape
func sad4x4x4(src *byte, ss int, ref *byte, rs int, off *[4]int, out *[4]uint32)

//go:noescape
func sse4x4(a *byte, as int, b *byte, bs int) uint32

//go:noescape
func diff16xN(a *byte, as int, b *byte, bs, h int) (sse uint32, sum int32)

//go:noescape
func diff8xN(a *byte, as int, b *byte, bs, h int) (sse uint32, sum int32)

//go:noescape
func quadrants(a *byte, as int, b *byte, bs int, sse *[4]uint32, sum *[4]int32)

//go:noescape
func satd16x16(a *byte, as int, b *byte, bs int) uint32

//go:noescape
func satd4x4(a *byte, as int, b *byte, bs int) uint32

//go:noescape
func satd8xN(a *byte, as int, b *byte, bs, h int) uint32

//go:noescape
func fdct4x4(coef *int16, src *byte, ss int, pred *byte, ps int)

//go:noescape
func fdct8x8(coef *int16, src *byte, ss int, pred *byte, ps int)

//go:noescape
func fdct16x16(coef *int16, src *byte, ss int, pred *byte, ps int)

//go:noescape
func fwht(out, coef *int16)

//go:noescape
func iwht(coef, y2 *int16)

//go:noescape
func idctAdd(dst *byte, ds int, pred *byte, ps int, coef *int16)

//go:noescape
func idctAdd16x16(dst *byte, ds int, pred *byte, ps int, coef *int16, eobs *uint8)

//go:noescape
func idctAdd8x8(dst *byte, ds int, pred *byte, ps int, coef *int16, eobs *uint8)

//go:noescape
func quantizeBlocks(levels, dequant, coef *int16, eobs *uint8, m *QuantMatrix, first, n int)

//go:noescape
func sixTap(dst *byte, ds int, src *byte, ss, mx, my, w, h int)

//go:noescape
func bilinear(dst *byte, ds int, src *byte, ss, mx, my, w, h int)

//go:noescape
func intraTM(dst *byte, ds int, above, left *byte, corner, n int)

//go:noescape
func intra4Search(satd *uint32, preds, edge, src *byte, ss int)

//go:noescape
func intraH(dst *byte, ds int, left *byte, n int)

//go:noescape
func filterRow(f *MBFilter, n int, y, u, v *byte, ys, uvs, edges int)

//go:noescape
func filterSimpleV(y *byte, stride, limit int)

//go:noescape
func filterSimpleH(y *byte, stride, limit int)

//go:noescape
func average(avgQ7 *uint16, pix *byte, stride, w, h, shift, limitQ7 int)

//go:noescape
func extendRows(p *byte, stride, w, h, n int)

//go:noescape
func copy16xN(dst *byte, ds int, src *byte, ss, h int)

//go:noescape
func copy8xN(dst *byte, ds int, src *byte, ss, h int)

//go:noescape
func copyRun(dst *byte, ds int, src *byte, ss, w, h int)

// sixTapCached has no use for the cache: the kernels keep rows in registers.
func sixTapCached(dst *byte, ds int, src *byte, ss, mx, my int, _ *RowCache) {
	sixTap(dst, ds, src, ss, mx, my, 16, 16)
}
