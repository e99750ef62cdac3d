package opus

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

func tone(b *media.Block, n int, hz float64) {
	for i := range b.Samples {
		b.Samples[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(n*media.BlockSamples+i)/media.EngineRateHz))
	}
}

// power returns the share of x's energy at hz (Goertzel).
func power(x []int16, hz float64) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/media.EngineRateHz)
	var s1, s2, e float64
	for _, v := range x {
		s0 := float64(v) + c*s1 - s2
		s2, s1 = s1, s0
		e += float64(v) * float64(v)
	}
	if e == 0 {
		return 0
	}
	return (s1*s1 + s2*s2 - c*s1*s2) / (e * float64(len(x)) / 2)
}

func packets(t testing.TB, n int) [][]byte {
	t.Helper()
	enc, err := NewEncoder(EncoderConfig{LossPercent: 20})
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	start := time.Now()
	for i := range 2 * n {
		var b media.Block
		b.CapturedAt = start.Add(time.Duration(i) * media.BlockDuration)
		tone(&b, i, 440)
		p, ok, err := enc.Encode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if ok != (i%2 == 1) {
			t.Fatalf("block %d: packet = %v", i, ok)
		}
		if ok {
			if want := start.Add(time.Duration(i-1) * media.BlockDuration); !p.CapturedAt.Equal(want) {
				t.Fatalf("CapturedAt = %v, want that of the packet's first block", p.CapturedAt)
			}
			out = append(out, append([]byte(nil), p.Data...))
		}
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	dec, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, dec.MaxSamples())
	var all []int16
	for _, p := range packets(t, 50) {
		n, err := dec.Decode(p, pcm)
		if err != nil || n != PacketSamples {
			t.Fatalf("Decode = %d, %v", n, err)
		}
		all = append(all, pcm[:n]...)
	}
	if got := power(all[len(all)/2:], 440); got < 0.9 {
		t.Errorf("share of the energy at 440 Hz = %.3f, want > 0.9", got)
	}
}

func TestLossIsConcealed(t *testing.T) {
	pk := packets(t, 50)
	for _, fec := range []bool{false, true} {
		dec, _ := NewDecoder()
		pcm := make([]int16, dec.MaxSamples())
		for _, p := range pk[:30] {
			if _, err := dec.Decode(p, pcm); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		var err error
		if fec {
			n, err = dec.DecodeFEC(pk[31], pcm)
		} else {
			n, err = dec.Conceal(pcm)
		}
		if err != nil || n != PacketSamples {
			t.Fatalf("fec %v: %d, %v", fec, n, err)
		}
		if got := power(pcm[:n], 440); got < 0.5 {
			t.Errorf("fec %v: share of the energy at 440 Hz = %.3f, want the tone to go on", fec, got)
		}
	}
}

func TestBadInput(t *testing.T) {
	dec, _ := NewDecoder()
	pcm := make([]int16, dec.MaxSamples())
	for _, p := range [][]byte{nil, {}, {0x03}, {0xff, 0x3f}, {0x1b, 0x00}} {
		if _, err := dec.Decode(p, pcm); !errors.Is(err, ErrPacket) {
			t.Errorf("Decode(%x) = %v, want ErrPacket", p, err)
		}
	}
	for _, cfg := range []EncoderConfig{{BitrateBps: 1}, {BitrateBps: 1 << 20}, {Complexity: 11}} {
		if _, err := NewEncoder(cfg); err == nil {
			t.Errorf("NewEncoder(%+v) succeeded", cfg)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, p := range packets(f, 4) {
		f.Add(p)
	}
	dec, _ := NewDecoder()
	pcm := make([]int16, dec.MaxSamples())
	f.Fuzz(func(t *testing.T, p []byte) {
		if n, err := dec.Decode(p, pcm); err == nil && n != dec.Samples(p) {
			t.Errorf("decoded %d samples, table of contents says %d", n, dec.Samples(p))
		}
	})
}

func TestAllocations(t *testing.T) {
	enc, _ := NewEncoder(EncoderConfig{})
	dec, _ := NewDecoder()
	pcm := make([]int16, dec.MaxSamples())
	var b media.Block
	i := 0
	if n := testing.AllocsPerRun(100, func() {
		tone(&b, i, 300)
		i++
		p, ok, err := enc.Encode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			if _, err := dec.Decode(p.Data, pcm); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations per block, want 0", n)
	}
}
