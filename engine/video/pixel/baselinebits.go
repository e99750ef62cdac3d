package pixel

// lookBits is the length of codes that are found at once.
const lookBits = 9

// huffman is a table of codes (annex C).
type huffman struct {
	known  bool
	look   [1 << lookBits]uint16 // symbol and length<<8; 0: the code is longer
	values [256]uint8
	// By length: the greatest code (-1: none), and what is added to a code to find
	// its place in values.
	most [17]int32
	add  [17]int32
}

// build makes the table; counts has the number of codes of each length.
func (t *huffman) build(counts, values []byte) bool {
	t.look = [1 << lookBits]uint16{}
	copy(t.values[:], values)
	code, at := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		n := int32(counts[length-1])
		t.most[length], t.add[length] = -1, at-code
		if n > 0 {
			if code+n > 1<<length {
				return false // more codes than there can be
			}
			if length <= lookBits {
				for i := range n {
					first := (code + i) << (lookBits - length)
					for j := range int32(1) << (lookBits - length) {
						t.look[first+j] = uint16(values[at+i]) | uint16(length)<<8
					}
				}
			}
			code += n
			at += n
			t.most[length] = code - 1
		}
		code <<= 1
	}
	t.known = at > 0
	return true
}

// bitReader reads entropy-coded data. Behind its end it gives zeros, of which no
// more than a code may be used.
type bitReader struct {
	data  []byte
	pos   int
	acc   uint64
	n     uint // bits in acc
	zeros uint // of them made up
}

// fill brings at least 32 bits into acc.
func (b *bitReader) fill() {
	for b.n <= 56 {
		if b.pos >= len(b.data) {
			b.acc = b.acc << 8
			b.n, b.zeros = b.n+8, b.zeros+8
			continue
		}
		v := b.data[b.pos]
		if v == 0xff {
			if b.pos+1 >= len(b.data) || b.data[b.pos+1] != 0 {
				b.acc = b.acc << 8 // a marker: no more data before it
				b.n, b.zeros = b.n+8, b.zeros+8
				continue
			}
			b.pos++
		}
		b.pos++
		b.acc = b.acc<<8 | uint64(v)
		b.n += 8
	}
}

// use takes n bits; false if they were not there.
func (b *bitReader) use(n uint) bool {
	b.n -= n
	return b.n >= b.zeros
}

func (b *bitReader) symbol(t *huffman) (uint8, bool) {
	if b.n < 32 {
		b.fill()
	}
	e := t.look[b.acc>>(b.n-lookBits)&(1<<lookBits-1)]
	if e != 0 {
		return uint8(e), b.use(uint(e >> 8))
	}
	for length := uint(lookBits + 1); length <= 16; length++ {
		code := int32(b.acc >> (b.n - length) & (1<<length - 1))
		if code <= t.most[length] {
			return t.values[(code+t.add[length])&255], b.use(length)
		}
	}
	return 0, false
}

// signed reads a number of the given size (F.2.2.1, EXTEND).
func (b *bitReader) signed(size uint8) (int32, bool) {
	if size == 0 {
		return 0, true
	}
	n := uint(size)
	if b.n < 32 {
		b.fill()
	}
	v := int32(b.acc >> (b.n - n) & (1<<n - 1))
	if v < 1<<(n-1) {
		v += -1<<n + 1
	}
	return v, b.use(n)
}

// restart goes on behind a restart marker, which must be next.
func (b *bitReader) restart() bool {
	// What is left in acc is padding, less than a byte.
	if b.n-b.zeros >= 8 || b.pos+1 >= len(b.data) || b.data[b.pos] != 0xff || b.data[b.pos+1]&0xf8 != 0xd0 {
		return false
	}
	*b = bitReader{data: b.data, pos: b.pos + 2}
	return true
}
