package dsp

func sadGeneric(a []byte, as int, b []byte, bs int, w, h int) uint32 {
	var sum int
	for y := range h {
		ra := a[y*as : y*as+w]
		rb := b[y*bs : y*bs+w]
		for x := range ra {
			d := int(ra[x]) - int(rb[x])
			m := d >> 31
			sum += (d ^ m) - m
		}
	}
	return uint32(sum)
}
