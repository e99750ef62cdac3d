package dsp

func satdGeneric(a []byte, as int, b []byte, bs int, w, h int) uint32 {
	var sum uint32
	for y := 0; y < h; y += 4 {
		for x := 0; x < w; x += 4 {
			sum += satdBlockGeneric(a[y*as+x:], as, b[y*bs+x:], bs)
		}
	}
	return sum
}

func satdBlockGeneric(a []byte, as int, b []byte, bs int) uint32 {
	var t [16]int
	for i := range 4 {
		ra, rb := a[i*as:i*as+4], b[i*bs:i*bs+4]
		d0, d1 := int(ra[0])-int(rb[0]), int(ra[1])-int(rb[1])
		d2, d3 := int(ra[2])-int(rb[2]), int(ra[3])-int(rb[3])
		s, u, v, w := d0+d2, d0-d2, d1+d3, d1-d3
		t[i], t[4+i], t[8+i], t[12+i] = s+v, s-v, u+w, u-w
	}
	var sum int
	for i := 0; i < 16; i += 4 {
		s, u, v, w := t[i]+t[i+2], t[i]-t[i+2], t[i+1]+t[i+3], t[i+1]-t[i+3]
		sum += abs(s+v) + abs(s-v) + abs(u+w) + abs(u-w)
	}
	return uint32(sum / 2)
}

func abs(v int) int {
	m := v >> 31
	return (v ^ m) - m
}
