package dsp

// IntraMode4 is a 4x4 luma prediction mode, in the order of RFC 6386, 8.2.
type IntraMode4 uint8

// The ten subblock modes.
const (
	Intra4DC IntraMode4 = iota
	Intra4TM
	Intra4VE
	Intra4HE
	Intra4LD
	Intra4RD
	Intra4VR
	Intra4VL
	Intra4HD
	Intra4HU
	NumIntra4 = 10
)

// Edge4 is the border of a 4x4 block, running from the bottom of the left
// column up, through the corner, and along the row above to 4 samples beyond
// the block (12.3, array E):
//
//	index  0  1  2  3  4  5  6  7  8  9 10 11 12
//	       L3 L2 L1 L0 P  A0 A1 A2 A3 A4 A5 A6 A7
type Edge4 [13]byte

// Gather fills e from the samples round the block at plane[off] and the row
// above, at plane[off-stride], whose last four samples come from right (the
// row above the macroblock, for all blocks of the fourth column).
func (e *Edge4) Gather(plane []byte, off, stride int, right []byte) {
	e[0], e[1] = plane[off+3*stride-1], plane[off+2*stride-1]
	e[2], e[3] = plane[off+stride-1], plane[off-1]
	copy(e[4:9], plane[off-stride-1:off-stride+4])
	copy(e[9:13], right[:4])
}

// Intra4x4 predicts one 4x4 luma block (12.3).
func Intra4x4(dst []byte, ds int, mode IntraMode4, e *Edge4) {
	need(dst, ds, 4, 4)
	if mode >= NumIntra4 {
		panic("dsp: no such 4x4 intra mode")
	}
	intra4Generic(dst, ds, mode, e)
}

// Intra4x4All predicts one block in all ten modes: the prediction of mode m is
// dst[16*m:16*m+16], with a stride of 4. For mode searches.
func Intra4x4All(dst *[16 * NumIntra4]byte, e *Edge4) {
	for m := range IntraMode4(NumIntra4) {
		intra4Generic(dst[16*int(m):16*int(m)+16], 4, m, e)
	}
}

// Intra4x4Search predicts one block in all ten modes and measures each against
// the source: satd[m] is SATD4x4 of src and the prediction of mode m, which is
// preds[16*m:16*m+16], with a stride of 4.
func Intra4x4Search(satd *[NumIntra4]uint32, preds *[16 * NumIntra4]byte, e *Edge4, src []byte, ss int) {
	need(src, ss, 4, 4)
	if useIntra {
		intra4Search(&satd[0], &preds[0], &e[0], &src[0], ss)
		return
	}
	Intra4x4All(preds, e)
	for m := range satd {
		satd[m] = satdBlockGeneric(src, ss, preds[16*m:], 4)
	}
}
