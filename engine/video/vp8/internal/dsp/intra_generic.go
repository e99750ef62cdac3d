package dsp

import "encoding/binary"

func fillBlock(dst []byte, ds int, v byte, n int) {
	w := uint64(v) * 0x0101010101010101
	for y := range n {
		row := dst[y*ds : y*ds+n]
		binary.LittleEndian.PutUint64(row, w)
		if n == 16 {
			binary.LittleEndian.PutUint64(row[8:], w)
		}
	}
}

func fillRows(dst []byte, ds int, left []byte) {
	n := len(left)
	for y, v := range left {
		w := uint64(v) * 0x0101010101010101
		row := dst[y*ds : y*ds+n]
		binary.LittleEndian.PutUint64(row, w)
		if n == 16 {
			binary.LittleEndian.PutUint64(row[8:], w)
		}
	}
}

func intraTMGeneric(dst []byte, ds int, above, left []byte, corner byte) {
	for y, l := range left {
		base := int32(l) - int32(corner)
		row := dst[y*ds : y*ds+len(above)]
		for x, a := range above {
			row[x] = clamp255(base + int32(a))
		}
	}
}
