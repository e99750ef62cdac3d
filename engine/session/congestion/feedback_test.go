package congestion

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// TestParserAgainstPeer reads random messages that another implementation has
// written.
func TestParserAgainstPeer(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var p Parser
	ref := int64(1<<24 - 40) // wraps around soon
	for round := range 2000 {
		ref += int64(r.IntN(4))
		base, count := uint16(r.Uint32()), 1+r.IntN(60)
		m := &rtcp.TransportLayerCC{
			Header:     rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback},
			SenderSSRC: r.Uint32(), MediaSSRC: r.Uint32(), BaseSequenceNumber: base, PacketStatusCount: uint16(count),
			ReferenceTime: uint32(ref) & 0xffffff, FbPktCount: uint8(round),
		}
		var want []Arrival
		at := time.Duration(ref) * 64 * time.Millisecond
		status := func(s uint16) {
			a := Arrival{Seq: base + uint16(len(want)), Received: s != rtcp.TypeTCCPacketNotReceived}
			switch s {
			case rtcp.TypeTCCPacketReceivedSmallDelta:
				d := int64(r.IntN(256))
				m.RecvDeltas = append(m.RecvDeltas, &rtcp.RecvDelta{Type: s, Delta: d * 250})
				at += time.Duration(d) * 250 * time.Microsecond
			case rtcp.TypeTCCPacketReceivedLargeDelta:
				d := int64(r.IntN(60000) - 30000)
				m.RecvDeltas = append(m.RecvDeltas, &rtcp.RecvDelta{Type: s, Delta: d * 250})
				at += time.Duration(d) * 250 * time.Microsecond
			}
			a.At = at
			want = append(want, a)
		}
		for len(want) < count {
			left := count - len(want)
			switch r.IntN(3) {
			case 0:
				n, s := 1+r.IntN(left), uint16(r.IntN(3))
				m.PacketChunks = append(m.PacketChunks, &rtcp.RunLengthChunk{Type: rtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: s, RunLength: uint16(n)})
				for range n {
					status(s)
				}
			case 1:
				c := &rtcp.StatusVectorChunk{Type: rtcp.TypeTCCStatusVectorChunk, SymbolSize: rtcp.TypeTCCSymbolSizeOneBit}
				for i := range 14 {
					s := uint16(r.IntN(2))
					if i < left {
						status(s)
					} else {
						s = 0
					}
					c.SymbolList = append(c.SymbolList, s)
				}
				m.PacketChunks = append(m.PacketChunks, c)
			default:
				c := &rtcp.StatusVectorChunk{Type: rtcp.TypeTCCStatusVectorChunk, SymbolSize: rtcp.TypeTCCSymbolSizeTwoBit}
				for i := range 7 {
					s := uint16(r.IntN(3))
					if i < left {
						status(s)
					} else {
						s = 0
					}
					c.SymbolList = append(c.SymbolList, s)
				}
				m.PacketChunks = append(m.PacketChunks, c)
			}
		}
		m.Header.Length = uint16(m.MarshalSize()/4 - 1)
		m.Header.Padding = m.MarshalSize() != 20+2*len(m.PacketChunks)+deltaBytes(m)
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Parse(b)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if len(got) != len(want) {
			t.Fatalf("round %d: %d packets, want %d", round, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("round %d, packet %d: %+v, want %+v", round, i, got[i], want[i])
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = p.Parse(nil) }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func deltaBytes(m *rtcp.TransportLayerCC) (n int) {
	for _, d := range m.RecvDeltas {
		n++
		if d.Type == rtcp.TypeTCCPacketReceivedLargeDelta {
			n++
		}
	}
	return n
}

func FuzzParser(f *testing.F) {
	f.Add([]byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0, 2, 0, 0, 1, 0, 0x20, 2, 4, 8})
	f.Add([]byte{0xaf, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0, 3, 0xff, 0xff, 0xff, 9, 0xd8, 0, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Parser
		c, err := New(Config{MinBps: 50_000, MaxBps: 1_000_000, StartBps: 300_000})
		if err != nil {
			t.Fatal(err)
		}
		// One message after another: 32 bytes at a time, and the whole.
		var messages [][]byte
		for i := 0; i+32 <= len(b) && i < 32*64; i += 32 {
			messages = append(messages, b[i:i+32])
		}
		messages = append(messages, b, b)
		now, seq := time.Duration(0), uint16(0)
		for _, m := range messages {
			for range 5 {
				c.Sent(now, seq, 1200, uint32(seq/4)+1)
				seq++
			}
			now += 50 * time.Millisecond
			arrivals, err := p.Parse(m)
			if err != nil && !errors.Is(err, ErrFeedback) {
				t.Fatal(err)
			}
			if len(arrivals) > maxReported {
				t.Fatalf("%d packets reported", len(arrivals))
			}
			c.Feedback(now, arrivals)
			c.Tick(now)
			if e := c.Estimate(); e.TargetBps < 50_000 || e.TargetBps > 1_000_000 || e.PacingBps <= 0 {
				t.Fatalf("estimate %+v", e)
			}
		}
	})
}
