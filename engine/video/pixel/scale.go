package pixel

import (
	"sync"

	"github.com/edgecam/edgecam/engine/media"
)

// Scale resamples src into dst, whose size decides, with the times of src.
// Along an axis that shrinks every sample of the result is the mean of the
// area it covers; along one that grows it is interpolated linearly. Flat areas
// stay exact. It allocates nothing once the sizes in use have been seen.
func Scale(dst, src *media.Picture) {
	if dst.Width == src.Width && dst.Height == src.Height {
		dst.CopyFrom(src)
		return
	}
	s := scalers.Get().(*scaler)
	s.plane(dst.Y, dst.YStride, dst.Width, dst.Height, src.Y, src.YStride, src.Width, src.Height, 0)
	dw, dh := dst.ChromaSize()
	sw, sh := src.ChromaSize()
	s.plane(dst.U, dst.UVStride, dw, dh, src.U, src.UVStride, sw, sh, 1)
	s.plane(dst.V, dst.UVStride, dw, dh, src.V, src.UVStride, sw, sh, 1)
	scalers.Put(s)
	dst.CapturedAt, dst.Sequence = src.CapturedAt, src.Sequence
}

var scalers = sync.Pool{New: func() any { return new(scaler) }}

// scaler keeps the tables of one pair of sizes: [0] luma, [1] chroma.
type scaler struct {
	across, down [2]taps
	rowQ7        []uint16 // one source row after the vertical pass, 0 to 255<<7
}

// plane filters columns first (its loop runs along memory), then rows.
func (s *scaler) plane(dst []byte, ds, dw, dh int, src []byte, ss, sw, sh, kind int) {
	if dw*2 == sw && dh*2 == sh {
		for y := range dh {
			halveRow(dst[y*ds:y*ds+dw], src[2*y*ss:2*y*ss+sw], src[(2*y+1)*ss:(2*y+1)*ss+sw])
		}
		return
	}
	across, down := &s.across[kind], &s.down[kind]
	across.set(sw, dw)
	down.set(sh, dh)
	if cap(s.rowQ7) < sw {
		s.rowQ7 = make([]uint16, sw)
	}
	row := s.rowQ7[:sw]
	for y := range dh {
		verticalQ7(row, src, ss, int(down.first[y]), down.of(y))
		across.apply(dst[y*ds:y*ds+dw], row)
	}
}

// verticalQ7 weighs len(wQ14) rows from row first on.
func verticalQ7(row []uint16, src []byte, ss, first int, wQ14 []uint16) {
	w := len(row)
	switch len(wQ14) {
	case 1:
		for x, p := range src[first*ss : first*ss+w] {
			row[x] = uint16(p) << 7
		}
	case 2:
		a, b := src[first*ss:][:w], src[(first+1)*ss:][:w]
		wa, wb := uint32(wQ14[0]), uint32(wQ14[1])
		n := 0
		if useSIMD {
			if n = w &^ (step - 1); n > 0 {
				blendKernel(&row[0], &a[0], &b[0], int(wa), int(wb), n)
			}
		}
		for x := n; x < w; x++ {
			row[x] = uint16((uint32(a[x])*wa + uint32(b[x])*wb + 64) >> 7)
		}
	case 3:
		a, b, c := src[first*ss:][:w], src[(first+1)*ss:][:w], src[(first+2)*ss:][:w]
		wa, wb, wc := uint32(wQ14[0]), uint32(wQ14[1]), uint32(wQ14[2])
		for x := range row {
			row[x] = uint16((uint32(a[x])*wa + uint32(b[x])*wb + uint32(c[x])*wc + 64) >> 7)
		}
	default:
		for x := range row {
			sum := uint32(64)
			i := first*ss + x
			for _, k := range wQ14 {
				sum += uint32(src[i]) * uint32(k)
				i += ss
			}
			row[x] = uint16(sum >> 7)
		}
	}
}

// taps is the filter along one axis: result i is the sum of in[first[i]+k]
// times weightQ14[at[i]+k], whose sum is 1<<14.
type taps struct {
	in, out   int
	first, at []int32
	weightQ14 []uint16
}

func (t *taps) of(i int) []uint16 { return t.weightQ14[t.at[i]:t.at[i+1]] }

// apply filters one row after the vertical pass. Two and three taps, the usual
// cases, are spelled out.
func (t *taps) apply(dst []byte, rowQ7 []uint16) {
	const half = 1 << 20
	first, at := t.first[:len(dst)], t.at[:len(dst)+1]
	from := at[0]
	for x := range dst {
		to := at[x+1]
		w, in := t.weightQ14[from:to], rowQ7[first[x]:]
		from = to
		sum := uint32(half)
		switch len(w) {
		case 2:
			in = in[:2]
			sum += uint32(in[0])*uint32(w[0]) + uint32(in[1])*uint32(w[1])
		case 3:
			in = in[:3]
			sum += uint32(in[0])*uint32(w[0]) + uint32(in[1])*uint32(w[1]) + uint32(in[2])*uint32(w[2])
		default:
			in = in[:len(w)]
			for i, k := range w {
				sum += uint32(in[i]) * uint32(k)
			}
		}
		dst[x] = byte(sum >> 21)
	}
}

// set builds the table for in source and out result samples.
func (t *taps) set(in, out int) {
	if t.in == in && t.out == out {
		return
	}
	t.in, t.out = in, out
	t.first, t.at, t.weightQ14 = t.first[:0], append(t.at[:0], 0), t.weightQ14[:0]
	const one = 1 << 14
	for i := range out {
		if out < in {
			// In units of 1/out of a source sample, result i covers in units.
			from, to := i*in, (i+1)*in
			t.first = append(t.first, int32(from/out))
			prev := 0
			for j := from / out; j*out < to; j++ {
				// Rounding the running sum makes the weights add up to one.
				sum := (min((j+1)*out, to) - from) * one / in
				t.weightQ14 = append(t.weightQ14, uint16(sum-prev))
				prev = sum
			}
		} else {
			posQ14 := ((2*i+1)*in - out) * one / (2 * out)
			posQ14 = min(max(posQ14, 0), (in-1)*one)
			j, frac := posQ14/one, posQ14%one
			t.first = append(t.first, int32(j))
			t.weightQ14 = append(t.weightQ14, uint16(one-frac))
			if frac != 0 {
				t.weightQ14 = append(t.weightQ14, uint16(frac))
			}
		}
		t.at = append(t.at, int32(len(t.weightQ14)))
	}
}
