package rgb

import (
	"encoding/binary"
	"math"
	"testing"
)

// pixel is the colour of BT.601's limited range by its defining equations.
func pixel(y, u, v byte) (r, g, b float64) {
	l := 255.0 / 219 * (float64(y) - 16)
	cb, cr := 255.0/224*(float64(u)-128), 255.0/224*(float64(v)-128)
	clip := func(x float64) float64 { return math.Min(math.Max(x, 0), 255) }
	return clip(l + 1.402*cr), clip(l - 0.344136*cb - 0.714136*cr), clip(l + 1.772*cb)
}

func TestRow(t *testing.T) {
	y, u, v := make([]byte, 5), make([]byte, 3), make([]byte, 3)
	for _, c := range []struct {
		bits             int
		red, green, blue Field
	}{
		{32, Field{16, 8}, Field{8, 8}, Field{0, 8}},
		{32, Field{0, 8}, Field{8, 8}, Field{16, 8}},
		{24, Field{16, 8}, Field{8, 8}, Field{0, 8}},
		{16, Field{11, 5}, Field{5, 6}, Field{0, 5}},
	} {
		l, step := New(c.bits, c.red, c.green, c.blue), c.bits/8
		for n := range 4096 {
			for i := range y {
				y[i] = byte(n*37 + i*91)
			}
			for i := range u {
				u[i], v[i] = byte(n*13+i*50), byte(n*7+i*110)
			}
			dst := make([]byte, len(y)*step+1)
			dst[len(dst)-1] = 0xa5
			l.Row(dst, y, u, v)
			if dst[len(dst)-1] != 0xa5 {
				t.Fatal("written behind the row")
			}
			for x := range y {
				raw := append(append([]byte(nil), dst[x*step:(x+1)*step]...), 0, 0, 0)
				p := binary.LittleEndian.Uint32(raw)
				r, g, b := pixel(y[x], u[x/2], v[x/2])
				for _, f := range []struct {
					Field
					want float64
				}{{c.red, r}, {c.green, g}, {c.blue, b}} {
					got := p >> f.Offset & (1<<f.Length - 1) << (8 - f.Length)
					// What a shorter field cuts off, and the error of factors in Q8.
					if d := f.want - float64(got); d < -2.5 || d > float64(int(1)<<(8-f.Length))+1.5 {
						t.Fatalf("%d bits, Y %d U %d V %d: %d for %.1f", c.bits, y[x], u[x/2], v[x/2], got, f.want)
					}
				}
			}
		}
	}
}
