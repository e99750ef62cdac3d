package enhance

import "github.com/edgecam/edgecam/internal/cpufeat"

//go:generate go run ../vp8/internal/dsp/internal/neongen -decl rows_arm64.go neon/rows.c

func init() { selectKernels(cpufeat.Active()) }

// SelectKernels makes the package use only the kernel sets in set (limited to
// what the processor has) and returns a function that restores the former
// choice. For tests and benchmarks; no other call may run meanwhile.
func SelectKernels(set cpufeat.Set) (restore func()) {
	old := selected
	selectKernels(set & cpufeat.Detected())
	return func() { selectKernels(old) }
}

var selected cpufeat.Set

// Rows are worked on in groups of rowStep samples; the denoiser's buffers are
// padded to it, so that no kernel has a tail.
const rowStep = 32

// diffMax bounds the differences that enter the motion test, in eighths of a
// level: 25 of them must fit 16 bits.
const diffMax = 1016

// differences adds a row to the running sums of the motion test and takes the
// row out that leaves them. diff holds the leaving row's differences and
// receives the new ones: (cur - avg) in eighths of a level (avgQ7 is 0 to
// 255<<7), limited to diffMax. sum and sumAbs hold the sums of the last rows'
// differences and of their magnitudes. All slices have the length of cur, a
// multiple of rowStep.
func differences(diff, sum, sumAbs []int16, cur []byte, avgQ7 []uint16) {
	n := len(cur)
	_, _, _, _ = diff[:n], sum[:n], sumAbs[:n], avgQ7[:n]
	if useSIMD && n > 0 {
		differencesKernel(&diff[0], &sum[0], &sumAbs[0], &cur[0], &avgQ7[0], n)
		return
	}
	differencesGeneric(diff, sum, sumAbs, cur, avgQ7)
}

// sidePad is how many samples the motion test and the spatial filter reach to
// the left and right.
const sidePad = 2

// blend moves a row's averages towards the new samples, by the weight that the
// motion test allows, and writes the averages, rounded, to out. support counts
// the frames that are in each average, 0 to 15. sum and sumAbs begin sidePad
// samples before the row and end as many after it.
func blend(out []byte, avgQ7 []uint16, support, cur []byte, sum, sumAbs []int16, t *blendTables) {
	n := len(cur)
	_, _, _, _, _ = out[:n], avgQ7[:n], support[:n], sum[:n+2*sidePad], sumAbs[:n+2*sidePad]
	if useSIMD && n > 0 {
		blendKernel(&out[0], &avgQ7[0], &support[0], &cur[0], &sum[0], &sumAbs[0], t, n)
		return
	}
	blendGeneric(out, avgQ7, support, cur, sum, sumAbs, t)
}

// blendTables are the constants of blend. The order of the fields is known to
// the kernels.
type blendTables struct {
	// invLo and invHi are the bytes of 43690/(sigma*sqrt(correlation)), by luma
	// level (sixteenths of the range).
	invLo, invHi [16]byte
	// gainLo and gainHi are the bytes of the new sample's weight in Q15, by
	// support.
	gainLo, gainHi [16]byte
	// offset is what sumAbs's measure is of noise alone, in sixteenths of a
	// deviation; point scales a single sample's difference to sixteenths of
	// its deviation in Q16; still is the measure from which on nothing is
	// averaged; most is the largest support.
	offset, point, still, most uint16
}

// pointSlack is by how much a single sample's difference may exceed what a
// neighbourhood's may, in sixteenths of a deviation.
const pointSlack = 24

// smooth filters a row across space where its averages hold few frames. rows
// are the averages' rounded rows from two above to two below, each with
// sidePad samples before and after; out must be none of them.
func smooth(out []byte, rows *[5][]byte, support []byte, t *smoothTables) {
	n := len(support)
	_ = out[:n]
	for i := range rows {
		_ = rows[i][:n+2*sidePad]
	}
	if useSIMD && n > 0 {
		at := [5]*byte{&rows[0][0], &rows[1][0], &rows[2][0], &rows[3][0], &rows[4][0]}
		smoothKernel(&out[0], &at, &support[0], t, n)
		return
	}
	smoothGeneric(out, rows, support, t)
}

// smoothTables are the constants of smooth. The order of the fields is known to
// the kernels.
type smoothTables struct {
	// reach is the difference at which a neighbour stops to count, in quarters
	// of a level, by luma level; shrink scales it by support, in Q8.
	reach, shrink [16]byte
	// invReachLo and invReachHi are the bytes of 65536 over the reach in
	// levels; invShrinkLo and -Hi those of 1<<16 over the shrink factor times
	// eight (Q13).
	invReachLo, invReachHi   [16]byte
	invShrinkLo, invShrinkHi [16]byte
	// recipLo and recipHi are the bytes of 1<<15 over one and the neighbours'
	// weights, by that weight in steps of 1.6.
	recipLo, recipHi [16]byte
	// oldest is the largest support that is filtered.
	oldest byte
}

// reachMax bounds the reach, in levels, so that weighted sums fit 16 bits.
const reachMax = 60

// toneRow maps luma through a row's curves. With x = (v-black)*gain, limited to
// the range from black to white, it applies x += lift*x*(1-x) four times: a
// family of curves that keep black, white and order for lifts of -1 to 1.
// liftQ15 has a value per sample; gain is 38302/4 for a gain of one.
func toneRow(row []byte, liftQ15 []int16, blackQ8, gain uint16) {
	liftQ15 = liftQ15[:len(row)]
	n := len(row) &^ (rowStep - 1)
	if useSIMD && n > 0 {
		toneKernel(&row[0], &liftQ15[0], int(blackQ8), int(gain), n)
		row, liftQ15 = row[n:], liftQ15[n:]
	}
	toneGeneric(row, liftQ15, blackQ8, gain)
}

// scaleRow scales samples about a value: to + (v-from)*gain, rounded and
// limited to 0 to 255. from and to are 0 to 255, gains 0 to 32767.
func scaleRow(row []byte, gainQ12 []int16, from, to int) {
	gainQ12 = gainQ12[:len(row)]
	n := len(row) &^ (rowStep - 1)
	if useSIMD && n > 0 {
		scaleKernel(&row[0], &gainQ12[0], from, to, n)
		row, gainQ12 = row[n:], gainQ12[n:]
	}
	scaleGeneric(row, gainQ12, from, to)
}

// remapRow interpolates samples between four of src each: at is the index of the
// upper left one, fx and fy the parts of the way to the right and down, in
// sixteenths. From every index and from the one a stride later, remapReach bytes
// must be there.
func remapRow(row, src []byte, at []int32, fx, fy []byte, stride int) {
	at, fx, fy = at[:len(row)], fx[:len(row)], fy[:len(row)]
	n := len(row) &^ 7
	if useSIMD && n > 0 {
		remapKernel(&row[0], &src[0], &at[0], &fx[0], &fy[0], stride, n)
		row, at, fx, fy = row[n:], at[n:], fx[n:], fy[n:]
	}
	remapGeneric(row, src, at, fx, fy, stride)
}
