package codec_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/voice/neteq"
)

func TestAgree(t *testing.T) {
	offered := []codec.Offered{
		{111, "opus", 48000, 2, ""},
		{63, "RED", 48000, 2, "111/111"},
		{64, "red", 48000, 2, "111/0"},
		{0, "PCMU", 8000, 1, ""},
		{13, "cn", 8000, 1, ""},
		{105, "CN", 16000, 1, ""},
		{110, "telephone-event", 48000, 1, ""},
		{126, "telephone-event", 8000, 1, "0-16"},
		{121, "red", 8000, 1, "0/0"},
		{122, "red", 8000, 1, "9"},
	}
	for _, c := range []struct {
		name codec.Name
		want codec.Types
	}{
		{codec.Opus, codec.Types{Voice: 111, Event: 110, RED: 63}},
		{codec.PCMU, codec.Types{Voice: 0, Noise: 13, Event: 126, RED: 121}},
	} {
		_, p, _, ok := codec.Choose(offered, []codec.Name{c.name})
		got, with := codec.Agree(offered, p)
		if !ok || got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		for _, w := range with {
			if !got.Has(w.PayloadType) || w.PayloadType == p.PayloadType {
				t.Errorf("%s: companion %+v", c.name, w)
			}
		}
	}
	for _, fmtp := range []string{"", "111", "111/112", "111/x", "111/", "/", "111/239"} {
		got, _ := codec.Agree([]codec.Offered{{63, "red", 48000, 2, fmtp}}, codec.Parameters{PayloadType: 111, ClockHz: 48000, Channels: 2})
		if got.RED != 0 {
			t.Errorf("redundancy of %q is taken", fmtp)
		}
	}
}

// TestCompanionsAgree: what one side offers the other takes, for every codec.
func TestCompanionsAgree(t *testing.T) {
	for _, name := range codec.Names() {
		p, err := codec.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		var offered []codec.Offered
		for _, q := range append([]codec.Parameters{p}, codec.Companions([]codec.Name{name}, true)...) {
			offered = append(offered, codec.Offered{PayloadType: q.PayloadType, Encoding: q.Encoding, ClockHz: q.ClockHz, Channels: max(q.Channels, 1), FMTP: q.FMTP})
		}
		got, _ := codec.Agree(offered, p)
		isac := name == codec.ISAC16 || name == codec.ISAC32
		if (got.RED != 0) == isac || (got.Event != 0) == isac || (got.Noise != 0) != (p.ClockHz == 8000) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// block fills a block with a voice-like buzz or with soft noise.
func block(b *media.Block, n int, speech bool, r *rand.Rand) {
	for i := range b.Samples {
		v := r.NormFloat64() * 100
		if speech {
			at := float64(n*media.BlockSamples + i)
			v += 6000 * math.Sin(at/18) * (1 + math.Sin(at/3000)) / 2
		}
		b.Samples[i] = int16(v)
	}
}

// TestSilence: without speech a description of the background goes out a few
// times a second, the receiver makes noise of the same level of it, and speech
// comes through from its first block on.
func TestSilence(t *testing.T) {
	for _, name := range []codec.Name{codec.PCMU, codec.PCMA, codec.ILBC20, codec.ILBC30} {
		f := codec.Format{Name: name}.WithNoise()
		if !f.DTX {
			t.Fatalf("%v leaves no silence out", f)
		}
		enc, err := codec.NewEncoder(f, 0)
		if err != nil {
			t.Fatal(err)
		}
		types := codec.Types{Voice: 96, Noise: 13}
		q, err := codec.NewBuffer(f, types, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		var in, out media.Block
		var voice, noise int
		var level float64
		start := time.Unix(1000, 0)
		seq, bytes := uint16(0), 0
		for n := range 600 {
			speech := n < 100 || n >= 500
			block(&in, n, speech, r)
			in.CapturedAt = start.Add(time.Duration(n) * media.BlockDuration)
			enc.SetSpeech(speech)
			p, ok, err := enc.Encode(&in)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				pt := types.Voice
				if p.ComfortNoise {
					pt = types.Noise
					noise++
				} else if n >= 130 && n < 500 {
					voice++
				}
				bytes += len(p.Data)
				seq++
				q.InsertPacket(neteq.Packet{SequenceNumber: seq, PayloadType: pt, Payload: p.Data, Timestamp: uint32(p.CapturedAt.Sub(start) * 8000 / time.Second)})
			}
			q.Pull(&out)
			if n >= 300 && n < 500 {
				for _, s := range out.Samples {
					level += float64(s) * float64(s)
				}
			}
		}
		rms := math.Sqrt(level / 200 / media.BlockSamples)
		// The background of the engine's 48 kHz has a sixth of its power below 4 kHz.
		if want := 100 / math.Sqrt(6); rms < want/1.6 || rms > want*1.6 {
			t.Errorf("%s: background of %.0f, %.0f was there", name, rms, want)
		}
		if voice != 0 || noise < 9 || noise > 16 {
			t.Errorf("%s: %d packets of voice and %d of noise in 3.7 s of silence", name, voice, noise)
		}
		if s := q.Stats(); s.GeneratedNoiseSamples < 3*8000 {
			t.Errorf("%s: %d samples of comfort noise", name, s.GeneratedNoiseSamples)
		}
	}
}

// TestSilenceIsHeardOut: a detector that was never asked leaves nothing out.
func TestSilenceIsHeardOut(t *testing.T) {
	enc, err := codec.NewEncoder(codec.Format{Name: codec.PCMU, DTX: true}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b media.Block
	n := 0
	for range 100 {
		p, ok, err := enc.Encode(&b)
		if err != nil || p.ComfortNoise {
			t.Fatalf("%+v, %v", p, err)
		}
		if ok {
			n++
		}
	}
	if n < 48 {
		t.Errorf("%d packets a second", n)
	}
}

// TestISACPath: two sides of a call in iSAC; one way gets slow, its sender is
// told so by what comes back, and sends less.
func TestISACPath(t *testing.T) {
	if testing.Short() {
		t.Skip("codes a minute of speech")
	}
	for _, name := range []codec.Name{codec.ISAC16, codec.ISAC32} {
		f, g := codec.Format{Name: name}.ForPeer(), codec.Format{Name: name}.ForPeer()
		if f == g {
			t.Fatalf("%v is the format of two sides", f)
		}
		here, err := codec.NewEncoder(f, 0)
		if err != nil {
			t.Fatal(err)
		}
		there, err := codec.NewEncoder(g, 0)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(3, 4))
		clock := int64(codec.Format{Name: name}.ClockHz())
		start := time.Unix(1000, 0)
		type flight struct {
			arrives time.Time
			to      *codec.Encoder
			data    []byte
			seq     uint16
			ts      uint32
		}
		var air []flight
		var free time.Time // of the slow way
		var seq uint16
		var b media.Block
		early, late := 0, 0
		for n := range 3000 {
			now := start.Add(time.Duration(n) * media.BlockDuration)
			b.CapturedAt = now.Add(-media.BlockDuration)
			block(&b, n, n%300 < 200, r)
			for _, e := range []*codec.Encoder{here, there} {
				p, ok, err := e.Encode(&b)
				if err != nil || !ok {
					continue
				}
				seq++
				data := append([]byte(nil), p.Data...)
				ts := uint32(int64(p.CapturedAt.Sub(start)) * clock / int64(time.Second))
				if e == there {
					air = append(air, flight{now.Add(30 * time.Millisecond), here, data, seq, ts})
					continue
				}
				// 24 kbit/s, headers included, after the first 10 s.
				at := now
				if n > 1000 {
					if free.After(at) {
						at = free
					}
					free = at.Add(time.Duration(len(data)+40) * 8 * time.Second / 24000)
					at = free
				}
				air = append(air, flight{at.Add(30 * time.Millisecond), there, data, seq, ts})
				if n > 400 && n <= 1000 {
					early += len(data)
				} else if n > 2400 {
					late += len(data)
				}
			}
			for len(air) > 0 {
				first := 0
				for i := range air {
					if air[i].arrives.Before(air[first].arrives) {
						first = i
					}
				}
				if air[first].arrives.After(now) {
					break
				}
				a := air[first]
				air = append(air[:first], air[first+1:]...)
				a.to.Received(a.data, a.seq, a.ts, a.arrives)
			}
		}
		receives, _ := there.Estimate()
		_, told := here.Estimate()
		t.Logf("%s: %d bytes in 6 s before, %d behind the slow way; it is measured at %d bit/s, and told as %d", name, early, late, receives, told)
		if late >= early*9/10 || told >= 24000 || receives == 0 {
			t.Errorf("%s: the sender does not follow its path", name)
		}
	}
}
