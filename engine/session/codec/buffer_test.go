package codec_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/voice/cn"
	"github.com/edgecam/edgecam/engine/voice/dtmf"
	"github.com/edgecam/edgecam/engine/voice/neteq"
	"github.com/edgecam/edgecam/engine/voice/red"
)

var allTypes = codec.Types{Voice: 96, Noise: 13, Event: 101, RED: 63}

// packets codes seconds of speech and adds what else may come: noise, keys, and
// packets with redundancy.
func packets(t testing.TB, name codec.Name, seconds int) (out []neteq.Packet, perSecond int) {
	t.Helper()
	f := codec.Format{Name: name}
	enc, err := codec.NewEncoder(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	start := time.Unix(1000, 0)
	var b media.Block
	var before neteq.Packet
	for n := range seconds * 100 {
		b.CapturedAt = start.Add(time.Duration(n) * media.BlockDuration)
		block(&b, n, n%150 < 100, r)
		p, ok, err := enc.Encode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		ts := uint32(int64(p.CapturedAt.Sub(start)) * int64(f.ClockHz()) / int64(time.Second))
		q := neteq.Packet{SequenceNumber: uint16(65500 + len(out)), Timestamp: ts, PayloadType: allTypes.Voice, Payload: append([]byte(nil), p.Data...)}
		plain := q
		switch i := len(out); {
		case i%40 == 37:
			noise := cn.Parameters{LevelDBov: -50, Order: 3}
			q.PayloadType, q.Payload = allTypes.Noise, make([]byte, 8)
			q.Payload = q.Payload[:noise.Put(q.Payload)]
		case i%40 == 38:
			q.PayloadType, q.Payload = allTypes.Event, dtmf.Event{Code: uint8(i % 16), VolumeDBm0: -10, Duration: 160, Ended: true}.Append(nil)
		case i%3 == 1 && before.Payload != nil && len(before.Payload) <= red.MaxBlockBytes:
			q.PayloadType, q.Payload = allTypes.RED, make([]byte, 1500)
			n, err := red.Put(q.Payload, []red.Block{
				{PayloadType: allTypes.Voice, Offset: uint16(ts - before.Timestamp), Data: before.Payload},
				{PayloadType: allTypes.Voice, Data: plain.Payload},
			})
			if err != nil {
				t.Fatal(err)
			}
			q.Payload = q.Payload[:n]
		}
		before = plain
		out = append(out, q)
	}
	return out, (len(out) + seconds/2) / seconds
}

// TestBufferAllocations: with every codec, what is inserted and pulled takes no
// memory, whatever is lost and whatever comes besides voice.
func TestBufferAllocations(t *testing.T) {
	for _, name := range codec.Names() {
		t.Run(string(name), func(t *testing.T) {
			q, err := codec.NewBuffer(codec.Format{Name: name}, allTypes, func(neteq.Event) {})
			if err != nil {
				t.Fatal(err)
			}
			in, rate := packets(t, name, 12)
			r := rand.New(rand.NewPCG(9, 9))
			var b media.Block
			next, pulled := 0, 0
			step := func() {
				for next < len(in) && next*100 <= pulled*rate {
					if r.IntN(10) > 0 {
						q.InsertPacket(in[next])
					}
					next++
				}
				q.Pull(&b)
				pulled++
			}
			for range 700 { // every slot of the buffer has been used
				step()
			}
			if n := testing.AllocsPerRun(400, step); n != 0 {
				t.Errorf("%v allocations per 10 ms", n)
			}
			s := q.Stats()
			if s.ConcealmentEvents == 0 || s.GeneratedNoiseSamples == 0 || s.FECPacketsReceived == 0 || s.DecodeErrors != 0 {
				t.Errorf("not everything was there: %+v", s)
			}
		})
	}
}

// BenchmarkPull plays a second of sound per operation, decoding included.
func BenchmarkPull(b *testing.B) {
	for _, name := range codec.Names() {
		b.Run(string(name), func(b *testing.B) {
			in, _ := packets(b, name, 4)
			var played media.Block
			for b.Loop() {
				b.StopTimer()
				q, err := codec.NewBuffer(codec.Format{Name: name}, allTypes, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				next := 0
				for n := range 400 {
					for next < len(in) && next*400 <= n*len(in) {
						q.InsertPacket(in[next])
						next++
					}
					q.Pull(&played)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(4*time.Second)*100, "%realtime")
		})
	}
}

// FuzzBuffer lets anything arrive in any codec.
func FuzzBuffer(f *testing.F) {
	for i, name := range codec.Names() {
		in, _ := packets(f, name, 1)
		data := []byte{byte(i)}
		for _, p := range in[:min(len(in), 6)] {
			if len(p.Payload) < 256 {
				data = append(append(data, 0, 1, byte(len(p.Payload))), p.Payload...)
			}
		}
		f.Add(data)
	}
	types := []uint8{allTypes.Voice, allTypes.RED, allTypes.Noise, allTypes.Event, 77}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || len(data) > 4096 {
			return
		}
		names := codec.Names()
		name := names[int(data[0])%len(names)]
		q, err := codec.NewBuffer(codec.Format{Name: name}, allTypes, func(neteq.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		var b media.Block
		seq, ts := uint16(0), uint32(0)
		for data = data[1:]; len(data) >= 3; {
			n := min(int(data[2]), len(data)-3)
			seq += uint16(data[1] & 7)
			ts += uint32(data[1]&15) * 160
			q.InsertPacket(neteq.Packet{SequenceNumber: seq, Timestamp: ts, PayloadType: types[int(data[0])%len(types)], Payload: data[3 : 3+n]})
			for range data[0] >> 6 {
				q.Pull(&b)
			}
			data = data[3+n:]
		}
		for range 10 {
			q.Pull(&b)
		}
	})
}

// FuzzNegotiation reads what an offer may say of sound.
func FuzzNegotiation(f *testing.F) {
	f.Add("111 opus/48000/2", "minptime=10;useinbandfec=1", "63 red/48000/2", "111/111")
	f.Add("102 iLBC/8000", "mode=20", "13 CN/8000", "")
	f.Add("0 PCMU/8000", "", "126 telephone-event/8000", "0-15")
	f.Fuzz(func(t *testing.T, rtpmap, fmtp, beside, besideFMTP string) {
		var offered []codec.Offered
		for _, line := range [][2]string{{rtpmap, fmtp}, {beside, besideFMTP}} {
			if o, ok := codec.ParseRTPMap(line[0]); ok {
				o.FMTP = line[1]
				offered = append(offered, o)
			}
		}
		format, p, i, ok := codec.Choose(offered, codec.Names())
		if !ok {
			return
		}
		types, with := codec.Agree(offered, p)
		if offered[i].PayloadType != p.PayloadType || types.Voice != p.PayloadType || len(with) > 3 {
			t.Fatalf("%v, %+v of %+v", format, types, offered)
		}
		if _, err := codec.NewEncoder(format.WithNoise(), 0); err != nil {
			t.Fatal(err)
		}
	})
}
