package codec_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
)

func TestChoose(t *testing.T) {
	chromium := []codec.Offered{
		{111, "opus", 48000, 2, "minptime=10;useinbandfec=1"},
		{63, "red", 48000, 2, "111/111"},
		{9, "G722", 8000, 1, ""},
		{0, "PCMU", 8000, 1, ""},
		{8, "PCMA", 8000, 1, ""},
		{13, "CN", 8000, 1, ""},
	}
	for _, c := range []struct {
		name      string
		offered   []codec.Offered
		preferred []codec.Name
		want      codec.Format
		pt        uint8
	}{
		{"a browser", chromium, codec.Names(), codec.Format{Name: codec.Opus}, 111},
		{"a browser, G.722 preferred", chromium, []codec.Name{codec.ILBC20, codec.G722, codec.Opus}, codec.Format{Name: codec.G722}, 9},
		{"a browser with A-law only wanted", chromium, []codec.Name{codec.PCMA}, codec.Format{Name: codec.PCMA}, 8},
		{"Opus as the receiver wishes", []codec.Offered{{97, "OPUS", 48000, 2, "usedtx=1; useinbandfec=0"}}, codec.Names(), codec.Format{Name: codec.Opus, DTX: true, NoFEC: true}, 97},
		{"Opus, nothing said of redundancy", []codec.Offered{{97, "opus", 48000, 2, ""}}, codec.Names(), codec.Format{Name: codec.Opus, NoFEC: true}, 97},
		{"iLBC, the other side says 30", []codec.Offered{{98, "iLBC", 8000, 1, "mode=30"}}, []codec.Name{codec.ILBC20}, codec.Format{Name: codec.ILBC30}, 98},
		{"iLBC in both modes", []codec.Offered{{98, "iLBC", 8000, 1, "mode=30"}, {99, "iLBC", 8000, 1, "mode=20"}}, []codec.Name{codec.ILBC20, codec.PCMU}, codec.Format{Name: codec.ILBC20}, 99},
		{"iLBC of 30 ms is the last resort", []codec.Offered{{98, "iLBC", 8000, 1, "mode=30"}, {0, "PCMU", 8000, 1, ""}}, []codec.Name{codec.ILBC20, codec.PCMU}, codec.Format{Name: codec.PCMU}, 0},
		{"iLBC of 20 ms", []codec.Offered{{98, "iLBC", 8000, 1, "mode=20"}}, []codec.Name{codec.ILBC20, codec.ILBC30}, codec.Format{Name: codec.ILBC20}, 98},
		{"iLBC of 20 ms, though 30 is preferred", []codec.Offered{{98, "iLBC", 8000, 1, "mode=20"}}, codec.Names(), codec.Format{Name: codec.ILBC20}, 98},
		{"iLBC, one says 30", []codec.Offered{{98, "iLBC", 8000, 1, "mode=20"}}, []codec.Name{codec.ILBC30}, codec.Format{Name: codec.ILBC30}, 98},
		{"iLBC without a mode", []codec.Offered{{98, "iLBC", 8000, 1, ""}}, []codec.Name{codec.ILBC20, codec.ILBC30}, codec.Format{Name: codec.ILBC30}, 98},
		{"iSAC by its rate", []codec.Offered{{103, "isac", 16000, 1, ""}, {104, "isac", 32000, 1, ""}}, codec.Names(), codec.Format{Name: codec.ISAC32}, 104},
	} {
		f, p, i, ok := codec.Choose(c.offered, c.preferred)
		if !ok || f != c.want || p.PayloadType != c.pt || c.offered[i].PayloadType != c.pt {
			t.Errorf("%s: %v, payload type %d, %v", c.name, f, p.PayloadType, ok)
		}
	}
	if _, _, _, ok := codec.Choose(chromium, []codec.Name{codec.ISAC16}); ok {
		t.Error("a codec was chosen that is not offered")
	}
}

func TestParseRTPMap(t *testing.T) {
	if o, ok := codec.ParseRTPMap("111 opus/48000/2"); !ok || o != (codec.Offered{111, "opus", 48000, 2, ""}) {
		t.Errorf("%+v %v", o, ok)
	}
	if o, ok := codec.ParseRTPMap("0 PCMU/8000"); !ok || o != (codec.Offered{0, "PCMU", 8000, 1, ""}) {
		t.Errorf("%+v %v", o, ok)
	}
	for _, bad := range []string{"", "111", "128 opus/48000", "x opus/48000", "1 opus", "1 opus/x", "1 opus/0", "1 opus/1/0", "1 a/1/1/1", "1 /8000"} {
		if o, ok := codec.ParseRTPMap(bad); ok {
			t.Errorf("%q: %+v", bad, o)
		}
	}
}

func TestParseNames(t *testing.T) {
	if n, err := codec.ParseNames(nil); err != nil || len(n) != 8 {
		t.Errorf("%v %v", n, err)
	}
	if _, err := codec.ParseNames([]string{"g729"}); !errors.Is(err, codec.ErrUnknown) {
		t.Errorf("%v", err)
	}
	if _, err := codec.ParseNames([]string{"opus", "opus"}); err == nil {
		t.Error("named twice")
	}
}

// TestEveryCodec sends a tone through encoder and decoder: it comes out with its
// frequency and level, packets last as long as they say, and nothing allocates.
func TestEveryCodec(t *testing.T) {
	const hz = 440
	for _, name := range codec.Names() {
		t.Run(string(name), func(t *testing.T) {
			enc, err := codec.NewEncoder(codec.Format{Name: name}, 0)
			if err != nil {
				t.Fatal(err)
			}
			dec, err := codec.NewNativeDecoder(codec.Format{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			pcm := make([]int16, dec.MaxSamples())
			var out []int16
			var b media.Block
			var length time.Duration
			n := 0
			start := time.Unix(1_790_000_000, 0)
			step := func() {
				b.CapturedAt = start.Add(time.Duration(n) * time.Second / media.EngineRateHz)
				for i := range b.Samples {
					b.Samples[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(n)/media.EngineRateHz))
					n++
				}
				p, ok, err := enc.Encode(&b)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					return
				}
				length += p.Duration
				if want := dec.Samples(p.Data); want != int(p.Duration)*dec.RateHz()/int(time.Second) {
					t.Fatalf("the packet says %d samples, its duration %v", want, p.Duration)
				}
				if age := b.CapturedAt.Add(media.BlockDuration).Sub(p.CapturedAt); age < p.Duration-time.Millisecond || age > p.Duration+20*time.Millisecond {
					t.Fatalf("a packet of %v was captured %v ago", p.Duration, age)
				}
				k, err := dec.Decode(p.Data, pcm)
				if err != nil {
					t.Fatal(err)
				}
				if cap(out)-len(out) >= k {
					out = append(out, pcm[:k]...)
				}
			}
			out = make([]int16, 0, 2*media.EngineRateHz)
			for range 180 {
				step()
			}
			if length < 1740*time.Millisecond || length > 1800*time.Millisecond {
				t.Errorf("1.8 s became %v", length)
			}
			if got := tone(out[len(out)/2:], hz, dec.RateHz()); got < -19 || got > -13 {
				t.Errorf("the tone of -15.3 dBFS came out at %.1f dBFS", got)
			}
			if k, err := dec.Conceal(pcm); err != nil || k <= 0 {
				t.Errorf("Conceal: %d, %v", k, err)
			}
			if a := testing.AllocsPerRun(60, step); a != 0 {
				t.Errorf("%v allocations per block", a)
			}
		})
	}
}

// tone returns the level of a frequency in dBFS (of the sine's mean square).
func tone(x []int16, hz float64, rate int) float64 {
	var re, im float64
	for i, s := range x {
		a := 2 * math.Pi * hz * float64(i) / float64(rate)
		re += float64(s) * math.Cos(a)
		im += float64(s) * math.Sin(a)
	}
	n := float64(len(x))
	return 10 * math.Log10(2*(re*re+im*im)/(n*n)/(32768*32768))
}
