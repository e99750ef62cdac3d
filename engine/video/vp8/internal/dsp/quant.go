package dsp

import "encoding/binary"

// QuantMatrix holds the constants of one block type, in raster order: the
// first entry is for DC, the other 15 for AC.
type QuantMatrix struct {
	// ZeroBin: a coefficient whose magnitude is below becomes 0. 0 to 32767.
	ZeroBin [16]int16
	// Round is added to the magnitude before the division. 0 to Dequant.
	Round [16]int16
	// MulQ16 is 65536/Dequant; see Reciprocal.
	MulQ16 [16]uint16
	// Dequant is the step size, 4 to 1023.
	Dequant [16]int16
}

// Reciprocal returns the multiplier for a step size of at least 2.
func Reciprocal(step int) uint16 { return uint16((65536 + step - 1) / step) }

// Set fills m from the step sizes of the DC and the AC coefficients, with the
// zero bin and the rounding as fractions of the step in Q7 (128 = one step;
// a plain quantiser has zeroBinQ7 64 and roundQ7 64).
func (m *QuantMatrix) Set(dc, ac, zeroBinQ7, roundQ7 int) {
	for i := range 16 {
		step := ac
		if i == 0 {
			step = dc
		}
		m.ZeroBin[i] = int16(step * zeroBinQ7 >> 7)
		m.Round[i] = int16(step * roundQ7 >> 7)
		m.MulQ16[i] = Reciprocal(step)
		m.Dequant[i] = int16(step)
	}
}

// ZigZag is the coding order of coefficients (13): coefficient n of the token
// stream is at raster position ZigZag[n].
var ZigZag = [16]uint8{0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15}

// QuantizeBlock quantises the block coef:
//
//	level = sign * ((|coef|+Round) * MulQ16 >> 16), or 0 where |coef| < ZeroBin
//
// levels gets the 16 levels in coding (zigzag) order, dequant the levels times
// the step in raster order. It returns the end of block: the number of levels
// up to and with the last one that is not 0. Blocks that begin at coefficient
// first = 1 (luma with a Y2 block) get level and dequantised value 0 there.
// |coef| must not exceed 32767-Round.
func QuantizeBlock(levels, dequant, coef []int16, m *QuantMatrix, first int) (eob int) {
	_, _, _ = levels[15], dequant[15], coef[15]
	if useQuant {
		var e uint8
		quantizeBlocks(&levels[0], &dequant[0], &coef[0], &e, m, first, 1)
		return int(e)
	}
	return quantizeGeneric((*[16]int16)(levels), (*[16]int16)(dequant), (*[16]int16)(coef), m, first)
}

// QuantizeBlocks is QuantizeBlock for a run of n blocks of one type; eobs gets
// their ends of block.
func QuantizeBlocks(levels, dequant, coef []int16, eobs []uint8, m *QuantMatrix, first, n int) {
	if n <= 0 {
		return
	}
	_, _, _, _ = levels[16*n-1], dequant[16*n-1], coef[16*n-1], eobs[n-1]
	if useQuant {
		quantizeBlocks(&levels[0], &dequant[0], &coef[0], &eobs[0], m, first, n)
		return
	}
	for i := range n {
		l, d, c := levels[16*i:], dequant[16*i:], coef[16*i:]
		eobs[i] = uint8(quantizeGeneric((*[16]int16)(l), (*[16]int16)(d), (*[16]int16)(c), m, first))
	}
}

// QuantizeMB quantises a macroblock: luma with y1, chroma with uv and, if
// y2 is not nil, block 24 with y2; luma blocks then begin at coefficient 1.
// levels, dequant, coef hold 25 blocks of 16 (block 24 is left alone without
// y2). eobs gets the 25 ends of block (as QuantizeBlock). Bit i of nonZero is
// set where block i has a level that is not 0.
func QuantizeMB(levels, dequant, coef *[MBCoefs]int16, eobs *[MBBlocks]uint8, y1, uv, y2 *QuantMatrix) (nonZero uint32) {
	first := 0
	if y2 != nil {
		first = 1
		quantizeRun(levels, dequant, coef, eobs, y2, 0, BlockY2, 1)
	} else {
		eobs[BlockY2] = 0
	}
	quantizeRun(levels, dequant, coef, eobs, y1, first, 0, 16)
	quantizeRun(levels, dequant, coef, eobs, uv, 0, BlockU, 8)
	nonZero = notZero8(eobs[:]) | notZero8(eobs[8:])<<8 | notZero8(eobs[BlockU:])<<BlockU
	if eobs[BlockY2] != 0 {
		nonZero |= 1 << BlockY2
	}
	return nonZero
}

// notZero8 returns a bit for each of eight counts below 128 that is not 0.
func notZero8(eobs []uint8) uint32 {
	b := (binary.LittleEndian.Uint64(eobs) + 0x7f7f7f7f7f7f7f7f) >> 7 & 0x0101010101010101
	// The product brings the lowest bits of the eight bytes together on top.
	return uint32(b * 0x0102040810204080 >> 56)
}

func quantizeRun(levels, dequant, coef *[MBCoefs]int16, eobs *[MBBlocks]uint8, m *QuantMatrix, first, start, n int) {
	o := 16 * start
	QuantizeBlocks(levels[o:], dequant[o:], coef[o:], eobs[start:], m, first, n)
}
