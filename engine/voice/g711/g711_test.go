package g711

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os/exec"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// ffmpeg pipes in through ffmpeg, an independent implementation.
func ffmpeg(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		testdata.Missing(t, "ffmpeg is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"-v", "error"}, args...)...)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg %v: %v", args, err)
	}
	return out
}

func toBytes(x []int16) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func toSamples(b []byte) []int16 {
	x := make([]int16, len(b)/2)
	for i := range x {
		x[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return x
}

// voice is a made-up voiced sound: a pulse train through a resonance.
func voice(n int) []int16 {
	x := make([]int16, n)
	var y1, y2 float64
	for i := range x {
		var e float64
		if i%70 == 0 {
			e = 6000
		}
		y := e + 1.8*math.Cos(2*math.Pi*700/RateHz)*y1 - 0.81*y2
		y1, y2 = y, y1
		x[i] = int16(min(max(y, -32768), 32767))
	}
	return x
}

// Every sample and every byte. ffmpeg's encoder decides in the middle between two
// levels also where two segments meet, and rounds negative samples down first;
// G.711 does neither, so the encoders are compared where the sample is a level.
func TestAgainstFFmpeg(t *testing.T) {
	for law, format := range map[Law]string{ULaw: "mulaw", ALaw: "alaw"} {
		t.Run(law.String(), func(t *testing.T) {
			var all [256]byte
			var levels [256]int16
			for i := range all {
				all[i] = byte(i)
				levels[i] = law.Expand(byte(i))
			}
			want := toSamples(ffmpeg(t, all[:], "-f", format, "-ar", "8000", "-i", "-", "-f", "s16le", "-"))
			for i, v := range want {
				if levels[i] != v {
					t.Errorf("byte %#02x is %d, ffmpeg has %d", i, levels[i], v)
				}
			}
			codes := ffmpeg(t, toBytes(levels[:]), "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-", "-f", format, "-")
			for i, v := range levels {
				if got := law.Compress(v); got != codes[i] {
					t.Errorf("sample %d is %#02x, ffmpeg has %#02x", v, got, codes[i])
				}
			}
		})
	}
}

// decisions returns the upper bounds of the magnitudes of a law's levels, from the
// smallest, by G.711 tables 1a and 2a: in units of the sample's lowest bit.
func decisions(law Law) (d []int) {
	x, width := 0, 32 // A-law: two segments of 16 equal intervals, then twice as wide
	if law == ALaw {
		for i := range 128 {
			if i%16 == 0 && i > 16 {
				width *= 2
			}
			x += width / 2
			d = append(d, x)
		}
		return d
	}
	// µ-law: the first interval is half as wide as those after it.
	width = 8
	for i := range 128 {
		switch {
		case i == 0:
			x += width / 2
		default:
			if i%16 == 0 {
				width *= 2
			}
			x += width
		}
		d = append(d, x)
	}
	return d
}

// The encoder meets the decision values of the tables for every sample.
func TestDecisionValues(t *testing.T) {
	for _, law := range []Law{ULaw, ALaw} {
		bounds := decisions(law)
		for s := -32768; s <= 32767; s++ {
			m := s
			if s < 0 {
				m = -s
				if law == ALaw {
					m--
				}
			}
			level := 0
			for level < 127 && m >= bounds[level] {
				level++
			}
			got := law.Compress(int16(s))
			code := int(^got)
			if law == ALaw {
				code = int(got ^ 0x55)
			}
			if code&0x7f != level || (got&0x80 != 0) != (s >= 0) {
				t.Fatalf("%v: %d is %#02x, level %d; want level %d", law, s, got, code&0x7f, level)
			}
		}
	}
}

func encode(t testing.TB, x []int16) []byte {
	t.Helper()
	packet := make([]byte, len(x))
	n, err := NewEncoder(ULaw).Encode(x, packet)
	if err != nil || n != len(packet) {
		t.Fatalf("Encode = %d, %v", n, err)
	}
	return packet
}

// A lost packet in a periodic signal is bridged: the concealment is like what was
// lost, the way in and out is smooth, and a long loss is silent.
func TestConceal(t *testing.T) {
	x := voice(8000)
	packets := encode(t, x)
	clean, lossy := NewDecoder(ULaw), NewDecoder(ULaw)
	want, got := make([]int16, MaxSamples), make([]int16, MaxSamples)
	var signal, noise float64
	for i := range len(packets) / 160 {
		p := packets[160*i : 160*(i+1)]
		if _, err := clean.Decode(p, want); err != nil {
			t.Fatal(err)
		}
		var n int
		var err error
		if i%10 == 9 {
			n, err = lossy.Conceal(got)
		} else {
			n, err = lossy.Decode(p, got)
		}
		if err != nil || n != FrameSamples {
			t.Fatalf("packet %d: %d, %v", i, n, err)
		}
		if i%10 == 9 {
			for k := range n {
				signal += float64(want[k]) * float64(want[k])
				d := float64(want[k]) - float64(got[k])
				noise += d * d
			}
		}
	}
	if snr := 10 * math.Log10(signal/noise); snr < 6 {
		t.Errorf("concealed packets have %.1f dB SNR, want 6 or more", snr)
	}
	for range 4 {
		if _, err := lossy.Conceal(got); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range got[:FrameSamples] {
		if v != 0 {
			t.Fatalf("after 80 ms of loss the output is %d, want silence", v)
		}
	}
}

func TestErrors(t *testing.T) {
	d := NewDecoder(ULaw)
	pcm := make([]int16, d.MaxSamples())
	for _, p := range [][]byte{nil, make([]byte, MaxSamples+1)} {
		if n, err := d.Decode(p, pcm); !errors.Is(err, ErrPacket) || n != 0 {
			t.Errorf("%d bytes: %d, %v, want ErrPacket", len(p), n, err)
		}
		if d.Samples(p) != 0 {
			t.Errorf("Samples of %d bytes is not 0", len(p))
		}
	}
	if _, err := d.Decode(make([]byte, 160), pcm[:159]); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
	if _, err := d.Conceal(pcm[:10]); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
	e := NewEncoder(ALaw)
	if _, err := e.Encode(pcm[:160], make([]byte, 159)); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
}

func TestNoAllocations(t *testing.T) {
	e, d := NewEncoder(ALaw), NewDecoder(ULaw)
	x, packet, pcm := voice(FrameSamples), make([]byte, 160), make([]int16, MaxSamples)
	if n := testing.AllocsPerRun(20, func() {
		_, _ = e.Encode(x, packet)
		_, _ = d.Decode(packet, pcm)
		_, _ = d.Conceal(pcm)
	}); n != 0 {
		t.Errorf("%v allocations per frame, want none", n)
	}
}

// Whatever comes, the decoder gives as many samples as it said, or an error.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, true)
	f.Add(make([]byte, 160), false)
	f.Add(bytes.Repeat([]byte{0xff}, 961), true)
	f.Fuzz(func(t *testing.T, p []byte, conceal bool) {
		d := NewDecoder(ULaw)
		pcm := make([]int16, d.MaxSamples())
		n, err := d.Decode(p, pcm)
		if n != d.Samples(p) || (err == nil) != (n > 0) {
			t.Fatalf("Decode = %d, %v; Samples = %d", n, err, d.Samples(p))
		}
		if conceal {
			if _, err := d.Conceal(pcm); err != nil {
				t.Fatal(err)
			}
			_, _ = d.Decode(p, pcm)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	e, x, packet := NewEncoder(ALaw), voice(FrameSamples), make([]byte, 160)
	for b.Loop() {
		_, _ = e.Encode(x, packet)
	}
}

func BenchmarkDecode(b *testing.B) {
	d, packet, pcm := NewDecoder(ULaw), encode(b, voice(FrameSamples)), make([]int16, MaxSamples)
	for b.Loop() {
		_, _ = d.Decode(packet, pcm)
	}
}
