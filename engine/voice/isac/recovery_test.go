package isac

import (
	"math/rand/v2"
	"testing"
)

// TestRecovery decodes damaged payloads that pass as valid, then a clean stream:
// after a second nothing of the damage may be heard.
func TestRecovery(t *testing.T) {
	clean := readPackets(t, "swb", "swb_es32_56000.isac")
	r := rand.New(rand.NewPCG(19, 20))
	ref, d := NewSuperWidebandDecoder(), NewSuperWidebandDecoder()
	refLow, low := NewDecoder(DecoderConfig{}), NewDecoder(DecoderConfig{})
	pcm := make([]int16, d.MaxSamples())
	want := make([]int16, d.MaxSamples())
	damaged := 0
	for range 4000 {
		p := mutate(r, clean[r.IntN(len(clean))], clean[r.IntN(len(clean))])
		if _, err := d.Decode(p, pcm); err == nil {
			damaged++
		}
		// An error leaves the decoder as it was; nothing is concealed here.
		_, _ = low.Decode(p, pcm)
	}
	if damaged < 50 {
		t.Fatalf("only %d damaged payloads were decoded", damaged)
	}
	for i, p := range clean {
		n, err := d.Decode(p, pcm)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ref.Decode(p, want); err != nil {
			t.Fatal(err)
		}
		if diff, _ := worst(pcm[:n], want[:n]); i > 33 && diff > 2 {
			t.Errorf("32 kHz: packet %d still off by %d", i, diff)
		}
		if n, err = low.Decode(p, pcm); err != nil {
			t.Fatal(err)
		}
		if _, err := refLow.Decode(p, want); err != nil {
			t.Fatal(err)
		}
		if diff, _ := worst(pcm[:n], want[:n]); i > 33 && diff > 32 {
			t.Errorf("16 kHz: packet %d still off by %d", i, diff)
		}
	}
}
