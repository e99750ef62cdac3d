package dsp

// Average moves a temporal average towards a block of samples and puts the
// average in the samples' place. avg and pix start at the block and have the
// same stride (in elements); w and h are 8 or 16. avgQ7 holds 0 to 255<<7. With
// d the difference of sample and average in Q7,
//
//	avg += d >> shift, or avg = sample where |d| > limit<<7
//	sample = avg rounded
//
// shift is 0 to 7, limit 1 to 255 (in sample steps).
func Average(avgQ7 []uint16, pix []byte, stride, w, h int, shift uint, limit int) {
	needAverage(avgQ7, pix, stride, w, h)
	if shift > 7 || limit < 1 || limit > 255 {
		panic("dsp: average shift or limit out of range")
	}
	if useAverage {
		average(&avgQ7[0], &pix[0], stride, w, h, int(shift), limit<<7)
		return
	}
	averageGeneric(avgQ7, pix, stride, w, h, shift, int32(limit)<<7)
}

// AverageStart sets the average to the samples: avgQ7 = pix << 7.
func AverageStart(avgQ7 []uint16, pix []byte, stride, w, h int) {
	needAverage(avgQ7, pix, stride, w, h)
	if useAverage {
		// No difference is within a limit of -1; the samples get their own value.
		average(&avgQ7[0], &pix[0], stride, w, h, 0, -1)
		return
	}
	for y := range h {
		a, p := avgQ7[y*stride:y*stride+w], pix[y*stride:y*stride+w]
		for i, v := range p {
			a[i] = uint16(v) << 7
		}
	}
}

func needAverage(avgQ7 []uint16, pix []byte, stride, w, h int) {
	if (w != 8 && w != 16) || (h != 8 && h != 16) {
		panic("dsp: average block size out of range")
	}
	need(pix, stride, w, h)
	_ = avgQ7[(h-1)*stride+w-1]
}

func averageGeneric(avgQ7 []uint16, pix []byte, stride, w, h int, shift uint, limitQ7 int32) {
	for y := range h {
		a, p := avgQ7[y*stride:y*stride+w], pix[y*stride:y*stride+w]
		for i, v := range p {
			old := int32(a[i])
			d := int32(v)<<7 - old
			if d > limitQ7 || d < -limitQ7 {
				a[i] = uint16(v) << 7
				continue
			}
			old += d >> shift
			a[i] = uint16(old)
			p[i] = byte((old + 64) >> 7)
		}
	}
}
