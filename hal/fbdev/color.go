package fbdev

import "encoding/binary"

// tables hold what a colour value contributes to a pixel, for values from below
// to above the range, so that no sum needs clipping: index value + clipRoom.
type tables struct{ red, green, blue [256 + 2*clipRoom]uint32 }

// clipRoom is by how much BT.601 may leave 0 to 255: 1.164·(255-16) + 2.017·127
// is below 256 + 280, and the same below 0.
const clipRoom = 288

func newTables(r, g, b field) *tables {
	t := &tables{}
	for i := range t.red {
		v := uint32(min(max(i-clipRoom, 0), 255))
		t.red[i] = v >> (8 - r.length) << r.offset
		t.green[i] = v >> (8 - g.length) << g.offset
		t.blue[i] = v >> (8 - b.length) << b.offset
	}
	return t
}

// row converts a row of limited-range BT.601 (section 2.5.3) to the screen's
// pixels. Factors are in Q8.
func (m *mode) row(dst, y, u, v []byte) {
	t := m.tables
	step := m.bits / 8
	dst = dst[:m.width*step]
	y = y[:m.width]
	for x := range y {
		l := 298*(int32(y[x])-16) + 128
		cb, cr := int32(u[x/2])-128, int32(v[x/2])-128
		r := t.red[(l+409*cr)>>8+clipRoom]
		g := t.green[(l-100*cb-208*cr)>>8+clipRoom]
		b := t.blue[(l+516*cb)>>8+clipRoom]
		pixel := r | g | b
		switch step {
		case 4:
			binary.NativeEndian.PutUint32(dst[4*x:], pixel)
		case 2:
			binary.NativeEndian.PutUint16(dst[2*x:], uint16(pixel))
		default:
			dst[3*x], dst[3*x+1], dst[3*x+2] = byte(pixel), byte(pixel>>8), byte(pixel>>16)
		}
	}
}
