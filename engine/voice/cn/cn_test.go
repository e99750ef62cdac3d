package cn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/cmplx"
	"os"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// recording returns a noise recording's samples and rate.
func recording(t *testing.T, name string) ([]int16, int) {
	t.Helper()
	b, err := os.ReadFile(testdata.Shared(t, "voice", "open", "noise", name))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("data"))
	if at < 0 || len(b) < 44 {
		t.Fatalf("%s is not a WAV file", name)
	}
	rate := int(binary.LittleEndian.Uint32(b[24:]))
	b = b[at+8:]
	x := make([]int16, min(len(b)/2, 4*rate))
	for i := range x {
		x[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return x, rate
}

func levelDB(x []int16) float64 {
	var e float64
	for _, v := range x {
		e += float64(v) * float64(v)
	}
	return 10 * math.Log10(e/float64(len(x))/(1<<30)+1e-20)
}

// bands returns the power in dB of count equal bands, by Bartlett's method.
func bands(x []int16, count int) []float64 {
	const n = 128
	power := make([]float64, n/2)
	for at := 0; at+n <= len(x); at += n {
		for k := range power {
			var sum complex128
			for i, v := range x[at : at+n] {
				w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/n)
				sum += complex(float64(v)*w, 0) * cmplx.Rect(1, -2*math.Pi*float64(i*k)/n)
			}
			power[k] += real(sum)*real(sum) + imag(sum)*imag(sum)
		}
	}
	out := make([]float64, count)
	for k, p := range power {
		out[k*count/len(power)] += p
	}
	for i := range out {
		out[i] = 10 * math.Log10(out[i]+1)
	}
	return out
}

// The noise made up has the level and, far better with coefficients than without,
// the spectrum of the noise described.
func TestRecordings(t *testing.T) {
	for _, name := range []string{"babble3.wav", "car.wav", "sbnoise1.wav", "street1.wav"} {
		x, rate := recording(t, name)
		distance := map[int]float64{}
		for _, order := range []int{0, 10} {
			e, err := NewEncoder(EncoderConfig{RateHz: rate, Order: order})
			if err != nil {
				t.Fatal(err)
			}
			d, err := NewDecoder(rate)
			if err != nil {
				t.Fatal(err)
			}
			n := e.FrameSamples()
			packet := make([]byte, e.MaxPacketBytes())
			y := make([]int16, len(x)/n*n)
			for at := 0; at < len(y); at += n {
				m, err := e.Encode(x[at:at+n], packet)
				if err != nil {
					t.Fatal(err)
				}
				// One description in 100 ms.
				if at/n%5 == 0 {
					_, err = d.Decode(packet[:m], y[at:at+n])
				} else {
					_, err = d.Conceal(y[at : at+n])
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			want, got := levelDB(x), levelDB(y)
			if math.Abs(got-want) > 2 {
				t.Errorf("%s, order %d: level %.1f dB, the recording has %.1f dB", name, order, got, want)
			}
			a, b := bands(x[:min(len(x), rate)], 8), bands(y[:min(len(y), rate)], 8)
			for i := range a {
				distance[order] += math.Abs(a[i]-b[i]) / float64(len(a))
			}
			t.Logf("%s, order %d: level %.1f dB of %.1f dB, bands off by %.1f dB", name, order, got, want, distance[order])
		}
		if distance[10] > 6 || distance[10] > distance[0]/2 {
			t.Errorf("%s: the bands are off by %.1f dB with coefficients, by %.1f dB without", name, distance[10], distance[0])
		}
	}
}

func TestPayload(t *testing.T) {
	for n := range 256 {
		var p Parameters
		if err := p.Parse([]byte{42, byte(n), 127}); err != nil {
			t.Fatal(err)
		}
		if p.LevelDBov != -42 || p.Order != 2 || p.ReflectionQ15[1] != 0 {
			t.Fatalf("%+v", p)
		}
		if k := p.ReflectionQ15[0]; int(k) != 258*(min(n, 254)-127) {
			t.Fatalf("N = %d is %d", n, k)
		}
		var b [3]byte
		if m := p.Put(b[:]); m != 3 || b != [3]byte{42, byte(min(n, 254)), 127} {
			t.Fatalf("N = %d: %x", n, b[:m])
		}
	}
	// Every coefficient is coded to the nearest value.
	for k := -32768; k <= 32767; k++ {
		p := Parameters{Order: 1, ReflectionQ15: [MaxOrder]int16{int16(k)}}
		var b [2]byte
		p.Put(b[:])
		_ = p.Parse(b[:])
		if off := math.Abs(float64(k) - float64(p.ReflectionQ15[0])); off > 129 {
			t.Fatalf("%d comes back as %d", k, p.ReflectionQ15[0])
		}
	}
	p := Parameters{LevelDBov: -200, Order: 3}
	if n := p.Put(make([]byte, 3)); n != 0 {
		t.Errorf("Put wrote %d bytes into a buffer too short", n)
	}
	var b [4]byte
	if p.Put(b[:]); b[0] != 127 {
		t.Errorf("level %d, want 127", b[0])
	}
	if err := p.Parse(make([]byte, 1+MaxOrder+5)); err != nil || p.Order != MaxOrder {
		t.Errorf("a payload of higher order: %+v, %v", p, err)
	}
	for _, bad := range [][]byte{nil, {0x80}, make([]byte, maxPayload+1)} {
		if err := p.Parse(bad); !errors.Is(err, ErrPacket) {
			t.Errorf("%d bytes: %v, want ErrPacket", len(bad), err)
		}
	}
}

func TestLevels(t *testing.T) {
	for level := 0; level >= MinLevelDBov; level-- {
		if got := levelOf(square[-level]); square[-level] > 64 && got != level {
			t.Errorf("the mean square of %d dBov is measured as %d", level, got)
		}
	}
	if got := levelOf(0); got != MinLevelDBov {
		t.Errorf("silence is %d dBov", got)
	}
	// White noise of each level comes out at that level.
	d, err := NewDecoder(8000)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]int16, 16000)
	for level := 10; level <= 80; level += 5 {
		d.Reset()
		if err := d.Update([]byte{byte(level)}); err != nil {
			t.Fatal(err)
		}
		d.Generate(y)
		if got := levelDB(y); math.Abs(got+float64(level)) > 0.5 {
			t.Errorf("%d dBov comes out at %.1f dB", -level, got)
		}
	}
}

// A new description is approached, not jumped to.
func TestSmooth(t *testing.T) {
	d, err := NewDecoder(8000)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, 8000)
	_ = d.Update([]byte{60})
	d.Generate(pcm)
	_ = d.Update([]byte{30})
	d.Generate(pcm[:40])
	if got := levelDB(pcm[:40]); got > -33 {
		t.Errorf("5 ms after a step from -60 to -30 dBov the level is %.1f dB", got)
	}
	d.Generate(pcm)
	if got := levelDB(pcm[2000:]); math.Abs(got+30) > 0.5 {
		t.Errorf("later it is %.1f dB, want -30", got)
	}
}

func TestErrors(t *testing.T) {
	for _, cfg := range []EncoderConfig{{}, {RateHz: 8001}, {RateHz: 96000}, {RateHz: 8000, Order: -1}, {RateHz: 8000, Order: 13}} {
		if _, err := NewEncoder(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v, want ErrConfig", cfg, err)
		}
	}
	if _, err := NewDecoder(0); !errors.Is(err, ErrConfig) {
		t.Errorf("rate 0: %v, want ErrConfig", err)
	}
	d, err := NewDecoder(8000)
	if err != nil {
		t.Fatal(err)
	}
	pcm := []int16{1: 7, 159: 0}
	if n, err := d.Decode([]byte{0xff}, pcm); !errors.Is(err, ErrPacket) || n != 0 || d.Samples([]byte{0xff}) != 0 {
		t.Errorf("reserved bit: %d, %v", n, err)
	}
	if _, err := d.Decode([]byte{1}, pcm[:10]); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
	if n, err := d.Conceal(pcm); n != 160 || err != nil || pcm[1] != 0 {
		t.Errorf("before any description: %d samples, %v, %d; want silence", n, err, pcm[1])
	}
	e, err := NewEncoder(EncoderConfig{RateHz: 8000, Order: 5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Encode(pcm[:80], make([]byte, 6)); !errors.Is(err, ErrSize) {
		t.Errorf("wrong frame: %v, want ErrSize", err)
	}
	if _, err := e.Encode(pcm, make([]byte, 5)); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
}

func TestNoAllocations(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{RateHz: 16000, Order: 10})
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(16000)
	if err != nil {
		t.Fatal(err)
	}
	pcm, packet := make([]int16, 320), make([]byte, 11)
	if n := testing.AllocsPerRun(20, func() {
		m, _ := e.Encode(pcm, packet)
		_, _ = d.Decode(packet[:m], pcm)
		_, _ = d.Conceal(pcm)
	}); n != 0 {
		t.Errorf("%v allocations per frame, want none", n)
	}
}

// Any payload makes noise that stays bounded, or is refused.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, []byte{50})
	f.Add([]byte{0, 254, 254, 254, 254}, []byte{0, 0, 0, 0, 0, 0, 0})
	f.Add(bytes.Repeat([]byte{255}, 13), bytes.Repeat([]byte{127}, 70))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d, err := NewDecoder(8000)
		if err != nil {
			t.Fatal(err)
		}
		pcm := make([]int16, d.MaxSamples())
		for _, p := range [][]byte{a, b, a} {
			n, err := d.Decode(p, pcm)
			if n != d.Samples(p) || (err == nil) != (n > 0) {
				t.Fatalf("Decode = %d, %v; Samples = %d", n, err, d.Samples(p))
			}
			for range 5 {
				if _, err := d.Conceal(pcm); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range d.state {
				if s > stateMax || s < -stateMax {
					t.Fatalf("the filter's state is %d", s)
				}
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	e, err := NewEncoder(EncoderConfig{RateHz: 8000, Order: 5})
	if err != nil {
		b.Fatal(err)
	}
	pcm, packet := make([]int16, 160), make([]byte, 6)
	for b.Loop() {
		_, _ = e.Encode(pcm, packet)
	}
}

func BenchmarkGenerate(b *testing.B) {
	d, err := NewDecoder(8000)
	if err != nil {
		b.Fatal(err)
	}
	_ = d.Update([]byte{40, 20, 200, 127, 127, 127})
	pcm := make([]int16, 160)
	for b.Loop() {
		d.Generate(pcm)
	}
}
