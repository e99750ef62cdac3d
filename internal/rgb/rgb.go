// Package rgb turns rows of a picture (limited-range BT.601, 4:2:0) into the pixels
// of a screen, wherever those have their colours.
//
// Specification: ITU-R BT.601, section 2.5.3.
package rgb

import "encoding/binary"

// Field is where a colour lies in a pixel: Length bits, 1 to 8, from bit Offset on.
type Field struct{ Offset, Length uint32 }

// Layout is that of a screen's pixels. Make one with New.
type Layout struct {
	step             int // bytes per pixel
	red, green, blue [256 + 2*clipRoom]uint32
}

// clipRoom is by how much BT.601 may leave 0 to 255: 1.164·(255-16) + 2.017·127
// is below 256 + 280, and the same below 0. The tables hold what a colour value
// contributes to a pixel, so that no sum needs clipping: index value + clipRoom.
const clipRoom = 288

// New returns the layout of pixels of 16, 24 or 32 bits.
func New(bits int, red, green, blue Field) *Layout {
	l := &Layout{step: bits / 8}
	for i := range l.red {
		v := uint32(min(max(i-clipRoom, 0), 255))
		l.red[i] = v >> (8 - red.Length) << red.Offset
		l.green[i] = v >> (8 - green.Length) << green.Offset
		l.blue[i] = v >> (8 - blue.Length) << blue.Offset
	}
	return l
}

// Row converts len(y) pixels to dst, which has room for them; u and v have half as
// many samples, rounded up.
func (l *Layout) Row(dst, y, u, v []byte) {
	dst = dst[:len(y)*l.step]
	for x := range y {
		// Factors are in Q8.
		luma := 298*(int32(y[x])-16) + 128
		cb, cr := int32(u[x/2])-128, int32(v[x/2])-128
		pixel := l.red[(luma+409*cr)>>8+clipRoom] | l.green[(luma-100*cb-208*cr)>>8+clipRoom] | l.blue[(luma+516*cb)>>8+clipRoom]
		switch l.step {
		case 4:
			binary.NativeEndian.PutUint32(dst[4*x:], pixel)
		case 2:
			binary.NativeEndian.PutUint16(dst[2*x:], uint16(pixel))
		default:
			dst[3*x], dst[3*x+1], dst[3*x+2] = byte(pixel), byte(pixel>>8), byte(pixel>>16)
		}
	}
}
