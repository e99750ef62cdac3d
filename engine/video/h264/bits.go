package h264

import (
	"fmt"
	"io"
)

// bitReader reads a NAL unit's payload, leaving out the bytes that only keep start
// codes from occurring in it (section 7.4.1). After an error it gives zeros.
type bitReader struct {
	data  []byte
	zeros int // zero bytes just read
	cur   byte
	left  int // bits of cur not read yet
	err   error
}

func (r *bitReader) bit() uint32 {
	if r.left == 0 {
		if r.zeros >= 2 && len(r.data) > 0 && r.data[0] == 3 {
			r.data, r.zeros = r.data[1:], 0
		}
		if len(r.data) == 0 {
			if r.err == nil {
				r.err = fmt.Errorf("h264: parameter set is cut short: %w", io.ErrUnexpectedEOF)
			}
			return 0
		}
		r.cur, r.data, r.left = r.data[0], r.data[1:], 8
		if r.cur == 0 {
			r.zeros++
		} else {
			r.zeros = 0
		}
	}
	r.left--
	return uint32(r.cur>>r.left) & 1
}

func (r *bitReader) bits(n int) (v uint32) {
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *bitReader) flag() bool { return r.bit() == 1 }

// ue reads an unsigned Exp-Golomb code (section 9.1).
func (r *bitReader) ue() uint32 {
	n := 0
	for r.err == nil && r.bit() == 0 {
		if n++; n > 31 {
			r.err = fmt.Errorf("h264: number with more than 32 bits in a parameter set")
		}
	}
	if r.err != nil {
		return 0
	}
	return 1<<n - 1 + r.bits(n)
}

// se reads a signed one (section 9.1.1).
func (r *bitReader) se() int32 {
	v := r.ue()
	if v&1 == 1 {
		return int32(v/2) + 1
	}
	return -int32(v / 2)
}
