package dsp

func diffGeneric(a []byte, as int, b []byte, bs int, w, h int) (sse uint32, sum int32) {
	for y := range h {
		ra := a[y*as : y*as+w]
		rb := b[y*bs : y*bs+w]
		for x := range ra {
			d := int32(ra[x]) - int32(rb[x])
			sse += uint32(d * d)
			sum += d
		}
	}
	return sse, sum
}
