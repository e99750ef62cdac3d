package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/voice/dtmf"
	"github.com/edgecam/edgecam/engine/voice/red"
)

// heard collects packets of voice.
type heard struct {
	mu   sync.Mutex
	pkts []TalkPacket
}

func (h *heard) add(p TalkPacket) {
	p.Payload = append([]byte(nil), p.Payload...)
	h.mu.Lock()
	h.pkts = append(h.pkts, p)
	h.mu.Unlock()
}

// wait returns the first packet that fits.
func (h *heard) wait(t *testing.T, what string, fits func(*TalkPacket) bool) TalkPacket {
	t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		h.mu.Lock()
		for i := range h.pkts {
			if fits(&h.pkts[i]) {
				p := h.pkts[i]
				h.mu.Unlock()
				return p
			}
		}
		h.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s: not among %d packets", what, len(h.pkts))
	return TalkPacket{}
}

// TestCallVoice: what two sides agree on beside each voice codec, and that both
// use it: comfort noise, keys, and redundancy once losses are reported.
func TestCallVoice(t *testing.T) {
	for _, c := range []struct {
		name             codec.Name
		noise, keys, red bool
	}{
		{codec.Opus, false, true, true},
		{codec.ISAC32, false, false, false},
		{codec.ISAC16, false, false, false},
		{codec.G722, true, true, true},
		{codec.ILBC30, true, true, true},
		{codec.ILBC20, true, true, true},
		{codec.PCMU, true, true, true},
		{codec.PCMA, true, true, true},
	} {
		t.Run(string(c.name), func(t *testing.T) {
			var atNode, atCall heard
			n := newNode(t, Hooks{Talk: func(_ ViewerID, p TalkPacket) { atNode.add(p) }}, nil)
			call, err := NewCall(CallConfig{Listen: true, Talk: true, Loopback: true, DTX: true, VoiceCodecs: []codec.Name{c.name}}, CallHooks{Voice: atCall.add}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer call.Close()
			offer, err := call.Offer(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			v, answer, err := n.Answer(context.Background(), offer, Grant{View: true, Talk: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := call.Accept(answer); err != nil {
				t.Fatal(err)
			}
			types := v.plan.types
			if (types.Noise != 0) != c.noise || (types.Event != 0) != c.keys || (types.RED != 0) != c.red {
				t.Fatalf("agreed on %+v:\n%s", types, answer)
			}
			stop := make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				start := time.Now()
				for i := 0; ; i++ {
					at := start.Add(time.Duration(i) * 20 * time.Millisecond)
					select {
					case <-stop:
						return
					case <-time.After(time.Until(at)):
					}
					a := &media.EncodedAudio{Data: []byte{byte(i), 7, 7}, CapturedAt: at, Duration: 20 * time.Millisecond}
					if types.Noise != 0 && i%10 == 9 {
						a.Data, a.ComfortNoise = []byte{50, 127}, true
					}
					n.WriteAudio(v.plan.voice, a)
					if err := call.WriteVoice(a); err != nil {
						t.Error(err)
					}
				}
			})
			defer wg.Wait()
			defer close(stop)
			for where, h := range map[string]*heard{"node": &atNode, "call": &atCall} {
				p := h.wait(t, "voice at the "+where, func(p *TalkPacket) bool { return p.PayloadType == p.Types.Voice })
				if p.Format.Name != c.name || p.Types != types || len(p.Payload) != 3 || p.Format.Peer != 0 != strings.HasPrefix(string(c.name), "isac") {
					t.Errorf("%+v arrives at the %s", p, where)
				}
				if c.noise {
					h.wait(t, "noise at the "+where, func(p *TalkPacket) bool { return p.PayloadType == types.Noise && len(p.Payload) == 2 })
				}
			}
			testKeys(t, call, &atNode, c.keys)
			if c.red {
				// No redundancy without loss: none has come so far.
				for _, h := range []*heard{&atNode, &atCall} {
					h.mu.Lock()
					for _, p := range h.pkts {
						if p.PayloadType == types.RED {
							t.Error("redundancy without loss")
						}
					}
					h.mu.Unlock()
				}
				v.counters.audioLoss.fractionQ8.Store(20)
				call.lossQ8.Store(20)
				for where, h := range map[string]*heard{"node": &atNode, "call": &atCall} {
					p := h.wait(t, "redundancy at the "+where, func(p *TalkPacket) bool { return p.PayloadType == types.RED })
					blocks, err := red.Parse(nil, p.Payload)
					if err != nil || len(blocks) != 2 || blocks[0].PayloadType != types.Voice || blocks[1].PayloadType != types.Voice ||
						blocks[0].Data[0]+1 != blocks[1].Data[0] && !(c.noise && blocks[0].Data[0]+2 == blocks[1].Data[0]) ||
						int(blocks[0].Offset) != int(blocks[1].Data[0]-blocks[0].Data[0])*p.Format.ClockHz()/50 {
						t.Errorf("at the %s: %+v, %v", where, blocks, err)
					}
				}
			}
		})
	}
}

// testKeys presses a key and looks at the packets of its event.
func testKeys(t *testing.T, call *Call, at *heard, taken bool) {
	t.Helper()
	err := call.PressKey(context.Background(), '7', 100*time.Millisecond)
	if !taken {
		if !errors.Is(err, ErrNoKeys) {
			t.Errorf("a key where none are taken: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := call.PressKey(context.Background(), 'x', time.Second); err == nil || errors.Is(err, ErrNoKeys) {
		t.Errorf("x is a key: %v", err)
	}
	at.wait(t, "the key", func(p *TalkPacket) bool { return p.PayloadType == p.Types.Event })
	deadline := time.Now().Add(patience)
	for {
		var got []string
		var ts []uint32
		at.mu.Lock()
		for _, p := range at.pkts {
			if p.PayloadType != p.Types.Event {
				continue
			}
			e, err := dtmf.Parse(p.Payload)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%c %d %v", e.Key(), int(e.Duration)*1000/p.Format.ClockHz(), e.Ended))
			ts = append(ts, p.Timestamp)
		}
		at.mu.Unlock()
		want := []string{"7 20 false", "7 40 false", "7 60 false", "7 80 false", "7 100 true", "7 100 true", "7 100 true"}
		if len(got) < len(want) && time.Now().Before(deadline) {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("the key's packets are %q", got)
		}
		for _, x := range ts {
			if x != ts[0] {
				t.Error("an event's packets have several timestamps")
			}
		}
		return
	}
}

// TestRedundancyRests: redundancy goes on for a while after the last loss.
func TestRedundancyRests(t *testing.T) {
	var track outTrack
	now := time.Unix(1000, 0)
	for _, c := range []struct {
		after  int // seconds
		lossQ8 uint32
		want   bool
	}{{0, 0, false}, {1, 2, false}, {2, 3, true}, {3, 0, true}, {16, 0, true}, {17, 0, false}} {
		if got := track.lossy(c.lossQ8, now.Add(time.Duration(c.after)*time.Second)); got != c.want {
			t.Errorf("%d s: %v", c.after, got)
		}
	}
	var b previous
	var out [64]byte
	if _, ok := b.put(out[:], 0, []byte{1}, 5); ok {
		t.Error("redundancy of nothing")
	}
	b.keep([]byte{1, 2}, 100)
	for ts, want := range map[int64]bool{100: false, 99: false, 260: true, 100 + red.MaxOffset: true, 101 + red.MaxOffset: false} {
		if _, ok := b.put(out[:], 0, []byte{1}, ts); ok != want {
			t.Errorf("a packet %d ticks later: %v", ts-100, ok)
		}
	}
	b.keep(make([]byte, red.MaxBlockBytes+1), 100)
	if _, ok := b.put(out[:], 0, []byte{1}, 260); ok {
		t.Error("a packet that is too long is carried")
	}
}
