package dsp

import "encoding/binary"

// IntraMode is a whole-block intra prediction mode, in the order of the mode
// enumerations of RFC 6386, 8.2 (luma and chroma alike).
type IntraMode uint8

// The whole-block modes.
const (
	IntraDC IntraMode = iota
	IntraV
	IntraH
	IntraTM
)

// Intra16x16 predicts a macroblock's luma (12.3). above holds 16 samples of
// the row above, left the 16 samples of the column to the left, from top to
// bottom, corner the sample above left. A nil above or left says that this
// side lies outside the frame: DC leaves it out, the other modes take 127 for
// above and 129 for left. The corner (TM) is always the caller's: 127 in the
// first macroblock row, else 129 in the first column.
func Intra16x16(dst []byte, ds int, mode IntraMode, above, left []byte, corner byte) {
	intraBlock(dst, ds, mode, above, left, corner, 16, 4)
}

// Intra8x8 predicts one chroma plane of a macroblock (12.2): as Intra16x16,
// with 8 samples on each side.
func Intra8x8(dst []byte, ds int, mode IntraMode, above, left []byte, corner byte) {
	intraBlock(dst, ds, mode, above, left, corner, 8, 3)
}

func intraBlock(dst []byte, ds int, mode IntraMode, above, left []byte, corner byte, n, log2 int) {
	need(dst, ds, n, n)
	if above != nil {
		above = above[:n:n]
	}
	if left != nil {
		left = left[:n:n]
	}
	if mode == IntraDC {
		mean := intraMean(above, left, log2)
		if useIntra {
			word := uint64(mean) * 0x0101010101010101
			var column [16]byte
			binary.LittleEndian.PutUint64(column[:], word)
			binary.LittleEndian.PutUint64(column[8:], word)
			intraH(&dst[0], ds, &column[0], n)
			return
		}
		fillBlock(dst, ds, mean, n)
		return
	}
	var outside [32]byte
	if above == nil || left == nil {
		for i := range 16 {
			outside[i], outside[16+i] = 127, 129
		}
		if above == nil {
			above = outside[:n]
		}
		if left == nil {
			left = outside[16 : 16+n]
		}
	}
	switch mode {
	case IntraV:
		switch {
		case useCopy && n == 16: // the same row over and over
			copy16xN(&dst[0], ds, &above[0], 0, n)
		case useCopy:
			copy8xN(&dst[0], ds, &above[0], 0, n)
		default:
			for y := range n {
				copy(dst[y*ds:y*ds+n], above)
			}
		}
	case IntraH:
		if useIntra {
			intraH(&dst[0], ds, &left[0], n)
			return
		}
		fillRows(dst, ds, left)
	case IntraTM:
		if useIntra {
			intraTM(&dst[0], ds, &above[0], &left[0], int(corner), n)
			return
		}
		intraTMGeneric(dst, ds, above, left, corner)
	default:
		panic("dsp: no such intra mode")
	}
}

// intraMean is the rounded mean of the samples at hand, 128 if there are none.
func intraMean(above, left []byte, log2 int) byte {
	if above == nil && left == nil {
		return 128
	}
	if above != nil && left != nil {
		log2++
	}
	sum := 1 << log2 >> 1
	for _, p := range above {
		sum += int(p)
	}
	for _, p := range left {
		sum += int(p)
	}
	return byte(sum >> log2)
}
