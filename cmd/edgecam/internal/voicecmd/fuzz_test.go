package voicecmd

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzWAV reads whatever comes. What is taken must be whole: written again and
// read again it is the same.
func FuzzWAV(f *testing.F) {
	var b bytes.Buffer
	if err := encodeWAV(&b, sound{rateHz: 16000, samples: noise(33, 1)}); err != nil {
		f.Fatal(err)
	}
	good := b.Bytes()
	f.Add(good)
	for _, at := range []int{0, 4, 12, 16, 20, 22, 24, 34, 36, 40} {
		for _, v := range []uint16{0, 1, 3, 255, 0xFFFE, 0xFFFF} {
			x := bytes.Clone(good)
			binary.LittleEndian.PutUint16(x[at:], v)
			f.Add(x)
		}
		f.Add(good[:at])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeWAV(bytes.NewReader(data))
		if err != nil {
			return
		}
		if s.rateHz < 8000 || s.rateHz > 192000 || len(s.samples) == 0 || 2*len(s.samples) > len(data) {
			t.Fatalf("%d samples at %d Hz from %d bytes", len(s.samples), s.rateHz, len(data))
		}
		var out bytes.Buffer
		if err := encodeWAV(&out, s); err != nil {
			t.Fatal(err)
		}
		again, err := decodeWAV(&out)
		if err != nil || again.rateHz != s.rateHz || len(again.samples) != len(s.samples) {
			t.Fatalf("written again: %d samples at %d Hz, %v", len(again.samples), again.rateHz, err)
		}
	})
}
