//go:build noasm || !(amd64 || arm64)

package dsp

import "github.com/edgecam/edgecam/internal/cpufeat"

// Without kernels these are constants, and the compiler drops the calls.
const (
	useSAD     = false
	useSSE     = false
	useSATD    = false
	useFDCT    = false
	useDCT     = false
	useQuant   = false
	useInter   = false
	useIntra   = false
	useFilter  = false
	useSimple  = false
	useAverage = false
	useCopy    = false
)

func selectKernels(set cpufeat.Set) { selected = set }

func sad16xN(a *byte, as int, b *byte, bs, h int) uint32 { panic(noKernel) }
func sad8xN(a *byte, as int, b *byte, bs, h int) uint32  { panic(noKernel) }
func sad4x4(a *byte, as int, b *byte, bs int) uint32     { panic(noKernel) }
func sad16xNx4(src *byte, ss int, ref *byte, rs int, off *[4]int, out *[4]uint32, h int) {
	panic(noKernel)
}

func sad8xNx4(src *byte, ss int, ref *byte, rs int, off *[4]int, out *[4]uint32, h int) {
	panic(noKernel)
}

func sad4x4x4(src *byte, ss int, ref *byte, rs int, off *[4]int, out *[4]uint32) { panic(noKernel) }

func sse4x4(a *byte, as int, b *byte, bs int) uint32 { panic(noKernel) }

func diff16xN(a *byte, as int, b *byte, bs, h int) (sse uint32, sum int32) { panic(noKernel) }

func diff8xN(a *byte, as int, b *byte, bs, h int) (sse uint32, sum int32) { panic(noKernel) }

func quadrants(a *byte, as int, b *byte, bs int, sse *[4]uint32, sum *[4]int32) { panic(noKernel) }

func satd16x16(a *byte, as int, b *byte, bs int) uint32 { panic(noKernel) }

func satd4x4(a *byte, as int, b *byte, bs int) uint32 { panic(noKernel) }

func satd8xN(a *byte, as int, b *byte, bs, h int) uint32 { panic(noKernel) }

func fdct4x4(coef *int16, src *byte, ss int, pred *byte, ps int) { panic(noKernel) }

func fdct8x8(coef *int16, src *byte, ss int, pred *byte, ps int) { panic(noKernel) }

func fdct16x16(coef *int16, src *byte, ss int, pred *byte, ps int) { panic(noKernel) }

func fwht(out, coef *int16) { panic(noKernel) }

func iwht(coef, y2 *int16) { panic(noKernel) }

func idctAdd(dst *byte, ds int, pred *byte, ps int, coef *int16) { panic(noKernel) }

func idctAdd16x16(dst *byte, ds int, pred *byte, ps int, coef *int16, eobs *uint8) { panic(noKernel) }

func idctAdd8x8(dst *byte, ds int, pred *byte, ps int, coef *int16, eobs *uint8) { panic(noKernel) }

func quantizeBlocks(levels, dequant, coef *int16, eobs *uint8, m *QuantMatrix, first, n int) {
	panic(noKernel)
}
func sixTap(dst *byte, ds int, src *byte, ss, mx, my, w, h int)       { panic(noKernel) }
func bilinear(dst *byte, ds int, src *byte, ss, mx, my, w, h int)     { panic(noKernel) }
func intraH(dst *byte, ds int, left *byte, n int)                     { panic(noKernel) }
func intraTM(dst *byte, ds int, above, left *byte, corner, n int)     { panic(noKernel) }
func filterRow(f *MBFilter, n int, y, u, v *byte, ys, uvs, edges int) { panic(noKernel) }
func filterSimpleV(y *byte, stride, limit int)                        { panic(noKernel) }
func filterSimpleH(y *byte, stride, limit int)                        { panic(noKernel) }

func average(avgQ7 *uint16, pix *byte, stride, w, h, shift, limitQ7 int) { panic(noKernel) }

func extendRows(p *byte, stride, w, h, n int)            { panic(noKernel) }
func copy16xN(dst *byte, ds int, src *byte, ss, h int)   { panic(noKernel) }
func copy8xN(dst *byte, ds int, src *byte, ss, h int)    { panic(noKernel) }
func copyRun(dst *byte, ds int, src *byte, ss, w, h int) { panic(noKernel) }

func intra4Search(satd *uint32, preds, edge, src *byte, ss int) { panic(noKernel) }

const noKernel = "dsp: kernel called that this build does not have"

func sixTapCached(dst *byte, ds int, src *byte, ss, mx, my int, c *RowCache) { panic(noKernel) }
