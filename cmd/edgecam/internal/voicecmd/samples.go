package voicecmd

import "encoding/binary"

// 16-bit samples in files and packets, four at a time.

// getLittle reads len(dst) samples from src.
func getLittle(dst []int16, src []byte) {
	src = src[:2*len(dst)]
	for ; len(dst) >= 4; dst, src = dst[4:], src[8:] {
		x := binary.LittleEndian.Uint64(src)
		dst[0], dst[1], dst[2], dst[3] = int16(x), int16(x>>16), int16(x>>32), int16(x>>48)
	}
	for i := range dst {
		dst[i] = int16(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// putLittle writes src to dst, which has room.
func putLittle(dst []byte, src []int16) {
	dst = dst[:2*len(src)]
	for ; len(src) >= 4; dst, src = dst[8:], src[4:] {
		binary.LittleEndian.PutUint64(dst, uint64(uint16(src[0]))|uint64(uint16(src[1]))<<16|uint64(uint16(src[2]))<<32|uint64(uint16(src[3]))<<48)
	}
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], uint16(v))
	}
}

// getBig is getLittle in network byte order.
func getBig(dst []int16, src []byte) {
	src = src[:2*len(dst)]
	for ; len(dst) >= 4; dst, src = dst[4:], src[8:] {
		x := binary.BigEndian.Uint64(src)
		dst[0], dst[1], dst[2], dst[3] = int16(x>>48), int16(x>>32), int16(x>>16), int16(x)
	}
	for i := range dst {
		dst[i] = int16(binary.BigEndian.Uint16(src[2*i:]))
	}
}

// putBig is putLittle in network byte order.
func putBig(dst []byte, src []int16) {
	dst = dst[:2*len(src)]
	for ; len(src) >= 4; dst, src = dst[8:], src[4:] {
		binary.BigEndian.PutUint64(dst, uint64(uint16(src[0]))<<48|uint64(uint16(src[1]))<<32|uint64(uint16(src[2]))<<16|uint64(uint16(src[3])))
	}
	for i, v := range src {
		binary.BigEndian.PutUint16(dst[2*i:], uint16(v))
	}
}
