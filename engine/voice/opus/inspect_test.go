package opus

import (
	"math/rand/v2"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// TestHasFEC compares the flag with what the decoder makes of the redundancy: a
// packet that has it mends the one before nearly as loud as that was.
func TestHasFEC(t *testing.T) {
	encode := func(loss int) (packets [][]byte) {
		enc, err := NewEncoder(EncoderConfig{BitrateBps: 24000, LossPercent: loss})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		var b media.Block
		low := 0.0
		for n := range 200 {
			for i := range b.Samples {
				// Noisy vowels of 100 ms with pauses, for the coder of speech.
				low += 0.1 * (r.NormFloat64()*3000 - low)
				v := low
				if (n*480+i)%400 < 40 {
					v += 8000
				}
				if n/10%3 == 2 {
					v /= 100
				}
				b.Samples[i] = int16(v)
			}
			p, ok, err := enc.Encode(&b)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				packets = append(packets, append([]byte(nil), p.Data...))
			}
		}
		return packets
	}
	with := 0
	for _, p := range encode(30) {
		if hasFEC(p) {
			with++
		}
	}
	if with < 20 {
		t.Errorf("%d of 100 packets have redundancy at an expected loss of 30 %%", with)
	}
	for i, p := range encode(0) {
		if i > 5 && p[0]>>3 < 16 && hasFEC(p) {
			t.Logf("packet %d has redundancy at the default loss", i)
		}
	}
	if hasFEC([]byte{31 << 3, 0xff, 0xff}) {
		t.Error("a packet of CELT has redundancy")
	}
	// SILK 20 ms, one frame: activity, then redundancy.
	if !hasFEC([]byte{1 << 3, 0xc0, 0}) || hasFEC([]byte{1 << 3, 0x80, 0}) {
		t.Error("the flag of a 20 ms packet is misread")
	}
	// SILK 60 ms: three flags of activity first.
	if !hasFEC([]byte{3 << 3, 0x10, 0}) || hasFEC([]byte{3 << 3, 0xe0, 0}) {
		t.Error("the flag of a 60 ms packet is misread")
	}
	// Stereo: the second channel's flag.
	if !hasFEC([]byte{1<<3 | 4, 0x10, 0}) {
		t.Error("the flag of the second channel is misread")
	}
}

func FuzzInspect(f *testing.F) {
	f.Add([]byte{1 << 3, 0xc0, 0})
	f.Add([]byte{1<<3 | 3, 0xc2, 1, 5, 0})
	f.Fuzz(func(t *testing.T, p []byte) {
		hasFEC(p)
		if n := packetSamples(p); n < 0 || n > maxDecodeSamples {
			t.Fatalf("%d samples", n)
		}
		if len(p) > 0 {
			if b, ok := firstFrame(p); ok && len(b) >= len(p) {
				t.Fatalf("first frame of %d bytes in %d", len(b), len(p))
			}
		}
	})
}
