package session

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// TestCallRepair: a packet that a call asks for comes in a retransmission stream,
// under its own number, at once; what only measures the path is not delivered.
func TestCallRepair(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	var mu sync.Mutex
	seen := map[uint16][]VideoPacket{}
	call, err := NewCall(CallConfig{Video: true, Loopback: true}, CallHooks{Video: func(p VideoPacket) {
		p.Payload = bytes.Clone(p.Payload)
		mu.Lock()
		seen[p.SequenceNumber] = append(seen[p.SequenceNumber], p)
		mu.Unlock()
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer call.Close()
	offer, err := call.Offer(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	v, answer, err := n.Answer(context.Background(), offer, Grant{View: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Accept(answer); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer, "a=ssrc-group:FID") || !v.video.repairs() {
		t.Fatalf("no retransmission stream was agreed on:\n%s", answer)
	}
	var first VideoPacket
	eventually(t, "packets", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, p := range seen {
			if len(p[0].Payload) > 0 {
				first = p[0]
			}
		}
		return len(seen) > 20
	})
	// The stream stops: nothing else brings the packet along.
	n.held.Store(true)
	time.Sleep(50 * time.Millisecond)
	call.Ask([]uint16{first.SequenceNumber}, false)
	eventually(t, "packet once more", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen[first.SequenceNumber]) == 2
	})
	mu.Lock()
	again := seen[first.SequenceNumber][1]
	mu.Unlock()
	if !bytes.Equal(again.Payload, first.Payload) || again.Timestamp != first.Timestamp || again.Marker != first.Marker || !again.Resent || first.Resent {
		t.Errorf("the packet is another: %+v, was %+v", again, first)
	}
	if got := call.Info().RepairPackets; got != 1 {
		t.Errorf("%d packets in the retransmission stream", got)
	}
}

// TestCallRepairMalformed: nothing is delivered of what has no number, or is cut off.
func TestCallRepairMalformed(t *testing.T) {
	delivered := 0
	c := &Call{hooks: CallHooks{Video: func(p VideoPacket) {
		delivered++
		if p.SequenceNumber != 0x1234 || len(p.Payload) != 1 {
			t.Errorf("%+v", p)
		}
	}}}
	packet := func(payload ...byte) []byte {
		b, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 97, SSRC: 5}, Payload: payload}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	padded := packet(0x12, 0x34, 9, 0, 0, 3)
	padded[0] |= 0x20
	empty := packet(0, 2)
	empty[0] |= 0x20
	wrong := packet(0x12, 0x34, 200)
	wrong[0] |= 0x20
	for i, c2 := range []struct {
		b         []byte
		delivered int
		malformed uint64
	}{
		{packet(0x12, 0x34, 7), 1, 0},
		{padded, 2, 0},
		{empty, 2, 0},
		{packet(0x12), 2, 1},
		{wrong, 2, 2},
		{[]byte{0x80, 97}, 2, 3},
		{nil, 2, 4},
	} {
		var h rtp.Header
		c.repaired(&h, c2.b, time.Time{})
		if got := c.counters.malformed.Load(); delivered != c2.delivered || got != c2.malformed {
			t.Errorf("packet %d: %d delivered, %d malformed, want %d and %d", i, delivered, got, c2.delivered, c2.malformed)
		}
	}
}

func FuzzCallRepair(f *testing.F) {
	f.Add([]byte{0x80, 97, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x12, 0x34, 5})
	f.Add([]byte{0xb0, 97, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0, 0x12, 0x34, 5, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &Call{hooks: CallHooks{Video: func(p VideoPacket) {
			if len(p.Payload) > len(b) {
				t.Error("more than came is delivered")
			}
		}}}
		var h rtp.Header
		c.repaired(&h, b, time.Time{})
	})
}
