package jitter_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/video/jitter"
)

func FuzzDescriptor(f *testing.F) {
	f.Add([]byte{0xb0, 0xf0, 0x81, 0x02, 0x77, 0xa3, 9})
	f.Add([]byte{0x10})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var d jitter.Descriptor
		n, err := d.Parse(payload)
		if err == nil && (n < 1 || n > 6 || n > len(payload)) {
			t.Errorf("%d bytes of %d", n, len(payload))
		}
		if d.PictureID > 0x7fff || d.TemporalID > 3 || d.KeyIdx > 31 || d.Partition > 7 {
			t.Errorf("%+v", d)
		}
	})
}

// FuzzBuffer feeds packets as the input says: 8 bytes each, sequence number,
// timestamp, flags and time step, and a payload of its own bytes.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 0x90, 1, 0, 10, 0, 2, 0, 1, 0x80, 1, 0, 1})
	f.Add([]byte{0xff, 0xff, 0, 1, 0x90, 1, 0, 10, 0, 0, 0, 1, 0x80, 1, 0, 1, 0, 70, 9, 9, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, script []byte) {
		b := jitter.New(jitter.Config{Packets: 64, Immediate: len(script)%2 == 0, RPSI: true})
		now := start
		var last int64
		var lastDue time.Time
		for len(script) >= 8 {
			step := script[:8]
			script = script[8:]
			now = now.Add(time.Duration(step[7]) * time.Millisecond)
			payload := append([]byte{step[4]}, step[3:]...)
			if step[5]&2 != 0 {
				payload = append(payload[:0], keyPayload...)
				payload[0] = step[4] &^ 0x87
			}
			if step[5]&4 != 0 {
				payload = nil
			}
			b.Insert(jitter.Packet{
				SequenceNumber: binary.BigEndian.Uint16(step), Timestamp: uint32(binary.BigEndian.Uint16(step[2:])) * 1500,
				Marker: step[5]&1 != 0, Payload: payload,
			}, now)
			for n := 0; ; n++ {
				fr, ok := b.Next(now)
				if !ok {
					break
				}
				if n > 1000 {
					t.Fatal("frames without end")
				}
				if len(fr.Data) == 0 {
					t.Fatal("an empty frame")
				}
				last, lastDue = fr.Timestamp, fr.Due
				b.Decoded(step[6]&1 == 0, time.Duration(step[6])*time.Millisecond, now)
				b.Stored(fr.PictureID)
			}
			fb := b.Feedback(now)
			if len(fb.NACK) > 300 || len(fb.RPSI) > 8 {
				t.Fatalf("%d NACKs, %d acknowledgements", len(fb.NACK), len(fb.RPSI))
			}
			if wake := b.Wake(now, time.Second); wake.Before(now) || wake.Sub(now) > time.Second {
				t.Fatalf("wakes in %v", wake.Sub(now))
			}
			b.SenderReport(uint64(step[0])<<32, uint32(step[1])*3000)
			b.SyncTo(uint64(step[2])<<32, now)
		}
		_, _ = last, lastDue
		if d := b.Stats().Delay; d < 0 || d > time.Second {
			t.Fatalf("delay %v", d)
		}
	})
}
