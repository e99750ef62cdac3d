//go:build !noasm

package dsp

// RowCache keeps the rows of the first pass of a prediction of 16x16 samples. A
// search comes back to them: vectors that differ by a fraction of a row have them
// in common. The zero value is empty.
type RowCache struct {
	src  *byte // of the block at full-pel position, nil if there is nothing
	mx   int
	rows [(16 + 5) * 16]byte
}

// Forget empties the cache, as must be done when the plane that was read may have
// changed.
func (c *RowCache) Forget() { c.src = nil }

func sixTapCached(dst *byte, ds int, src *byte, ss, mx, my int, c *RowCache) {
	if c.src != src || c.mx != mx {
		c.src, c.mx = src, mx
		sixTapRows16(&c.rows[0], src, ss, &sixTapMagnitudes[mx&7], 16)
	}
	sixTapY16(dst, ds, &c.rows[2*16], 16, &sixTapMagnitudes[my&7], 16)
}
