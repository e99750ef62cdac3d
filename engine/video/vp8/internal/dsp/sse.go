package dsp

// SSE16x16 returns the sum of squared differences of two 16x16 blocks.
func SSE16x16(a []byte, as int, b []byte, bs int) uint32 {
	sse, _ := Diff16x16(a, as, b, bs)
	return sse
}

// SSE8x8 returns the sum of squared differences of two 8x8 blocks.
func SSE8x8(a []byte, as int, b []byte, bs int) uint32 {
	sse, _ := Diff8x8(a, as, b, bs)
	return sse
}

// SSE4x4 returns the sum of squared differences of two 4x4 blocks.
func SSE4x4(a []byte, as int, b []byte, bs int) uint32 {
	need(a, as, 4, 4)
	need(b, bs, 4, 4)
	if useSSE {
		return sse4x4(&a[0], as, &b[0], bs)
	}
	sse, _ := diffGeneric(a, as, b, bs, 4, 4)
	return sse
}

// Diff16x16 returns the sum of the squares and the sum of the differences a-b
// of two 16x16 blocks. The variance of the difference, times 256, is
// sse - sum*sum/256.
func Diff16x16(a []byte, as int, b []byte, bs int) (sse uint32, sum int32) {
	need(a, as, 16, 16)
	need(b, bs, 16, 16)
	if useSSE {
		return diff16xN(&a[0], as, &b[0], bs, 16)
	}
	return diffGeneric(a, as, b, bs, 16, 16)
}

// Diff8x8 is Diff16x16 for 8x8 blocks: the variance times 64 is
// sse - sum*sum/64.
func Diff8x8(a []byte, as int, b []byte, bs int) (sse uint32, sum int32) {
	need(a, as, 8, 8)
	need(b, bs, 8, 8)
	if useSSE {
		return diff8xN(&a[0], as, &b[0], bs, 8)
	}
	return diffGeneric(a, as, b, bs, 8, 8)
}

// Quadrants16x16 is Diff8x8 for the four 8x8 quadrants of a 16x16 block in one
// pass, in raster order.
func Quadrants16x16(a []byte, as int, b []byte, bs int, sse *[4]uint32, sum *[4]int32) {
	need(a, as, 16, 16)
	need(b, bs, 16, 16)
	if useSSE {
		quadrants(&a[0], as, &b[0], bs, sse, sum)
		return
	}
	for i := range 4 {
		x, y := i&1*8, i>>1*8
		sse[i], sum[i] = diffGeneric(a[y*as+x:], as, b[y*bs+x:], bs, 8, 8)
	}
}

// Stats16x16 returns the sum of the squares and the sum of the samples of a
// 16x16 block: mean sum/256, activity sumSq - sum*sum/256.
func Stats16x16(src []byte, stride int) (sumSq, sum uint32) {
	need(src, stride, 16, 16)
	if useSSE {
		// The difference to a block of zeros; a stride of 0 repeats its row.
		q, s := diff16xN(&src[0], stride, &zeroRow[0], 0, 16)
		return q, uint32(s)
	}
	for y := range 16 {
		for _, p := range src[y*stride : y*stride+16] {
			sumSq += uint32(p) * uint32(p)
			sum += uint32(p)
		}
	}
	return sumSq, sum
}

var zeroRow [16]byte

// SSEPlane returns the sum of squared differences of two planes of w by h
// samples, both at least 1.
func SSEPlane(a []byte, as int, b []byte, bs int, w, h int) uint64 {
	need(a, as, w, h)
	need(b, bs, w, h)
	var total uint64
	wide := w
	if useSSE {
		wide = w & 15
		// More rows would not fit the kernels' sums of differences.
		for y := 0; y < h; y += 64 {
			n := min(64, h-y)
			for x := 0; x+16 <= w; x += 16 {
				sse, _ := diff16xN(&a[y*as+x], as, &b[y*bs+x], bs, n)
				total += uint64(sse)
			}
		}
	}
	for y := range h {
		ra := a[y*as+w-wide : y*as+w]
		rb := b[y*bs+w-wide : y*bs+w]
		var sum int
		for x := range ra {
			d := int(ra[x]) - int(rb[x])
			sum += d * d
		}
		total += uint64(sum)
	}
	return total
}
