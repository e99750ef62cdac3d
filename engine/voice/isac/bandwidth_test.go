package isac

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

type bweEvent struct {
	Slot      int     `json:"slot"`
	Op        string  `json:"op"`
	Bytes     int     `json:"bytes"`
	Uplink    int32   `json:"uplink_bps"`
	Samples   int     `json:"frame_samples"`
	Next      int     `json:"next_frame_samples"`
	Seq       uint16  `json:"seq"`
	Send      uint32  `json:"send_ts"`
	Arrival   uint32  `json:"arr_ts"`
	Size      int     `json:"size"`
	Head      string  `json:"head"`
	RecBw     float64 `json:"rec_bw"`
	RecInv    float64 `json:"rec_bw_inv"`
	RecAvg    float64 `json:"rec_bw_avg"`
	RecAvgQ   float64 `json:"rec_bw_avg_q"`
	Jitter    float64 `json:"rec_jitter"`
	MaxDelay  float64 `json:"rec_max_delay"`
	MaxDelayQ float64 `json:"rec_max_delay_avg_q"`
	SendAvg   float64 `json:"send_bw_avg"`
	SendDelay float64 `json:"send_max_delay_avg"`
	HighRec   int     `json:"high_speed_rec"`
	HighSend  int     `json:"high_speed_send"`
}

func readEvents(tb testing.TB, name string) []bweEvent {
	tb.Helper()
	var events []bweEvent
	for line := range strings.Lines(string(readFile(tb, "bwe", name+".jsonl"))) {
		var e bweEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			tb.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// headOf reads frame length and bandwidth index of an event's payload head.
func headOf(tb testing.TB, e *bweEvent) (frameMs, index int) {
	tb.Helper()
	raw, err := hex.DecodeString(e.Head)
	if err != nil {
		tb.Fatal(err)
	}
	var d rangeDecoder
	d.reset(raw)
	blocks, index, err := readHeader(&d)
	if err != nil {
		tb.Fatal(err)
	}
	return 30 * blocks, index
}

// TestBandwidthVectors replays recorded runs: state of the estimator after each
// packet received, and index, rate, padding and next frame length of each
// packet sent.
func TestBandwidthVectors(t *testing.T) {
	updates, sent := 0, 0
	for _, name := range []string{"bwe_fix", "bwe_stress_fix"} {
		events := readEvents(t, name)
		packets := readPackets(t, "bwe", name+".isac")
		var s estimator
		var m rateModel
		s.reset()
		m.reset()
		p, d := new(packet), new(rangeDecoder)
		// A packet's rate and index are taken when its first block is coded: for
		// one of 60 ms three slots before its event.
		type start struct {
			bps, delayMs int32
			index        int
		}
		var begun start
		var haveBegun bool
		next, n := events[0].Samples, 0
		begin := func() {
			bps, delay := s.rate()
			begun, haveBegun = start{bps, delay, s.index()}, true
		}
		for i := range events {
			e := &events[i]
			// Updates of a slot come before the encoding in it; a first block of
			// 60 ms ends three slots before the packet does.
			if next == 960 && !haveBegun {
				for _, f := range events[i:] {
					if f.Op == "packet" {
						if e.Slot > f.Slot-3 || e.Op == "packet" {
							begin()
						}
						break
					}
				}
			}
			if e.Op == "update" {
				frameMs, index := headOf(t, e)
				s.received(receivedPacket{seq: e.Seq, frameMs: frameMs, send: e.Send, arrival: e.Arrival, bytes: e.Size, bandwidthIndex: index})
				got := [...]float64{float64(s.recBps), float64(s.recInvQ30), float64(s.recAvgQ5), float64(s.recAvgQ7), float64(s.jitterQ15), float64(s.maxDelayQ15), float64(s.maxDelayQ9), float64(s.sendAvgQ7), float64(s.sendDelayQ9)}
				want := [...]float64{e.RecBw, e.RecInv, e.RecAvg, e.RecAvgQ, e.Jitter, e.MaxDelay, e.MaxDelayQ, e.SendAvg, e.SendDelay}
				if got != want || s.highRec != (e.HighRec != 0) || s.highSend != (e.HighSend != 0) {
					t.Fatalf("%s event %d (slot %d):\ngot  %v\nwant %v", name, i, e.Slot, got, want)
				}
				updates++
				continue
			}
			if !haveBegun {
				begin()
			}
			haveBegun = false
			if err := p.read(d, packets[n]); err != nil {
				t.Fatal(err)
			}
			least := m.minBytes(int64(e.Samples), int64(begun.bps), int64(begun.delayMs))
			size := paddedSize(p.codeLength, least, 200)
			m.sent(max(p.codeLength, least), int64(e.Samples), int64(begun.bps))
			next = nextFrame(e.Samples, begun.bps)
			now, _ := s.rate()
			if p.bandwidthIndex != begun.index || size != e.Bytes || len(packets[n]) != e.Bytes || now != e.Uplink || next != e.Next {
				t.Fatalf("%s packet %d (slot %d): index %d want %d, %d bytes want %d, %d bit/s want %d, next %d want %d",
					name, n, e.Slot, begun.index, p.bandwidthIndex, size, e.Bytes, now, e.Uplink, next, e.Next)
			}
			n++
			sent++
		}
	}
	t.Logf("%d updates and %d packets exact", updates, sent)
	if updates != 878 || sent != 822 {
		t.Errorf("%d updates, %d packets; want 878, 822", updates, sent)
	}
}
