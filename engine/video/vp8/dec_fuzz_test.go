package vp8

import (
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// FuzzDecoder feeds two frames one after the other, so that inter frames are
// reached too. The decoder with workers must do the same as the one without.
func FuzzDecoder(f *testing.F) {
	_, streams := smallVectors(f)
	for _, s := range streams {
		f.Add(s[0], s[1])
		f.Add(s[0], s[2][:len(s[2])/2])
	}
	f.Add([]byte{}, []byte{1, 2})
	for i, size := range [][2]int{{16, 16}, {40, 24}, {33, 64}} {
		s := tinyStream(f, size[0], size[1], 1<<i)
		f.Add(s[0], s[1])
		f.Add(s[0], s[2])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		one := NewDecoder(DecoderOptions{MaxWidth: 320, MaxHeight: 320})
		two := NewDecoder(DecoderOptions{MaxWidth: 320, MaxHeight: 320, Threads: 2})
		defer one.Close()
		defer two.Close()
		for _, data := range [][]byte{a, b, nil} {
			p, errP := one.Decode(data)
			q, errQ := two.Decode(data)
			if (p == nil) != (q == nil) || (errP == nil) != (errQ == nil) {
				t.Fatalf("one thread: %v, %v; two: %v, %v", p != nil, errP, q != nil, errQ)
			}
			if p == nil {
				continue
			}
			for y := range p.Height {
				if string(p.Y[y*p.YStride:][:p.Width]) != string(q.Y[y*q.YStride:][:q.Width]) {
					t.Fatalf("row %d differs between one thread and two", y)
				}
			}
		}
	})
}

// tinyStream codes three frames of a drawn scene: small pictures are decoded so
// fast that a fuzzer gets somewhere.
func tinyStream(tb testing.TB, w, h, partitions int) (frames [][]byte) {
	tb.Helper()
	e, err := NewEncoder(EncoderConfig{Width: w, Height: h, FrameRate: 25, BitrateBps: 60_000, Speed: 2, TokenPartitions: partitions, TemporalLayers: 1 + partitions%2})
	if err != nil {
		tb.Fatal(err)
	}
	defer e.Close()
	scene, pic := newTestScene(uint64(w), w, h, 2), media.NewPicture(w, h)
	for i := range 3 {
		scene.next(pic)
		f, err := e.Encode(pic, FrameOptions{Store: Reference(i)})
		if err != nil {
			tb.Fatal(err)
		}
		frames = append(frames, append([]byte(nil), f.Data...))
	}
	return frames
}

// FuzzBoolReader compares the reader with the one of section 7.3, which works
// bit by bit, on any data and probabilities.
func FuzzBoolReader(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, []byte{128, 1, 255, 0, 7})
	f.Add([]byte{}, []byte{128})
	f.Add([]byte{255, 255, 255}, []byte{200, 200, 250, 3})
	f.Fuzz(func(t *testing.T, data, probs []byte) {
		var fast boolReader
		fast.reset(data)
		slow := newSlowReader(data)
		for range 8 {
			for i, p := range probs {
				// The format never uses probability 0 on purpose, but a
				// header can hold it.
				if got, want := fast.bit(p), slow.bit(p); got != want {
					t.Fatalf("bit %d with probability %d: %v, want %v", i, p, got, want)
				}
			}
		}
		if fast.overrun() != (slow.shifts > 8*len(data)) {
			t.Fatalf("overrun %v after %d bits of %d bytes", fast.overrun(), slow.shifts, len(data))
		}
	})
}

// slowReader follows section 7.3 to the letter: two bytes of value, one shift
// at a time.
type slowReader struct {
	data       []byte
	value, rng uint32
	bits       int
	shifts     int
}

func newSlowReader(data []byte) *slowReader {
	r := &slowReader{data: data, rng: 255}
	r.value = uint32(r.next())<<8 | uint32(r.next())
	return r
}

func (r *slowReader) next() byte {
	if len(r.data) == 0 {
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *slowReader) bit(prob uint8) bool {
	split := 1 + ((r.rng-1)*uint32(prob))>>8
	one := r.value >= split<<8
	if one {
		r.rng -= split
		r.value -= split << 8
	} else {
		r.rng = split
	}
	for r.rng < 128 {
		// Data that no encoder writes can leave a value beyond the range; its
		// excess bits are lost, as in the reference decoder.
		r.value = r.value << 1 & 0xffff
		r.rng <<= 1
		r.shifts++
		if r.bits++; r.bits == 8 {
			r.bits = 0
			r.value |= uint32(r.next())
		}
	}
	return one
}
