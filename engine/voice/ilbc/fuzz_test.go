package ilbc

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// Any bytes, in any order with losses, decode without a fault, to as many samples
// as announced.
func FuzzDecode(f *testing.F) {
	f.Add(make([]byte, 38*4), uint8(0), false, false)
	f.Add(bytes.Repeat([]byte{0xfe}, 50*3), uint8(2), true, true)
	f.Add(bytes.Repeat([]byte{0x55, 0xaa}, 95), uint8(1), true, false)
	f.Fuzz(func(t *testing.T, data []byte, lost uint8, long, plain bool) {
		mode := Mode20
		if long {
			mode = Mode30
		}
		d, err := NewDecoder(DecoderConfig{Mode: mode, NoEnhancer: plain})
		if err != nil {
			t.Fatal(err)
		}
		pcm := make([]int16, d.MaxSamples())
		for i := 0; len(data) >= mode.Bytes() && i < 16; i++ {
			if lost>>(i&7)&1 != 0 {
				if _, err := d.Conceal(pcm); err != nil {
					t.Fatal(err)
				}
			}
			p := data[:mode.Bytes()]
			data = data[mode.Bytes():]
			if n, err := d.Decode(p, pcm); err != nil || n != d.Samples(p) {
				t.Fatalf("Decode = %d, %v", n, err)
			}
		}
		if n, err := d.Decode(data, pcm); n != d.Samples(data) || (err == nil) != (n > 0) {
			t.Fatalf("%d bytes: Decode = %d, %v", len(data), n, err)
		}
	})
}

// Any signal encodes to frames that the decoder takes as good.
func FuzzEncode(f *testing.F) {
	f.Add([]byte{0, 0x80, 0xff, 0x7f}, false)
	f.Add(make([]byte, 640), true)
	f.Add(bytes.Repeat([]byte{0xff, 0x7f, 0, 0x80, 3, 1}, 100), false)
	f.Fuzz(func(t *testing.T, data []byte, long bool) {
		mode := Mode20
		if long {
			mode = Mode30
		}
		e, err := NewEncoder(mode)
		if err != nil {
			t.Fatal(err)
		}
		frame, packet := make([]int16, mode.Samples()), make([]byte, mode.Bytes())
		for range 3 {
			for i := range frame {
				if len(data) >= 2 {
					k := 2 * i % (len(data) - 1)
					frame[i] = int16(binary.LittleEndian.Uint16(data[k:]))
				}
			}
			if _, err := e.Encode(frame, packet); err != nil {
				t.Fatal(err)
			}
			var p params
			p.unpack(geometries[mode], packet)
			if !p.valid(geometries[mode]) {
				t.Fatalf("the frame %x is not valid", packet)
			}
		}
	})
}

func benchmark(b *testing.B, mode Mode, run func(e *Encoder, d *Decoder, x []int16, p []byte, pcm []int16)) {
	e, d := newPair(b, mode)
	x, p, pcm := speech(mode.Samples()), make([]byte, mode.Bytes()), make([]int16, d.MaxSamples())
	if _, err := e.Encode(x, p); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		run(e, d, x, p, pcm)
	}
	perFrame := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(100*perFrame/mode.Duration().Seconds(), "%realtime")
}

func BenchmarkEncode20(b *testing.B) {
	benchmark(b, Mode20, func(e *Encoder, _ *Decoder, x []int16, p []byte, _ []int16) { _, _ = e.Encode(x, p) })
}

func BenchmarkEncode30(b *testing.B) {
	benchmark(b, Mode30, func(e *Encoder, _ *Decoder, x []int16, p []byte, _ []int16) { _, _ = e.Encode(x, p) })
}

func BenchmarkDecode20(b *testing.B) {
	benchmark(b, Mode20, func(_ *Encoder, d *Decoder, _ []int16, p []byte, pcm []int16) { _, _ = d.Decode(p, pcm) })
}

func BenchmarkDecode30(b *testing.B) {
	benchmark(b, Mode30, func(_ *Encoder, d *Decoder, _ []int16, p []byte, pcm []int16) { _, _ = d.Decode(p, pcm) })
}
