package isac

// maxCodeBytes bounds a code string: no packet is longer than 600 bytes, and a
// block that comes out longer is coded again more coarsely.
const maxCodeBytes = 4096

// rangeEncoder writes symbols to a code string (4.2). A copy of it is a point to come
// back to.
type rangeEncoder struct {
	low, w   uint32
	n        int
	overflow bool // more than maxCodeBytes: buf is not valid
	buf      [maxCodeBytes]byte
}

func (e *rangeEncoder) reset() {
	e.low, e.w, e.n, e.overflow = 0, 1<<32-1, 0, false
}

// copyFrom makes e what from is. Everything written is copied: a carry after
// the copy may change any of it.
func (e *rangeEncoder) copyFrom(from *rangeEncoder) {
	e.low, e.w, e.n, e.overflow = from.low, from.w, from.n, from.overflow
	copy(e.buf[:e.n], from.buf[:e.n])
}

func (e *rangeEncoder) carry() {
	for i := min(e.n, maxCodeBytes) - 1; i >= 0; i-- {
		e.buf[i]++
		if e.buf[i] != 0 {
			return
		}
	}
}

func (e *rangeEncoder) put(b byte) {
	if e.n >= maxCodeBytes {
		e.overflow = true
		return
	}
	e.buf[e.n] = b
	e.n++
}

// take codes the interval (low, high] of the range.
func (e *rangeEncoder) take(low, high uint32) {
	e.w = high - low - 1
	e.low += low + 1
	if e.low < low+1 {
		e.carry()
	}
	for e.w < 1<<24 {
		e.put(byte(e.low >> 24))
		e.low <<= 8
		e.w <<= 8
	}
}

// symbol writes symbol s of the model cdf.
func (e *rangeEncoder) symbol(cdf []uint16, s int) {
	e.take(bound(e.w, uint32(cdf[s])), bound(e.w, uint32(cdf[s+1])))
}

// coefficient writes a value, congruent to -dither modulo 128, under the
// logistic model of width 1/root. A value too improbable to be coded is moved
// toward zero until it can be; what was written is returned (11.7). root must
// not be 0.
func (e *rangeEncoder) coefficient(x, root int32) int32 {
	low, high := logistic((x-64)*root), logistic((x+64)*root)
	for low+1 >= high {
		if x > 0 {
			x -= 128
		} else {
			x += 128
		}
		low, high = logistic((x-64)*root), logistic((x+64)*root)
	}
	e.take(bound(e.w, low), bound(e.w, high))
	return x
}

// finish ends the code string and returns it (4.3). It is valid until the next
// reset.
func (e *rangeEncoder) finish() []byte {
	step, n := uint32(1)<<24, 1
	if e.w <= 0x01FFFFFF {
		step, n = 1<<16, 2
	}
	e.low += step
	if e.low < step {
		e.carry()
	}
	for i := range n {
		e.put(byte(e.low >> (24 - 8*i)))
	}
	return e.buf[:e.n]
}

// codeLength returns how long the string would be if it ended here.
func (e *rangeEncoder) codeLength() int {
	if e.w > 0x01FFFFFF {
		return e.n + 1
	}
	return e.n + 2
}
