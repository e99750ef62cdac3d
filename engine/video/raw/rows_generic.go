package raw

// interpolateGeneric begins at the place from, which is even.
func interpolateGeneric(out, above, here, below []uint16, w, at, from int) {
	first, green, third := out[:w], out[w:2*w], out[2*w:3*w]
	above, here, below = above[:w+2], here[:w+2], below[:w+2]
	for x := from + at; x < w; x += 2 { // the colour's own places
		a, h, b := above[x:x+3:x+3], here[x:x+3:x+3], below[x:x+3:x+3]
		first[x] = h[1]
		green[x] = (h[0] + h[2] + a[1] + b[1] + 2) >> 2
		third[x] = (a[0] + a[2] + b[0] + b[2] + 2) >> 2
	}
	for x := from + 1 - at; x < w; x += 2 { // green's
		h := here[x : x+3 : x+3]
		first[x] = (h[0] + h[2] + 1) >> 1
		green[x] = h[1]
		third[x] = (above[x+1] + below[x+1] + 1) >> 1
	}
}

// toYUVGeneric begins at the place from, which is even.
func toYUVGeneric(y0, y1, u, v, rgb0, rgb1 []uint8, w, from int) {
	r0, g0, b0 := rgb0[:w], rgb0[w:2*w], rgb0[2*w:3*w]
	r1, g1, b1 := rgb1[:w], rgb1[w:2*w], rgb1[2*w:3*w]
	for x := from; x+1 < w; x += 2 {
		y0[x], y0[x+1] = luma(r0[x], g0[x], b0[x]), luma(r0[x+1], g0[x+1], b0[x+1])
		y1[x], y1[x+1] = luma(r1[x], g1[x], b1[x]), luma(r1[x+1], g1[x+1], b1[x+1])
		r := int(r0[x]) + int(r0[x+1]) + int(r1[x]) + int(r1[x+1])
		g := int(g0[x]) + int(g0[x+1]) + int(g1[x]) + int(g1[x+1])
		c := int(b0[x]) + int(b0[x+1]) + int(b1[x]) + int(b1[x+1])
		u[x/2] = uint8((-38*r - 74*g + 112*c + 128*4*256 + 512) >> 10)
		v[x/2] = uint8((112*r - 94*g - 18*c + 128*4*256 + 512) >> 10)
	}
}

func luma(r, g, b uint8) uint8 {
	return uint8((66*int(r) + 129*int(g) + 25*int(b) + 16*256 + 128) >> 8)
}
