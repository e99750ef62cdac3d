package isac

import (
	"math"
	"testing"
)

// TestFloatBandwidthVectors replays the runs recorded with the deployed
// floating-point coder.
func TestFloatBandwidthVectors(t *testing.T) {
	updates, sent, worst := 0, 0, 0.0
	for _, name := range []string{"bwe_main", "bwe_stress_main"} {
		events := readEvents(t, name)
		packets := readPackets(t, "bwe", name+".isac")
		var s floatEstimator
		var m floatRateModel
		s.reset(false)
		m.reset()
		p, d := new(packet), new(rangeDecoder)
		frame, piece, n, at := 0, 0, 0, 0
		for _, e := range events {
			if e.Op == "packet" {
				frame = e.Samples
				break
			}
		}
		var startBps float32
		var index int
		for slot := 0; at < len(events); slot++ {
			for at < len(events) && events[at].Slot == slot && events[at].Op == "update" {
				e := &events[at]
				at++
				frameMs, idx := headOf(t, e)
				s.heard(idx, nil)
				s.received(receivedPacket{seq: e.Seq, frameMs: frameMs, send: e.Send, arrival: e.Arrival, bytes: e.Size})
				got32 := [...]float32{s.rec, s.recInv, s.recAvg, s.recAvgQ, s.jitter, s.maxDelay, s.maxDelayQ, s.sendAvg, s.sendDelay}
				var got [len(got32)]float64
				for i, v := range got32 {
					got[i] = float64(v)
				}
				want := [...]float64{e.RecBw, e.RecInv, e.RecAvg, e.RecAvgQ, e.Jitter, e.MaxDelay, e.MaxDelayQ, e.SendAvg, e.SendDelay}
				for i := range got {
					if diff := math.Abs(got[i]-want[i]) / math.Abs(want[i]); diff > 1e-6 {
						t.Fatalf("%s slot %d: got %v\nwant %v", name, slot, got, want)
					} else {
						worst = max(worst, diff)
					}
				}
				updates++
			}
			if piece == 0 {
				startBps, _ = s.rate()
			}
			if piece == 2 {
				index, _ = s.index()
			}
			if piece++; piece*160 < frame {
				continue
			}
			piece = 0
			if at >= len(events) || events[at].Slot != slot {
				t.Fatalf("%s: no packet in slot %d", name, slot)
			}
			e := &events[at]
			at++
			if err := p.read(d, packets[n]); err != nil {
				t.Fatal(err)
			}
			bps, delay := s.rate()
			least := m.minBytes(float64(frame), float64(bps), math.Floor(float64(delay)))
			limit := 200
			if frame == 960 {
				limit = 400
			}
			size := paddedSize(p.codeLength, least, limit)
			m.sent(size, float64(frame), float64(bps))
			next := nextFrame(frame, int32(startBps))
			if p.bandwidthIndex != index || size != e.Bytes || int(bps) != int(e.Uplink) || next != e.Next || frame != e.Samples {
				t.Fatalf("%s packet %d (slot %d): index %d want %d, %d bytes want %d, %v bit/s want %d, next %d want %d",
					name, n, slot, index, p.bandwidthIndex, size, e.Bytes, bps, e.Uplink, next, e.Next)
			}
			frame = next
			n++
			sent++
		}
	}
	t.Logf("%d updates within %.1e, %d packets exact", updates, worst, sent)
}
