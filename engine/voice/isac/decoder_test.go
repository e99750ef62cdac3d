package isac

import (
	"encoding/json"
	"testing"
)

// TestFixedBlocks compares the pieces of Annex A with the reference functions'.
func TestFixedBlocks(t *testing.T) {
	var v struct {
		Roots [][2]int32 `json:"sqrt_one_minus_x2"`
		IDFT  []struct {
			InRe  [240]int16 `json:"in_re"`
			InIm  [240]int16 `json:"in_im"`
			OutRe [240]int16 `json:"out_re"`
			OutIm [240]int16 `json:"out_im"`
		} `json:"idft"`
	}
	if err := json.Unmarshal(readFile(t, "unit", "fixed_blocks.json"), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Roots) == 0 || len(v.IDFT) == 0 {
		t.Fatal("no vectors")
	}
	for _, r := range v.Roots {
		if got := complementQ15(int16(r[0])); int32(got) != r[1] {
			t.Errorf("complementQ15(%d) = %d, want %d", r[0], got, r[1])
		}
	}
	for i, c := range v.IDFT {
		var x fixedTransform
		x.re16, x.im16 = c.InRe, c.InIm
		x.dft()
		if x.outRe != c.OutRe || x.outIm != c.OutIm {
			t.Errorf("transform %d differs", i)
		}
	}
}

// decodeStream decodes all packets; an empty one is concealed.
func decodeStream(tb testing.TB, d *Decoder, packets [][]byte) []int16 {
	tb.Helper()
	var out []int16
	pcm := make([]int16, d.MaxSamples())
	for i, p := range packets {
		var n int
		var err error
		if len(p) == 0 {
			n, err = d.Conceal(pcm)
		} else {
			n, err = d.Decode(p, pcm)
		}
		if err != nil {
			tb.Errorf("packet %d: %v", i, err)
			return out
		}
		out = append(out, pcm[:n]...)
	}
	return out
}

// TestWidebandVectors decodes every wideband stream and compares each sample
// (by hash) with the deployed fixed-point decoder's.
func TestWidebandVectors(t *testing.T) {
	want := hashes(t)
	exact := 0
	for _, folder := range []string{"wb", "loss"} {
		for _, name := range streams(t, folder) {
			d := NewDecoder(DecoderConfig{})
			got := decodeStream(t, d, readPackets(t, folder, name+".isac"))
			h, ok := want[folder+"/"+name+".fix.pcm"]
			if !ok {
				if folder == "loss" {
					h = hashPCM(readPCM(t, folder, name+".fix.pcm"))
				} else {
					t.Errorf("%s: no reference", name)
					continue
				}
			}
			if hashPCM(got) != h {
				t.Errorf("%s/%s: output differs", folder, name)
				continue
			}
			exact++
		}
	}
	t.Logf("%d streams sample-exact", exact)
	if exact != 45 {
		t.Errorf("%d streams are sample-exact, want all 45", exact)
	}
}
