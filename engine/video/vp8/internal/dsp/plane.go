package dsp

// Extend repeats the outermost samples of the w by h plane at buf[off] into a
// border of n samples on all four sides, so that motion vectors may point
// outside the frame. The border must lie inside buf.
func Extend(buf []byte, off, stride, w, h, n int) {
	ExtendRows(buf, off, stride, w, h, n)
	ExtendTop(buf, off, stride, w, n)
	ExtendBottom(buf, off+(h-1)*stride, stride, w, n)
}

// ExtendRows extends h rows to the left and to the right by n samples.
func ExtendRows(buf []byte, off, stride, w, h, n int) {
	if useCopy && (n == 24 || n == 48) && h > 0 {
		if w < 1 || stride < w || off < n || off+(h-1)*stride+w+n > len(buf) {
			panic("dsp: border outside the plane")
		}
		extendRows(&buf[off], stride, w, h, n)
		return
	}
	for y := range h {
		i := off + y*stride
		fill(buf[i-n:i], buf[i])
		fill(buf[i+w:i+w+n], buf[i+w-1])
	}
}

// ExtendTop copies the row at buf[off], whose sides are already extended by n,
// to the n rows above.
func ExtendTop(buf []byte, off, stride, w, n int) {
	src := buf[off-n : off+w+n]
	for y := 1; y <= n; y++ {
		i := off - n - y*stride
		copy(buf[i:i+w+2*n], src)
	}
}

// ExtendBottom copies the row at buf[off], whose sides are already extended by
// n, to the n rows below.
func ExtendBottom(buf []byte, off, stride, w, n int) {
	src := buf[off-n : off+w+n]
	for y := 1; y <= n; y++ {
		i := off - n + y*stride
		copy(buf[i:i+w+2*n], src)
	}
}

// CopyPlane copies h rows of w samples.
func CopyPlane(dst []byte, ds int, src []byte, ss int, w, h int) {
	if ds == w && ss == w {
		copy(dst[:w*h], src[:w*h])
		return
	}
	for y := range h {
		copy(dst[y*ds:y*ds+w], src[y*ss:y*ss+w])
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
