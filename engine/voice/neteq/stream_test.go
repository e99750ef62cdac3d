package neteq

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/cn"
	"github.com/edgecam/edgecam/engine/voice/dtmf"
	"github.com/edgecam/edgecam/engine/voice/g722"
	"github.com/edgecam/edgecam/engine/voice/red"
)

// TestRED sends every packet again in the next one and loses every third.
func TestRED(t *testing.T) {
	const rate = 8000
	l := newLink(t, rate, Config{MinDelay: 40 * time.Millisecond}, voice(rate, 6))
	if err := l.q.RegisterRED(63); err != nil {
		t.Fatal(err)
	}
	var before Packet
	for i := range 290 {
		p := l.packet(i)
		blocks := []red.Block{{Data: p.Payload}}
		if i > 0 {
			blocks = []red.Block{{Offset: rate / 50, Data: before.Payload}, {Data: p.Payload}}
		}
		buf := make([]byte, 1000)
		n, err := red.Put(buf, blocks)
		if err != nil {
			t.Fatal(err)
		}
		before = p
		p.PayloadType, p.Payload = 63, buf[:n]
		if i%3 != 2 {
			l.q.InsertPacket(p)
		}
		l.pull()
		l.pull()
	}
	s := l.q.Stats()
	if s.FECPacketsUsed < 90 || s.ConcealedSamples > rate/100 || s.PacketsLost < 90 || s.FECPacketsReceived < 190 {
		t.Errorf("%+v", s)
	}
	by, corr := lag(l.x[rate:2*rate], l.out[rate:3*rate], rate/5)
	if corr < 16380 {
		t.Errorf("correlation %d/16384 at %d", corr, by)
	}
}

// TestTargetWaitsForRedundancy: packets are lost that come again with the next one.
// The target learns of it, and hardly anything is concealed.
func TestTargetWaitsForRedundancy(t *testing.T) {
	const rate = 16000
	for _, redundant := range []bool{false, true} {
		l := newLink(t, rate, Config{}, voice(rate, 30))
		if err := l.q.RegisterRED(63); err != nil {
			t.Fatal(err)
		}
		var before Packet
		var concealed, played uint64
		rng := rand.New(rand.NewPCG(7, 7))
		for i := range 1490 {
			p := l.packet(i)
			blocks := []red.Block{{Data: p.Payload}}
			if redundant && i > 0 {
				blocks = []red.Block{{Offset: rate / 50, Data: before.Payload}, {Data: p.Payload}}
			}
			buf := make([]byte, 2000)
			n, err := red.Put(buf, blocks)
			if err != nil {
				t.Fatal(err)
			}
			before = p
			p.PayloadType, p.Payload = 63, buf[:n]
			if rng.IntN(20) != 0 {
				l.q.InsertPacket(p)
			}
			l.pull()
			l.pull()
			if i == 490 {
				s := l.q.Stats()
				concealed, played = s.ConcealedSamples, s.TotalSamplesReceived
			}
		}
		s := l.q.Stats()
		share := float64(s.ConcealedSamples-concealed) / float64(s.TotalSamplesReceived-played)
		t.Logf("redundancy %v: target %v, %.4f concealed", redundant, s.TargetDelay, share)
		if redundant && (share > .006 || s.TargetDelay > 50*time.Millisecond) || !redundant && (share < .03 || s.TargetDelay > 20*time.Millisecond) {
			t.Errorf("redundancy %v: target %v, %.4f concealed", redundant, s.TargetDelay, share)
		}
	}
}

// TestEvents presses a key: it is told of once, and heard for as long as it lasts.
func TestEvents(t *testing.T) {
	const rate = 8000
	var told []Event
	l := newLink(t, rate, Config{OnEvent: func(e Event) { told = append(told, e) }}, voice(rate, 6))
	if err := l.q.RegisterEvents(101, rate); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		p := l.packet(i)
		if i >= 100 && i < 112 {
			// 160 ms of #, its end sent three times.
			ev := dtmf.Event{Code: 11, VolumeDBm0: -10, Duration: uint16(min(i-99, 8) * 160), Ended: i >= 107}
			p.PayloadType, p.Payload = 101, ev.Append(nil)
			if i > 109 {
				p = Packet{}
			}
			p.Timestamp = l.packet(100).Timestamp
		}
		if p.Payload != nil {
			l.q.InsertPacket(p)
		}
		l.pull()
		l.pull()
	}
	if len(told) != 2 || told[0].Ended || !told[1].Ended || told[0].Key() != '#' || told[1].Duration != 1280 {
		t.Fatalf("told %+v", told)
	}
	at := 100 * rate / 50
	heard := 0
	for k := at; k < at+40*rate/100; k += rate / 100 {
		var tone dtmf.Tone
		tone.Start(told[0].Event, rate)
		want := make([]int16, rate/100)
		tone.Generate(want, false)
		if e := energy(l.out[k : k+rate/100]); 2*e > energy(want) && e < 2*energy(want) {
			heard++
		}
	}
	if heard < 10 || heard > 22 {
		t.Errorf("heard for %d blocks, want about 16", heard)
	}
}

// TestComfortNoise has a sender that describes its background between words.
func TestComfortNoise(t *testing.T) {
	const rate = 8000
	noise, err := cn.NewDecoder(rate)
	if err != nil {
		t.Fatal(err)
	}
	l := newLink(t, rate, Config{}, voice(rate, 8))
	if err := l.q.RegisterComfortNoise(13, noise, rate); err != nil {
		t.Fatal(err)
	}
	for i := range 350 {
		p := l.packet(i)
		switch silent := i >= 100 && i < 250; {
		case silent && i%50 == 0:
			p.PayloadType, p.Payload = 13, []byte{50}
			p.SequenceNumber = uint16(65500 + 100 + (i-100)/50)
			l.q.InsertPacket(p)
		case !silent:
			if i >= 250 {
				p.SequenceNumber = uint16(65500 + i - 147)
			}
			l.q.InsertPacket(p)
		}
		l.pull()
		l.pull()
	}
	s := l.q.Stats()
	if s.GeneratedNoiseSamples < rate*28/10 || s.ConcealedSamples > rate/20 || s.PacketsLost != 0 {
		t.Errorf("%+v", s)
	}
	x := l.out[4*rate : 5*rate]
	// -50 dBov is an effective value of 104.
	if e := energy(x) / int64(len(x)); e < 104*104/2 || e > 104*104*2 {
		t.Errorf("mean square of the noise %d", e)
	}
}

// TestCodecChange goes from narrow to wide band and to another clock in mid-stream.
func TestCodecChange(t *testing.T) {
	l := newLink(t, 16000, Config{}, voice(16000, 6))
	if err := l.q.Register(9, Codec{Decoder: g722.NewDecoder(), ClockHz: g722.RTPClockHz}); err != nil {
		t.Fatal(err)
	}
	if err := l.q.Register(10, Codec{Decoder: linear{8000}}); err != nil {
		t.Fatal(err)
	}
	enc := g722.NewEncoder()
	narrow := voice(8000, 6)
	var b media.Block
	heard := 0
	for i := range 290 {
		p := l.packet(i)
		n := 320
		switch i / 50 % 3 {
		case 1:
			payload := make([]byte, n/2)
			if _, err := enc.Encode(l.x[i*n:(i+1)*n], payload); err != nil {
				t.Fatal(err)
			}
			p.PayloadType, p.Payload, p.Timestamp = 9, payload, uint32(0xfffff000+int64(i)*160)
		case 2:
			l8 := &link{rateHz: 8000, x: narrow}
			p = l8.packet(i)
			p.PayloadType = 10
		}
		l.q.InsertPacket(p)
		for range 2 {
			if l.q.Pull(&b) && energy(b.Samples[:]) > 0 {
				heard++
			}
		}
	}
	s := l.q.Stats()
	if s.PacketsDiscarded > 0 || s.DecodeErrors > 0 || s.ConcealedSamples > 2000 || heard < 560 {
		t.Errorf("heard in %d blocks: %+v", heard, s)
	}
}

// FuzzStream lets anything arrive at any time.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add([]byte{63, 0, 1, 0, 1, 160, 20, 0x80, 1, 0, 2, 0, 9, 9, 9, 1, 2})
	f.Add([]byte{101, 0, 1, 0, 1, 160, 4, 11, 0x8a, 3, 32})
	f.Fuzz(func(t *testing.T, data []byte) {
		q := NewMulti(Config{OnEvent: func(Event) {}})
		noise, err := cn.NewDecoder(8000)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			q.Register(0, Codec{Decoder: linear{8000}}), q.Register(1, Codec{Decoder: linear{48000}}),
			q.Register(9, Codec{Decoder: g722.NewDecoder(), ClockHz: 8000}),
			q.RegisterComfortNoise(13, noise, 8000), q.RegisterEvents(101, 8000), q.RegisterRED(63),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		var b media.Block
		types := [...]uint8{0, 1, 9, 13, 101, 63, 77, 0}
		for len(data) > 6 {
			for range data[0] >> 5 {
				q.Pull(&b)
			}
			size := min(int(data[5])*4, len(data)-6)
			p := Packet{
				PayloadType: types[data[0]&7], SequenceNumber: uint16(data[1])<<8 | uint16(data[2]),
				Timestamp: uint32(data[3])<<12 | uint32(data[4])<<4, Payload: data[6 : 6+size],
			}
			q.InsertPacket(p)
			data = data[6+size/2:]
		}
		for range 20 {
			q.Pull(&b)
		}
		// Rates of 8 and 48 kHz are counted together, and some of it waits yet.
		if s := q.Stats(); s.ConcealedSamples > 6*s.TotalSamplesReceived+media.EngineRateHz/10 || s.BufferLevel < 0 || s.TargetDelay > time.Second {
			t.Fatalf("%+v", s)
		}
	})
}
