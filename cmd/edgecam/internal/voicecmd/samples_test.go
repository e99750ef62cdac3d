package voicecmd

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

func TestSamples(t *testing.T) {
	for n := range 12 {
		x := make([]int16, n)
		for i := range x {
			x[i] = int16(math.MinInt16 + 9973*i)
		}
		for _, c := range []struct {
			order binary.ByteOrder
			put   func([]byte, []int16)
			get   func([]int16, []byte)
		}{{binary.LittleEndian, putLittle, getLittle}, {binary.BigEndian, putBig, getBig}} {
			want := make([]byte, 2*n)
			for i, v := range x {
				c.order.PutUint16(want[2*i:], uint16(v))
			}
			raw, back := make([]byte, 2*n), make([]int16, n)
			c.put(raw, x)
			c.get(back, want)
			if !bytes.Equal(raw, want) || !slices.Equal(back, x) {
				t.Errorf("%v, %d samples: %x and %v, want %x and %v", c.order, n, raw, back, want, x)
			}
		}
	}
}
