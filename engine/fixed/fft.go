package fixed

import (
	"fmt"
	"math/bits"
)

// Complex32 is a complex number of two 32-bit integers in one Q format.
type Complex32 struct{ Re, Im int32 }

// RealFFT is the discrete Fourier transform of real sequences of one length, a
// power of two. It has no state but its tables and may be shared by goroutines
// that bring own buffers.
type RealFFT struct {
	size    int
	half    int         // length of the complex transform inside
	twiddle []Complex32 // exp(-2πi k/half), Q30, 0 <= k < half
	split   []Complex32 // exp(-2πi k/size), Q30, 0 <= k <= half/2
	reverse []uint16    // digit reversal of the complex transform
}

// NewRealFFT makes the transform of size real numbers; size is a power of two
// from 8 to 2048.
func NewRealFFT(size int) (*RealFFT, error) {
	if size < 8 || size > 2048 || size&(size-1) != 0 {
		return nil, fmt.Errorf("fixed: FFT of %d samples: the size must be a power of two from 8 to 2048", size)
	}
	half := size / 2
	f := &RealFFT{size: size, half: half}
	f.twiddle = make([]Complex32, half)
	for k := range f.twiddle {
		turn := uint32(uint64(k) << 32 / uint64(half))
		f.twiddle[k] = Complex32{CosQ30(turn), -SinQ30(turn)}
	}
	f.split = make([]Complex32, half/2+1)
	for k := range f.split {
		turn := uint32(uint64(k) << 32 / uint64(size))
		f.split[k] = Complex32{CosQ30(turn), -SinQ30(turn)}
	}
	f.reverse = make([]uint16, half)
	logHalf := bits.Len(uint(half)) - 1
	for i := range f.reverse {
		// One radix-2 stage comes first if the length is no power of four.
		rest, at, left := i, 0, logHalf
		for left > 0 {
			if left%2 == 1 && left == 1 {
				at = at<<1 | rest&1
				rest >>= 1
				left--
				continue
			}
			at = at<<2 | rest&3
			rest >>= 2
			left -= 2
		}
		f.reverse[i] = uint16(at)
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
	for i, r := range f.reverse {
		work[r&uint16(half-1)] = Complex32{in[2*i], in[2*i+1]}
	}
	f.butterflies(work, 0)
	out[0] = Complex32{work[0].Re + work[0].Im, 0}
	out[half] = Complex32{work[0].Re - work[0].Im, 0}
	for k := 1; k <= half/2; k++ {
		a, b, w := work[k], work[half-k], f.split[k]
		// Even part (a+b*)/2, odd part (a-b*)/2i.
		er, ei := int64(a.Re)+int64(b.Re), int64(a.Im)-int64(b.Im)
		or, oi := int64(a.Im)+int64(b.Im), int64(b.Re)-int64(a.Re)
		tr := (or*int64(w.Re) - oi*int64(w.Im) + 1<<29) >> 30
		ti := (or*int64(w.Im) + oi*int64(w.Re) + 1<<29) >> 30
		out[k] = Complex32{int32((er + tr) >> 1), int32((ei + ti) >> 1)}
		out[half-k] = Complex32{int32((er - tr) >> 1), int32((ti - ei) >> 1)}
	}
}

// Inverse transforms the size/2+1 bins of in back to size samples, scaled by
// 1/size, so that it undoes Forward. No part of a bin may exceed 2^29. work
// holds size/2 numbers.
func (f *RealFFT) Inverse(out []int32, in, work []Complex32) {
	half := f.half
	in, out, work = in[:half+1], out[:f.size], work[:half]
	rev := f.reverse
	// The complex transform runs forward on the conjugate.
	put := func(k int, re, im int64) { work[rev[k]&uint16(half-1)] = Complex32{int32(re >> 1), int32(-im >> 1)} }
	put(0, int64(in[0].Re)+int64(in[half].Re), int64(in[0].Re)-int64(in[half].Re))
	for k := 1; k <= half/2; k++ {
		a, b, w := in[k], in[half-k], f.split[k]
		er, ei := int64(a.Re)+int64(b.Re), int64(a.Im)-int64(b.Im)
		dr, di := int64(a.Re)-int64(b.Re), int64(a.Im)+int64(b.Im)
		// Odd part: (a-b*)·exp(+2πik/size), then times i.
		or := (dr*int64(w.Re) + di*int64(w.Im) + 1<<29) >> 30
		oi := (di*int64(w.Re) - dr*int64(w.Im) + 1<<29) >> 30
		put(k, er-oi, ei+or)
		if k != half-k {
			put(half-k, er+oi, or-ei)
		}
	}
	f.butterflies(work, 2)
	for i, v := range work {
		out[2*i], out[2*i+1] = v.Re, -v.Im
	}
}

// butterflies is the transform in place of digit-reversed data; each stage of
// radix 4 divides by 2^shift, shift being 0 or 2 (radix 2: by half of that).
func (f *RealFFT) butterflies(x []Complex32, shift uint) {
	n := len(x)
	size := 1
	if bits.Len(uint(n))%2 == 0 {
		s := shift / 2
		for i := 0; i+1 < n; i += 2 {
			a, b := x[i], x[i+1]
			ar, ai, br, bi := int64(a.Re), int64(a.Im), int64(b.Re), int64(b.Im)
			x[i] = Complex32{int32((ar + br) >> s), int32((ai + bi) >> s)}
			x[i+1] = Complex32{int32((ar - br) >> s), int32((ai - bi) >> s)}
		}
		size = 2
	}
	round := int64(1) << shift >> 1
	for ; size < n; size *= 4 {
		step := n / (size * 4)
		for j := range size {
			w1, w2, w3 := f.twiddle[j*step], f.twiddle[2*j*step], f.twiddle[3*j*step]
			for i := j; i < n; i += 4 * size {
				y := x[i : i+3*size+1 : i+3*size+1]
				a := y[0]
				br, bi := rotateQ30(y[size], w1)
				cr, ci := rotateQ30(y[2*size], w2)
				dr, di := rotateQ30(y[3*size], w3)
				s0r, s0i := int64(a.Re)+cr+round, int64(a.Im)+ci+round
				s1r, s1i := int64(a.Re)-cr+round, int64(a.Im)-ci+round
				t0r, t0i := br+dr, bi+di
				t1r, t1i := bi-di, dr-br // -i·(b-d)
				y[0] = Complex32{int32((s0r + t0r) >> shift), int32((s0i + t0i) >> shift)}
				y[size] = Complex32{int32((s1r + t1r) >> shift), int32((s1i + t1i) >> shift)}
				y[2*size] = Complex32{int32((s0r - t0r) >> shift), int32((s0i - t0i) >> shift)}
				y[3*size] = Complex32{int32((s1r - t1r) >> shift), int32((s1i - t1i) >> shift)}
			}
		}
	}
}

func rotateQ30(v, w Complex32) (re, im int64) {
	a, b, c, d := int64(v.Re), int64(v.Im), int64(w.Re), int64(w.Im)
	return (a*c - b*d + 1<<29) >> 30, (a*d + b*c + 1<<29) >> 30
}
