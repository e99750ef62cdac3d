package ilbc

import "github.com/edgecam/edgecam/engine/fixed"

// highPass is a second-order filter against mains hum (sections 3.1 and 4.8):
// b0, b1, b2, -a1, -a2 in Q12. outShift brings the Q12 sum to the output: 13
// halves the signal on the way in, 11 doubles it on the way out.
type highPass struct {
	b0, b1, b2, a1, a2 int32
	outShift           uint

	x1, x2     int32
	y1hi, y1lo int32 // y[n-1] in Q15, split
	y2hi, y2lo int32
}

func newInputFilter() highPass {
	return highPass{b0: 3798, b1: -7596, b2: 3798, a1: 7807, a2: -3733, outShift: 13}
}

func newOutputFilter() highPass {
	return highPass{b0: 3849, b1: -7699, b2: 3849, a1: 7918, a2: -3833, outShift: 11}
}

// run filters x in place. The recursive part keeps 31 bits of its output, as the
// poles lie close to the unit circle.
func (f *highPass) run(x []int16) {
	limit := int32(1) << (f.outShift + 15)
	for i, s := range x {
		v := int32(s)
		sum := (f.y1lo*f.a1 + f.y2lo*f.a2) >> 15
		sum += f.y1hi*f.a1 + f.y2hi*f.a2
		sum = sum<<1 + v*f.b0 + f.x1*f.b1 + f.x2*f.b2
		f.x2, f.x1 = f.x1, v
		rounded := min(max(fixed.AddWrap32(sum, 1<<(f.outShift-1)), -limit), limit-1)
		x[i] = int16(rounded >> f.outShift)
		f.y2hi, f.y2lo = f.y1hi, f.y1lo
		f.y1hi, f.y1lo = split(fixed.Sat32(int64(sum) << 3))
	}
}
