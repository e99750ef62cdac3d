package aec

// highpass removes what lies below speech: two first-order sections, -3 dB at
// 60 Hz together. Both signals pass one, so the echo path is as before.
type highpass struct {
	stage [2]struct {
		last int32
		acc  int64 // output, Q16 of the sample's unit
	}
}

// highpassShift sets the pole to 1-2^-highpassShift: 40 Hz at 16 kHz.
const highpassShift = 6

func (h *highpass) run(x []int32) {
	for s := range h.stage {
		st := &h.stage[s]
		last, acc := st.last, st.acc
		for i, v := range x {
			acc += int64(v-last)<<16 - acc>>highpassShift
			last = v
			x[i] = int32((acc + 1<<15) >> 16)
		}
		st.last, st.acc = last, acc
	}
}
