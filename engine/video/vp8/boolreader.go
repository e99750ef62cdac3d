package vp8

import "encoding/binary"

// boolReader is the boolean entropy decoder of section 7. It keeps up to eight
// bytes in one word. Behind the end of its data it reads zeros, as the
// reference decoder does; overrun tells that this happened.
type boolReader struct {
	data []byte
	// pos is the number of bytes moved into value; it runs past len(data) when
	// zeros are read.
	pos int
	// value holds the unread bits, left-aligned: its top byte is what the
	// split is compared with. avail counts the valid bits below that byte.
	value uint64
	avail int
	rng   uint64
}

// reset starts reading data, which the reader keeps.
func (r *boolReader) reset(data []byte) {
	*r = boolReader{data: data, avail: -8, rng: 255}
	r.value, r.avail = r.refill(0, -8)
}

// refill fills value up with whole bytes: 49 bits below the top byte at least,
// which is seven bits with any probabilities. The state is passed through so that
// loops can hold it in registers.
func (r *boolReader) refill(value uint64, avail int) (uint64, int) {
	if pos := r.pos; pos+8 <= len(r.data) {
		// Bits of a byte that is not counted yet do no harm: it is the same byte
		// that comes there next time.
		n := (56 - avail) >> 3
		r.pos = pos + n
		return value | binary.BigEndian.Uint64(r.data[pos:])>>(uint(avail+8)&63), avail + 8*n
	}
	return r.refillTail(value, avail)
}

// refillTail is refill near the end of the data and behind it.
func (r *boolReader) refillTail(value uint64, avail int) (uint64, int) {
	for avail <= 48 {
		if r.pos < len(r.data) {
			value |= uint64(r.data[r.pos]) << (uint(48-avail) & 63)
		}
		r.pos++
		avail += 8
	}
	return value, avail
}

// overrun reports whether bits were used that the data do not hold. The
// byte under comparison counts as used only when all of it is made up:
// encoders may drop trailing zeros.
func (r *boolReader) overrun() bool { return r.pos*8-8-r.avail > len(r.data)*8 }

// bit reads one bit whose probability of being zero is prob/256.
func (r *boolReader) bit(prob uint8) bool {
	if r.avail < 8 {
		r.value, r.avail = r.refill(r.value, r.avail)
	}
	split := 1 + ((r.rng-1)*uint64(prob))>>8
	big := split << 56
	one := r.value >= big
	if one {
		r.value -= big
		split = r.rng - split
	}
	shift := boolShift(uint32(split))
	r.rng = split << shift
	r.value <<= shift
	r.avail -= int(shift)
	return one
}

// boolBit is bit for loops that hold the reader's state in locals: it takes value
// and range and returns them as they are behind the bit, by how many bits value
// was shifted, which avail is to be lessened by, and the bit. There must be
// seven bits in value below the top byte.
func boolBit(value, rng uint64, prob uint8) (uint64, uint64, int, bool) {
	split := 1 + ((rng-1)*uint64(prob))>>8
	one := value >= split<<56
	if one {
		value -= split << 56
		split = rng - split
	}
	s := boolShift(uint32(split))
	return value << s, split << s, int(s), one
}

// flag reads a bit that is as likely one as zero.
func (r *boolReader) flag() bool { return r.bit(128) }

// literal reads an n-bit number, highest bit first.
func (r *boolReader) literal(n int) int {
	v := 0
	for range n {
		v <<= 1
		if r.bit(128) {
			v |= 1
		}
	}
	return v
}

// signed reads an n-bit magnitude and a sign.
func (r *boolReader) signed(n int) int {
	v := r.literal(n)
	if r.flag() {
		return -v
	}
	return v
}

// optional reads a flag and, if it is set, an n-bit magnitude and a sign.
func (r *boolReader) optional(n int) int {
	if !r.flag() {
		return 0
	}
	return r.signed(n)
}

// tree reads a leaf of tree with one probability per inner node.
func (r *boolReader) tree(tree []int8, probs []uint8) int {
	value, rng, avail := r.value, r.rng, r.avail
	i := 0
	for {
		if avail < 7 {
			value, avail = r.refill(value, avail)
		}
		var n int
		var one bool
		value, rng, n, one = boolBit(value, rng, probs[i>>1])
		avail -= n
		if one {
			i++
		}
		next := int(tree[i])
		if next <= 0 {
			r.value, r.rng, r.avail = value, rng, avail
			return -next
		}
		i = next
	}
}
