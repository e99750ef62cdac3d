package ilbc

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(testdata.Shared(t, "vectors", "ilbc", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func samplesOf(b []byte) []int16 {
	x := make([]int16, len(b)/2)
	for i := range x {
		x[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return x
}

// decodeAll decodes frames; lost[i] = '1' conceals frame i instead.
func decodeAll(t testing.TB, cfg DecoderConfig, frames []byte, lost string) []int16 {
	t.Helper()
	d, err := NewDecoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	size := cfg.Mode.Bytes()
	var out []int16
	pcm := make([]int16, d.MaxSamples())
	for i := 0; (i+1)*size <= len(frames); i++ {
		var n int
		if i < len(lost) && lost[i] == '1' {
			n, err = d.Conceal(pcm)
		} else {
			n, err = d.Decode(frames[i*size:(i+1)*size], pcm)
		}
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		out = append(out, pcm[:n]...)
	}
	return out
}

// diff describes where got and want part, "" if nowhere.
func differing(got, want []int16) (count, first int, largest int) {
	first = -1
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			if first < 0 {
				first = i
			}
			count++
			largest = max(largest, max(int(got[i])-int(want[i]), int(want[i])-int(got[i])))
		}
	}
	return count, first, largest
}

// The vectors come from the fixed-point realisation; the decoder must meet them
// sample by sample, also where frames are lost.
func TestDecoderVectors(t *testing.T) {
	for _, c := range []struct {
		name, bits, want, lost string
		cfg                    DecoderConfig
	}{
		{"F00 20 ms", "F00.BIT20", "F00.OUT20", "", DecoderConfig{Mode: Mode20}},
		{"F01 20 ms", "F01.BIT20", "F01.OUT20", "", DecoderConfig{Mode: Mode20}},
		{"F03 20 ms", "F03.BIT20", "F03.OUT20", "", DecoderConfig{Mode: Mode20}},
		{"F00 30 ms", "F00.BIT30", "F00.OUT30", "", DecoderConfig{Mode: Mode30}},
		{"F01 30 ms", "F01.BIT30", "F01.OUT30", "", DecoderConfig{Mode: Mode30}},
		{"F03 30 ms", "F03.BIT30", "F03.OUT30", "", DecoderConfig{Mode: Mode30}},
		{"F01 20 ms, no enhancer", "F01.BIT20", "F01.noenh.OUT20", "", DecoderConfig{Mode: Mode20, NoEnhancer: true}},
		{"F01 30 ms, no enhancer", "F01.BIT30", "F01.noenh.OUT30", "", DecoderConfig{Mode: Mode30, NoEnhancer: true}},
		{"floating-point encoder 20 ms", "F01.rfcfloat.BIT20", "F01.rfcfloat.OUT20", "", DecoderConfig{Mode: Mode20}},
		{"floating-point encoder 30 ms", "F01.rfcfloat.BIT30", "F01.rfcfloat.OUT30", "", DecoderConfig{Mode: Mode30}},
		{"10 % loss 20 ms", "F01.BIT20", "F01.loss10.OUT20", "loss10.txt", DecoderConfig{Mode: Mode20}},
		{"10 % loss 30 ms", "F01.BIT30", "F01.loss10.OUT30", "loss10.txt", DecoderConfig{Mode: Mode30}},
		{"20 % loss in bursts 20 ms", "F01.BIT20", "F01.loss20b3.OUT20", "loss20b3.txt", DecoderConfig{Mode: Mode20}},
		{"20 % loss in bursts 30 ms", "F01.BIT30", "F01.loss20b3.OUT30", "loss20b3.txt", DecoderConfig{Mode: Mode30}},
	} {
		t.Run(c.name, func(t *testing.T) {
			lost := ""
			if c.lost != "" {
				lost = strings.TrimSpace(string(read(t, c.lost)))
			}
			got := decodeAll(t, c.cfg, read(t, c.bits), lost)
			want := samplesOf(read(t, c.want))
			if len(got) != len(want) {
				t.Errorf("%d samples, want %d", len(got), len(want))
			}
			if n, first, largest := differing(got, want); n > 0 {
				size := c.cfg.Mode.Samples()
				t.Errorf("%d of %d samples differ by up to %d, the first in frame %d, sample %d", n, len(want), largest, first/size, first%size)
			}
		})
	}
}

// Unpacking and packing any frame of a vector gives the same bits.
func TestLayoutRoundTrip(t *testing.T) {
	for mode, name := range map[Mode]string{Mode20: "F00.BIT20", Mode30: "F00.BIT30"} {
		bits := read(t, name)
		size := mode.Bytes()
		frame := make([]byte, size)
		for i := 0; (i+1)*size <= len(bits); i++ {
			want := bits[i*size : (i+1)*size]
			var p params
			p.unpack(geometries[mode], want)
			p.spreadCode()
			p.packCode()
			p.pack(geometries[mode], frame)
			if !bytes.Equal(frame, want) {
				t.Fatalf("%d ms, frame %d: %x, want %x", mode, i, frame, want)
			}
		}
	}
}

// encodeAll encodes the whole frames of pcm.
func encodeAll(t testing.TB, mode Mode, pcm []int16) []byte {
	t.Helper()
	e, err := NewEncoder(mode)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	packet := make([]byte, e.MaxPacketBytes())
	for n := e.FrameSamples(); len(pcm) >= n; pcm = pcm[n:] {
		m, err := e.Encode(pcm[:n], packet)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, packet[:m]...)
	}
	return out
}

// The encoder must meet the vectors frame by frame.
func TestEncoderVectors(t *testing.T) {
	for _, name := range []string{"F00", "F01", "F03"} {
		for mode, ext := range map[Mode]string{Mode20: ".BIT20", Mode30: ".BIT30"} {
			t.Run(name+ext, func(t *testing.T) {
				want := read(t, name+ext)
				got := encodeAll(t, mode, samplesOf(read(t, name+".INP")))
				size := mode.Bytes()
				if len(got) != len(want) {
					t.Fatalf("%d frames, want %d", len(got)/size, len(want)/size)
				}
				count, first := 0, -1
				for i := 0; i < len(want); i += size {
					if !bytes.Equal(got[i:i+size], want[i:i+size]) {
						if first < 0 {
							first = i / size
						}
						count++
					}
				}
				if count > 0 {
					var g, w params
					g.unpack(geometries[mode], got[first*size:(first+1)*size])
					w.unpack(geometries[mode], want[first*size:(first+1)*size])
					t.Errorf("%d of %d frames differ, the first is %d:\n got %v\nwant %v", count, len(want)/size, first, g, w)
				}
			})
		}
	}
}
