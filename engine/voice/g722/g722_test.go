package g722

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// ffmpeg pipes in through ffmpeg's G.722 coder, an independent implementation.
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

// signals are what coders find hard and easy.
func signals() map[string][]int16 {
	r := rand.New(rand.NewPCG(1, 2))
	n := 16000 * 2
	s := map[string][]int16{"voice": voice(n)}
	for name, f := range map[string]func(i int) float64{
		"full scale noise": func(int) float64 { return float64(r.IntN(65536) - 32768) },
		"soft noise":       func(int) float64 { return float64(r.IntN(7) - 3) },
		"square":           func(i int) float64 { return float64(i/37%2)*65535 - 32768 },
		"sweep":            func(i int) float64 { return 32767 * math.Sin(float64(i)*float64(i)/20000) },
	} {
		x := make([]int16, n)
		for i := range x {
			x[i] = int16(min(max(f(i), -32768), 32767))
		}
		s[name] = x
	}
	return s
}

// voice is a made-up voiced sound: a pulse train through a resonance.
func voice(n int) []int16 {
	x := make([]int16, n)
	var y1, y2 float64
	for i := range x {
		var e float64
		if i%130 == 0 {
			e = 6000
		}
		y := e + 1.8*math.Cos(2*math.Pi*700/RateHz)*y1 - 0.81*y2
		y1, y2 = y, y1
		x[i] = int16(min(max(y, -32768), 32767))
	}
	return x
}

func encode(t testing.TB, x []int16) []byte {
	t.Helper()
	packet := make([]byte, len(x)/2)
	n, err := NewEncoder().Encode(x, packet)
	if err != nil || n != len(packet) {
		t.Fatalf("Encode = %d, %v", n, err)
	}
	return packet
}

func TestAgainstFFmpeg(t *testing.T) {
	for name, x := range signals() {
		t.Run(name, func(t *testing.T) {
			want := ffmpeg(t, toBytes(x), "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-", "-c:a", "g722", "-f", "g722", "-")
			got := encode(t, x)
			if !bytes.Equal(got, want[:len(got)]) {
				n := 0
				for i := range got {
					if got[i] != want[i] {
						n++
					}
				}
				t.Errorf("%d of %d bytes differ", n, len(got))
			}
			pcm := toSamples(ffmpeg(t, want, "-f", "g722", "-i", "-", "-f", "s16le", "-"))
			dec := NewDecoder()
			out := make([]int16, MaxSamples)
			for at := 0; at < len(want); at += 160 {
				n, err := dec.Decode(want[at:min(at+160, len(want))], out)
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range out[:n] {
					if v != pcm[2*at+i] {
						t.Fatalf("sample %d is %d, ffmpeg has %d", 2*at+i, v, pcm[2*at+i])
					}
				}
			}
		})
	}
}

// The bits of noise are legal: any byte is. ffmpeg must agree on all of them.
func TestAnyBytesAgainstFFmpeg(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	in := make([]byte, 16000)
	for i := range in {
		in[i] = byte(r.Uint32())
	}
	want := toSamples(ffmpeg(t, in, "-f", "g722", "-i", "-", "-f", "s16le", "-"))
	dec := NewDecoder()
	out := make([]int16, MaxSamples)
	for at := 0; at < len(in); at += 500 {
		n, err := dec.Decode(in[at:at+500], out)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out[:n] {
			if v != want[2*at+i] {
				t.Fatalf("sample %d is %d, ffmpeg has %d", 2*at+i, v, want[2*at+i])
			}
		}
	}
}

// A lost packet in a periodic signal is bridged: the concealment is like what was
// lost, the way in and out is smooth, and a long loss is silent.
func TestConceal(t *testing.T) {
	x := voice(16000)
	packets := encode(t, x)
	clean, lossy := NewDecoder(), NewDecoder()
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
	d := NewDecoder()
	pcm := make([]int16, d.MaxSamples())
	for _, p := range [][]byte{nil, make([]byte, MaxSamples/2+1)} {
		if n, err := d.Decode(p, pcm); !errors.Is(err, ErrPacket) || n != 0 {
			t.Errorf("%d bytes: %d, %v, want ErrPacket", len(p), n, err)
		}
		if d.Samples(p) != 0 {
			t.Errorf("Samples of %d bytes is not 0", len(p))
		}
	}
	if _, err := d.Decode(make([]byte, 160), pcm[:319]); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
	if _, err := d.Conceal(pcm[:10]); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
	e := NewEncoder()
	if _, err := e.Encode(pcm[:3], make([]byte, 9)); !errors.Is(err, ErrSize) {
		t.Errorf("odd number of samples: %v, want ErrSize", err)
	}
	if _, err := e.Encode(pcm[:320], make([]byte, 159)); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
}

func TestNoAllocations(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
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
		d := NewDecoder()
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
	e, x, packet := NewEncoder(), voice(FrameSamples), make([]byte, 160)
	for b.Loop() {
		_, _ = e.Encode(x, packet)
	}
}

func BenchmarkDecode(b *testing.B) {
	d, packet, pcm := NewDecoder(), encode(b, voice(FrameSamples)), make([]int16, MaxSamples)
	for b.Loop() {
		_, _ = d.Decode(packet, pcm)
	}
}
