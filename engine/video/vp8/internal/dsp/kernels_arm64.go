//go:build !noasm

package dsp

import "github.com/edgecam/edgecam/internal/cpufeat"

// Which families run kernels: with NEON, all.
var useSAD, useSSE, useSATD, useFDCT, useDCT, useQuant, useInter, useIntra, useFilter, useSimple, useAverage, useCopy bool

func selectKernels(set cpufeat.Set) {
	selected = set
	neon := set&cpufeat.NEON != 0
	useSAD, useSSE, useSATD, useFDCT, useDCT, useQuant = neon, neon, neon, neon, neon, neon
	useInter, useIntra, useFilter, useSimple, useAverage, useCopy = neon, neon, neon, neon, neon, neon
}

// zigzagTable holds the byte shuffles from raster to coding order and the
// numbers 1 to 16.
var zigzagTable = func() (t [48]uint8) {
	for n, i := range ZigZag {
		t[2*n], t[2*n+1] = 2*i, 2*i+1
		t[32+n] = uint8(n + 1)
	}
	return t
}()

func quantizeBlocks(levels, dequant, coef *int16, eobs *uint8, m *QuantMatrix, first, n int) {
	quantizeBlocksNEON(levels, dequant, coef, eobs, m, first, n, &zigzagTable)
}

func intra4Search(satd *uint32, preds, edge, src *byte, ss int) {
	intra4SearchNEON(satd, preds, edge, src, ss, &intra4Table)
}

// sixTapMagnitudes are the filters without their signs; taps 1 and 4 are the
// negative ones.
var sixTapMagnitudes = func() (t [8][8]uint8) {
	for i, f := range sixTapFilters {
		for k, v := range f {
			t[i][k] = uint8(max(v, -v))
		}
	}
	return t
}()

func sixTap(dst *byte, ds int, src *byte, ss, mx, my, w, h int) {
	kx, ky := &sixTapMagnitudes[mx&7], &sixTapMagnitudes[my&7]
	switch {
	case w == 16 && my == 0:
		sixTapX16(dst, ds, src, ss, kx, h)
	case w == 16 && mx == 0:
		sixTapY16(dst, ds, src, ss, ky, h)
	case w == 16:
		var rows [(16 + 5) * 16]byte
		sixTapRows16(&rows[0], src, ss, kx, h)
		sixTapY16(dst, ds, &rows[2*16], 16, ky, h)
	case my == 0:
		sixTapX(dst, ds, src, ss, kx, w, h)
	case mx == 0:
		sixTapY(dst, ds, src, ss, ky, w, h)
	default:
		sixTapXY(dst, ds, src, ss, kx, ky, w, h)
	}
}

//go:noescape
func quantizeBlocksNEON(levels, dequant, coef *int16, eobs *uint8, m *QuantMatrix, first, n int, table *[48]uint8)

//go:noescape
func intra4SearchNEON(satd *uint32, preds, edge, src *byte, ss int, table *[14][16]uint8)

//go:noescape
func sixTapX16(dst *byte, ds int, src *byte, ss int, kx *[8]uint8, h int)

//go:noescape
func sixTapY16(dst *byte, ds int, src *byte, ss int, ky *[8]uint8, h int)

//go:noescape
func sixTapRows16(rows, src *byte, ss int, kx *[8]uint8, h int)

//go:noescape
func sixTapX(dst *byte, ds int, src *byte, ss int, kx *[8]uint8, w, h int)

//go:noescape
func sixTapY(dst *byte, ds int, src *byte, ss int, ky *[8]uint8, w, h int)

//go:noescape
func sixTapXY(dst *byte, ds int, src *byte, ss int, kx, ky *[8]uint8, w, h int)

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
func bilinear(dst *byte, ds int, src *byte, ss, mx, my, w, h int)

//go:noescape
func intraTM(dst *byte, ds int, above, left *byte, corner, n int)

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
