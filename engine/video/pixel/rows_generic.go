package pixel

func packedRowsGeneric(y0, y1, u, v, r0, r1 []byte, lumaAt int) {
	w := len(y0)
	at := lumaAt & 1
	c := 1 - at
	for i := range u {
		a, b := r0[4*i:4*i+4], r1[4*i:4*i+4]
		u[i] = byte((uint(a[c]) + uint(b[c]) + 1) >> 1)
		v[i] = byte((uint(a[c+2]) + uint(b[c+2]) + 1) >> 1)
		y0[2*i], y1[2*i] = a[at], b[at]
		if 2*i+1 < w {
			y0[2*i+1], y1[2*i+1] = a[at+2], b[at+2]
		}
	}
}

func splitRowGeneric(u, v, src []byte) {
	v = v[:len(u)]
	src = src[:2*len(u)]
	for i := range u {
		u[i], v[i] = src[2*i], src[2*i+1]
	}
}

func halveRowGeneric(dst, r0, r1 []byte) {
	r0, r1 = r0[:2*len(dst)], r1[:2*len(dst)]
	for i := range dst {
		dst[i] = byte((uint(r0[2*i]) + uint(r0[2*i+1]) + uint(r1[2*i]) + uint(r1[2*i+1]) + 2) >> 2)
	}
}
