package isac

// rangeDecoder reads symbols from a code string (4.1). After a symbol that no
// encoder can have written, corrupt is set and every further symbol is 0.
type rangeDecoder struct {
	data    []byte
	pos     int // bytes consumed; those past the end of data read as 0
	w, v    uint32
	corrupt bool
}

func (d *rangeDecoder) reset(data []byte) {
	*d = rangeDecoder{data: data, w: 1<<32 - 1}
	for range 4 {
		d.v = d.v<<8 | uint32(d.next())
	}
}

func (d *rangeDecoder) next() byte {
	var b byte
	if d.pos < len(d.data) {
		b = d.data[d.pos]
	}
	d.pos++
	return b
}

// bound returns the part c/2^16 of the range w.
func bound(w, c uint32) uint32 { return uint32(uint64(w) * uint64(c) >> 16) }

// take narrows the range to (low, high], which must contain v. Different model
// values give bounds at least 256 apart, so that the new range is not empty.
func (d *rangeDecoder) take(low, high uint32) {
	d.w = high - low - 1
	d.v -= low + 1
	for d.w < 1<<24 {
		d.w <<= 8
		d.v = d.v<<8 | uint32(d.next())
	}
}

// symbol reads a symbol of the model cdf.
func (d *rangeDecoder) symbol(cdf []uint16) int {
	if d.corrupt {
		return 0
	}
	// The first entry whose bound reaches v closes the symbol's interval.
	lo, hi := 0, len(cdf)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if bound(d.w, uint32(cdf[mid])) < d.v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 || lo == len(cdf) {
		d.corrupt = true
		return 0
	}
	d.take(bound(d.w, uint32(cdf[lo-1])), bound(d.w, uint32(cdf[lo])))
	return lo - 1
}

// coefficient reads a value that is congruent to -dither modulo 128 under the
// logistic model of width 1/root (6.5).
func (d *rangeDecoder) coefficient(dither, root int32) int32 {
	if d.corrupt {
		return 0
	}
	c := 64 - dither
	edge := bound(d.w, logistic(c*root))
	if d.v <= edge {
		for {
			c -= 128
			low := bound(d.w, logistic(c*root))
			if low == edge {
				break
			}
			if d.v > low {
				d.take(low, edge)
				return c + 64
			}
			edge = low
		}
	} else {
		for {
			c += 128
			high := bound(d.w, logistic(c*root))
			if high == edge {
				break
			}
			if d.v <= high {
				d.take(edge, high)
				return c - 64
			}
			edge = high
		}
	}
	d.corrupt = true
	return 0
}

// codeLength returns the number of bytes of the code string, after its last
// symbol (4.4).
func (d *rangeDecoder) codeLength() int {
	if d.w > 0x01FFFFFF {
		return d.pos - 3
	}
	return d.pos - 2
}
