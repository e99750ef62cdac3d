package opus

import (
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// TestDTX codes a second of speech, two of background and speech again, as a
// detector of voice activity tells them apart.
func TestDTX(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{DTX: true})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, dec.MaxSamples())
	start := time.Unix(1000, 0)
	var sent [4]int
	var starts, short []int
	state := uint32(1)
	for i := range 400 {
		speech := i < 100 || i >= 300
		b := media.Block{CapturedAt: start.Add(time.Duration(i) * media.BlockDuration)}
		for k := range b.Samples {
			state = state*1664525 + 1013904223
			v := float64(int32(state)>>16) / 60
			if speech {
				v += 8000 * math.Sin(float64(i*480+k)/40) * math.Sin(float64(i*480+k)/3000)
			}
			b.Samples[k] = int16(v)
		}
		e.SetSpeech(speech)
		p, ok, err := e.Encode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		sent[i/100]++
		if p.Start {
			starts = append(starts, i)
		}
		if len(p.Data) == 1 {
			short = append(short, i)
		}
		if n, err := dec.Decode(p.Data, pcm); err != nil || n != PacketSamples {
			t.Fatalf("packet of block %d: %d samples, %v", i, n, err)
		}
	}
	if sent[0] < 45 || sent[3] < 45 {
		t.Errorf("%v packets a second: speech is left out", sent)
	}
	if sent[1] > 10+2*3 || sent[2] > 2*3 || sent[2] < 2 {
		t.Errorf("%v packets a second, want few in silence", sent)
	}
	if len(starts) != 1 || starts[0] < 300 || starts[0] > 302 {
		t.Errorf("speech starts at blocks %v, want 301", starts)
	}
	if len(short) < 3 || short[0] < 119 || short[0] > 124 {
		t.Errorf("silence is told at blocks %v, want 121 first", short)
	}
}

// TestDTXOff: without DTX the detector's word changes nothing.
func TestDTXOff(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var b media.Block
	n := 0
	for i := range 200 {
		b.Samples[0] = int16(i * 100)
		e.SetSpeech(false)
		if _, ok, err := e.Encode(&b); err != nil {
			t.Fatal(err)
		} else if ok {
			n++
		}
	}
	if n != 100 {
		t.Errorf("%d packets of 100 are sent", n)
	}
}
