package fixed

import (
	"fmt"
	"math/bits"
	"unsafe"
)

//go:generate go run ../video/vp8/internal/dsp/internal/neongen neon/fft.c neon/dot.c

// Complex32 is a complex number of two 32-bit integers in one Q format.
type Complex32 struct{ Re, Im int32 }

// RealFFT is the discrete Fourier transform of real sequences of one length, a
// power of two: a complex transform of half the length (Stockham's order, radix
// 4, a stage of radix 2 last where one is needed) and a pass that splits the
// spectra of even and odd samples. It has no state but its tables and may be
// shared by goroutines that bring own buffers.
type RealFFT struct {
	size    int
	half    int           // length of the complex transform inside
	radix4  int           // its stages of radix 4
	radix2  int           // and of radix 2: 0 or 1
	forward [][]Complex32 // of each radix-4 stage but a last one: 3×m twiddles, Q30
	inverse [][]Complex32 // their conjugates
	split   []Complex32   // -i·exp(-2πi k/size), Q30, 0 <= k <= half/2
	join    []Complex32   // i·exp(+2πi k/size)
}

// NewRealFFT makes the transform of size real numbers; size is a power of two
// from 8 to 2048.
func NewRealFFT(size int) (*RealFFT, error) {
	if size < 8 || size > 2048 || size&(size-1) != 0 {
		return nil, fmt.Errorf("fixed: FFT of %d samples: the size must be a power of two from 8 to 2048", size)
	}
	half := size / 2
	f := &RealFFT{size: size, half: half}
	log := bits.Len(uint(half)) - 1
	f.radix4, f.radix2 = log/2, log%2
	for n := half; n >= 4; n /= 4 {
		m := n / 4
		w, v := make([]Complex32, 3*m), make([]Complex32, 3*m)
		for i := range w {
			turn := uint32(uint64(i%m*(i/m+1)) << 32 / uint64(n))
			w[i] = Complex32{CosQ30(turn), -SinQ30(turn)}
			v[i] = Complex32{w[i].Re, -w[i].Im}
		}
		f.forward, f.inverse = append(f.forward, w), append(f.inverse, v)
	}
	for k := range half/2 + 1 {
		turn := uint32(uint64(k) << 32 / uint64(size))
		f.split = append(f.split, Complex32{-SinQ30(turn), -CosQ30(turn)})
		f.join = append(f.join, Complex32{-SinQ30(turn), CosQ30(turn)})
	}
	return f, nil
}

// Size returns the number of real samples.
func (f *RealFFT) Size() int { return f.size }

// Bins returns the number of frequency bins, Size()/2+1.
func (f *RealFFT) Bins() int { return f.half + 1 }

// Forward transforms the size samples of in to the size/2+1 bins of out, not
// scaled: out[k] = Σ in[n]·exp(-2πi·k·n/size). No sample may exceed
// 2^30/size in magnitude. work holds size/2 numbers.
func (f *RealFFT) Forward(out []Complex32, in []int32, work []Complex32) {
	half := f.half
	in, out, work = in[:f.size], out[:half+1], work[:half]
	f.transform(out, pairs(in), work, f.forward, false)
	z := out[0]
	out[0] = Complex32{Add32(z.Re, z.Im), 0}
	out[half] = Complex32{Sub32(z.Re, z.Im), 0}
	splitRange(out, f.split)
}

// Inverse transforms the size/2+1 bins of in back to size samples, scaled by
// 1/size, so that it undoes Forward. No part of a bin may exceed 2^29. work
// holds size/2 numbers.
func (f *RealFFT) Inverse(out []int32, in, work []Complex32) {
	half := f.half
	in, out, work = in[:half+1], out[:f.size], work[:half]
	to := pairs(out)
	first, other := to, work
	if (f.radix4+f.radix2)%2 == 1 {
		first, other = work, to
	}
	// The inverse scales before each stage: here, then in all stages but the last.
	shift := 2 + f.radix2
	round := int64(1) << shift >> 1
	a, b := int64(in[0].Re), int64(in[half].Re)
	first[0] = Complex32{Narrow32(((a+b)>>1 + round) >> shift), Narrow32(((a-b)>>1 + round) >> shift)}
	joinRange(first, in, f.join, shift)
	f.stages(first, other, f.inverse, true)
}

// pairs are the samples of x taken two by two.
func pairs(x []int32) []Complex32 {
	return unsafe.Slice((*Complex32)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
}

// transform runs all stages on in, without changing it; the result is in out.
func (f *RealFFT) transform(out, in, work []Complex32, twiddle [][]Complex32, inverse bool) {
	a, b := out[:f.half], work
	if (f.radix4+f.radix2)%2 == 0 {
		a, b = work, out[:f.half]
	}
	stage(a, in, twiddle[0], f.half/4, 1, inverse, f.radix4 == 1)
	f.rest(a, b, twiddle, inverse)
}

// stages runs all stages on a with the help of b; the result is in one of them
// as the number of stages is even or odd.
func (f *RealFFT) stages(a, b []Complex32, twiddle [][]Complex32, inverse bool) {
	a, b = a[:f.half], b[:f.half]
	stage(b, a, twiddle[0], f.half/4, 1, inverse, f.radix4 == 1)
	f.rest(b, a, twiddle, inverse)
}

func (f *RealFFT) rest(a, b []Complex32, twiddle [][]Complex32, inverse bool) {
	m, s := f.half/16, 4
	for i := 1; i < f.radix4; i++ {
		stage(b, a, twiddle[i], m, s, inverse, i == f.radix4-1)
		a, b = b, a
		m, s = m/4, 4*s
	}
	if f.radix2 == 1 {
		for i := range s {
			x, y := a[i], a[i+s]
			b[i] = Complex32{Add32(x.Re, y.Re), Add32(x.Im, y.Im)}
			b[i+s] = Complex32{Sub32(x.Re, y.Re), Sub32(x.Im, y.Im)}
		}
	}
}

// stage is a radix-4 stage from src to dst: m groups of s columns. The inverse
// divides by 4, but for its last stage.
func stage(dst, src, w []Complex32, m, s int, inverse, last bool) {
	n := 4 * m * s
	dst, src, w = dst[:n], src[:n], w[:3*m]
	scale := inverse && !last
	if !useSIMD || s%4 != 0 && (s != 1 || m%4 != 0) {
		stageGeneric(dst, src, w, m, s, inverse, scale)
		return
	}
	swap, down := 0, 0
	if inverse {
		swap = 1
	}
	if scale {
		down = 1
	}
	switch {
	case s == 1:
		fftFirst(&dst[0], &src[0], &w[0], m, swap, down)
	case m == 1 && !scale:
		fftLast(&dst[0], &src[0], s, swap)
	default:
		fftMiddle(&dst[0], &src[0], &w[0], m, s, swap, down)
	}
}

// splitRange makes the bins of a real sequence of the transform of its pairs,
// in place, but for the first and the last bin.
func splitRange(x, w []Complex32) {
	half := len(x) - 1
	k := 1
	if n := (half/2 - 1) &^ 3; useSIMD && n > 0 {
		fftSplit(&x[1], &x[half-1], &w[1], n)
		k += n
	}
	splitGeneric(x, w, k)
}

// joinRange undoes splitRange from src to dst and divides by 2^shift.
func joinRange(dst, src, w []Complex32, shift int) {
	half := len(src) - 1
	k := 1
	if n := (half/2 - 1) &^ 3; useSIMD && n > 0 {
		fftJoin(&dst[1], &dst[half-1], &src[1], &src[half-1], &w[1], n, shift)
		k += n
	}
	joinGeneric(dst, src, w, k, shift)
}
