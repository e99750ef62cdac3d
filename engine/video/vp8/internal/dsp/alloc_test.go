package dsp

import "testing"

func TestNoAllocations(t *testing.T) {
	plane := make([]byte, 64*64)
	if n := testing.AllocsPerRun(20, func() {
		// Operands on the caller's stack must stay there.
		var coef, levels, dequant [MBCoefs]int16
		var eobs [MBBlocks]uint8
		var m QuantMatrix
		var off [4]int
		var out [4]uint32
		var sse [4]uint32
		var sum [4]int32
		var block [256]byte
		var e Edge4
		var all [160]byte
		var f MBFilter
		m.Set(20, 24, 80, 50)
		f.SetLevel(20, 0, true, true)
		FDCT16x16(coef[:], plane, 64, block[:], 16)
		FWHT(coef[BlockY2*16:], coef[:])
		QuantizeMB(&levels, &dequant, &coef, &eobs, &m, &m, &m)
		IWHT(dequant[:], dequant[BlockY2*16:])
		IDCTAdd16x16(block[:], 16, block[:], 16, dequant[:], eobs[:])
		SAD16x16x4(block[:], 16, plane, 64, &off, &out)
		Quadrants16x16(block[:], 16, plane, 64, &sse, &sum)
		SixTap(block[:], 16, plane, 10*64+10, 64, 2, 4, 16, 16)
		Intra16x16(block[:], 16, IntraTM, plane, nil, 127)
		Intra4x4All(&all, &e)
		FilterMB(&f, plane, plane, plane, 10*64+10, 10*64+10, 64, 64, true, true)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
