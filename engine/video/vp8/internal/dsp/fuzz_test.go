package dsp

import (
	"slices"
	"testing"
)

// Each family runs on the fuzzer's bytes with every kernel set and with the
// portable code; the results must be the same.

func spread(data []byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		if len(data) > 0 {
			b[i] = data[i%len(data)] + byte(i/len(data))
		}
	}
	return b
}

func words(data []byte, n, limit int) []int16 {
	b, w := spread(data, 2*n), make([]int16, n)
	for i := range w {
		w[i] = int16((int(b[2*i])<<8|int(b[2*i+1]))%(2*limit+1) - limit)
	}
	return w
}

// differ runs f under every set and compares what it returns.
func differ[T any](t *testing.T, f func() T, same func(a, b T) bool) {
	var want T
	generic(func() { want = f() })
	for _, s := range kernelSets() {
		restore := SelectKernels(s)
		got := f()
		restore()
		if !same(got, want) {
			t.Errorf("%v: %v, portable code gives %v", s, got, want)
		}
	}
}

func FuzzMetrics(f *testing.F) {
	f.Add([]byte{0, 255}, []byte{255, 0, 1})
	f.Add([]byte{7}, []byte{})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		p, q := spread(a, 1024), spread(b, 1024)
		differ(t, func() (r [][8]int64) {
			for _, m := range metrics {
				r = append(r, m.f(p, m.w+7, q, m.w+1))
			}
			return r
		}, slices.Equal[[][8]int64])
	})
}

func FuzzTransform(f *testing.F) {
	f.Add([]byte{0, 255}, []byte{255, 0, 1}, uint16(0xffff))
	f.Fuzz(func(t *testing.T, a, b []byte, live uint16) {
		src, pred := spread(a, 256), spread(b, 256)
		coefs := words(b, 256, 2047)
		eobs := make([]uint8, 16)
		for i := range eobs {
			if eobs[i] = 16; live>>i&1 == 0 {
				clear(coefs[16*i+1 : 16*i+16])
				eobs[i] = 1
			}
		}
		differ(t, func() (r []int16) {
			r = make([]int16, 256+16+256+256)
			FDCT16x16(r, src, 16, pred, 16)
			FWHT(r[256:], r)
			copy(r[272:], coefs)
			IWHT(r[272:528], r[256:272])
			dst := make([]byte, 256)
			IDCTAdd16x16(dst, 16, pred, 16, coefs, eobs)
			for i, v := range dst {
				r[528+i] = int16(v)
			}
			return r
		}, slices.Equal[[]int16])
	})
}

func FuzzQuantize(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200}, uint16(20), uint16(30), uint8(80), uint8(50))
	f.Fuzz(func(t *testing.T, data []byte, dc, ac uint16, zeroBin, round uint8) {
		var m QuantMatrix
		m.Set(4+int(dc%400), 4+int(ac%440), int(zeroBin%128), int(round%129))
		coef := (*[MBCoefs]int16)(words(data, MBCoefs, 32000))
		differ(t, func() []int16 {
			var levels, dequant [MBCoefs]int16
			var eobs [MBBlocks]uint8
			n := QuantizeMB(&levels, &dequant, coef, &eobs, &m, &m, &m)
			r := append(levels[:], dequant[:]...)
			for _, e := range eobs {
				r = append(r, int16(e))
			}
			return append(r, int16(n), int16(n>>16))
		}, slices.Equal[[]int16])
	})
}

func FuzzPredict(f *testing.F) {
	f.Add([]byte{0, 255, 3}, uint8(3), uint8(6), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, mx, my, size uint8) {
		src := spread(data, 32*32)
		w, h := []int{16, 8, 8, 4}[size%4], []int{16, 8, 4, 4}[size%4]
		differ(t, func() []byte {
			r := make([]byte, 3*256)
			SixTap(r, 16, src, 5*32+5, 32, int(mx%8), int(my%8), w, h)
			Bilinear(r[256:], 16, src, 5*32+5, 32, int(mx%8), int(my%8), w, h)
			Intra16x16(r[512:], 16, IntraTM, src, src[100:], src[200])
			return r
		}, slices.Equal[[]byte])
	})
}

func FuzzFilter(f *testing.F) {
	f.Add([]byte{100, 108, 101, 90}, uint8(30), uint8(2), false)
	f.Fuzz(func(t *testing.T, data []byte, level, sharpness uint8, key bool) {
		y, u := spread(data, 24*32), spread(data, 16*24)
		var m MBFilter
		m.SetLevel(int(level%64), int(sharpness%8), key, true)
		differ(t, func() []byte {
			a, b, c := slices.Clone(y), slices.Clone(u), slices.Clone(u)
			FilterMB(&m, a, b, c, 4*32+4, 4*24+4, 32, 24, true, true)
			s := slices.Clone(y)
			FilterMBSimple(&m, s, 4*32+4, 32, true, true)
			return slices.Concat(a, b, c, s)
		}, slices.Equal[[]byte])
	})
}
