package codec_test

import (
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/voice/isac"
	"github.com/edgecam/edgecam/engine/voice/neteq"
)

// sent is a packet on its way: its payload and when it comes.
type sent struct {
	payload   []byte
	timestamp uint32
	at        time.Duration
	lost      bool
}

// voiced is a voice's harmonics on a steady pitch, n samples from at on.
func voiced(pcm []int16, at, rateHz int) {
	for i := range pcm {
		v := 0.0
		for h := 1.0; h <= 6; h++ {
			v += 5000 / h * math.Cos(2*math.Pi*150*h*float64(at+i)/float64(rateHz))
		}
		pcm[i] = int16(v)
	}
}

// padded returns a payload with padding of n bytes behind it, the first of which
// says so.
func padded(payload []byte, n int) []byte {
	p := append([]byte(nil), payload...)
	p = append(p, make([]byte, n)...)
	p[len(payload)] = byte(n)
	return p
}

// wideband makes a stream that goes from 30 to 60 ms and back, every third packet
// with padding.
func wideband(t *testing.T) []sent {
	t.Helper()
	const clockHz = isac.WidebandRateHz
	var packets []sent
	at := 0
	dst, pcm := make([]byte, isac.MaxPayloadBytes), make([]int16, isac.BlockSamples)
	for _, frame := range []time.Duration{30 * time.Millisecond, 60 * time.Millisecond, 30 * time.Millisecond} {
		enc, err := isac.NewEncoder(isac.EncoderConfig{FrameDuration: frame})
		if err != nil {
			t.Fatal(err)
		}
		begin := at
		for range 100 { // 3 s
			voiced(pcm, at, clockHz)
			n, err := enc.Encode(pcm, dst)
			if err != nil {
				t.Fatal(err)
			}
			at += len(pcm)
			if n == 0 {
				continue
			}
			p := append([]byte(nil), dst[:n]...)
			if len(packets)%3 == 0 {
				p = padded(p, 40)
			}
			packets = append(packets, sent{payload: p, timestamp: uint32(begin), at: time.Duration(at) * time.Second / clockHz})
			begin = at
		}
	}
	return packets
}

// superWideband makes a stream whose audio bandwidth goes from 16 over 12 to 8 kHz.
func superWideband(t *testing.T) []sent {
	t.Helper()
	const clockHz = isac.SuperWidebandRateHz
	enc, err := isac.NewSuperWidebandEncoder(isac.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var packets []sent
	dst, pcm := make([]byte, isac.MaxPayloadBytes), make([]int16, 2*isac.BlockSamples)
	for _, c := range []struct{ bps, hz int }{{56000, 16000}, {45000, 12000}, {32000, 8000}} {
		if err := enc.SetBitrate(c.bps); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			at := len(packets) * len(pcm)
			voiced(pcm, at, clockHz)
			n, err := enc.Encode(pcm, dst)
			if err != nil {
				t.Fatal(err)
			}
			packets = append(packets, sent{payload: append([]byte(nil), dst[:n]...), timestamp: uint32(at), at: time.Duration(at+len(pcm)) * time.Second / clockHz})
		}
		if got := enc.Stats().BandwidthHz; got != c.hz {
			t.Errorf("%d Hz of audio at %d bit/s, want %d", got, c.bps, c.hz)
		}
	}
	return packets
}

// TestISACInBuffer plays iSAC through the receive buffer, over losses, padding and
// changes of frame length or bandwidth in mid-stream: the voice may not be
// interrupted, and nothing but what was lost may be concealed.
func TestISACInBuffer(t *testing.T) {
	for name, make := range map[codec.Name]func(*testing.T) []sent{codec.ISAC16: wideband, codec.ISAC32: superWideband} {
		t.Run(string(name), func(t *testing.T) {
			const voice = 96
			packets := make(t)
			lost, lostFor := 0, time.Duration(0)
			for i := 17; i < len(packets); i += 12 {
				packets[i].lost = true
				lost++
				lostFor += packets[i].at - packets[i-1].at
			}
			buffer, err := codec.NewBuffer(codec.Format{Name: name}, codec.Types{Voice: voice}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var b media.Block
			var out []int16
			seq, next := uint16(65500), 0
			for now := time.Duration(0); now < 9*time.Second; now += media.BlockDuration {
				for ; next < len(packets) && packets[next].at <= now; next++ {
					p := packets[next]
					seq++
					if !p.lost {
						buffer.InsertPacket(neteq.Packet{SequenceNumber: seq, Timestamp: p.timestamp, PayloadType: voice, Payload: p.payload})
					}
				}
				buffer.Pull(&b)
				out = append(out, b.Samples[:]...)
			}
			s := buffer.Stats()
			seconds := float64(s.ConcealedSamples) / float64(map[codec.Name]int{codec.ISAC16: 16000, codec.ISAC32: 32000}[name])
			t.Logf("%d packets, %d lost: %d lost, %d discarded, %d errors; %.2f s concealed in %d events", len(packets), lost, s.PacketsLost, s.PacketsDiscarded, s.DecodeErrors, seconds, s.ConcealmentEvents)
			if s.DecodeErrors != 0 || s.PacketsDiscarded != 0 || int(s.PacketsLost) != lost {
				t.Errorf("%+v", s)
			}
			// The first long packets come later than the buffer has learnt to expect.
			if s.ConcealmentEvents == 0 || int(s.ConcealmentEvents) > 2*lost || seconds > lostFor.Seconds()+0.4 {
				t.Errorf("%.2f s concealed in %d events for %d lost packets", seconds, s.ConcealmentEvents, lost)
			}
			// The harmonics' mean power is 20 lg(5000·sqrt(sum 1/h²/2)/32768).
			const levelDBFS = -17.6
			for at := media.EngineRateHz / 2; at+4800 <= len(out)-media.EngineRateHz/5; at += 4800 {
				var e float64
				for _, v := range out[at : at+4800] {
					e += float64(v) * float64(v)
				}
				if got := 10 * math.Log10(e/4800/(32768*32768)); math.Abs(got-levelDBFS) > 6 {
					t.Errorf("at %.1f s the level is %.1f dBFS, sent %.1f", float64(at)/media.EngineRateHz, got, levelDBFS)
				}
			}
		})
	}
}
