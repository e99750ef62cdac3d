package engine

import (
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/voice/g711"
)

// TestLoudestTalkersAreHeard: of more callers than there are places, the loudest are
// heard at the speaker, and whoever has answered a call, however soft.
func TestLoudestTalkersAreHeard(t *testing.T) {
	var talk talkers
	talk.init(FullDuplex, slog.New(slog.DiscardHandler))
	amplitude := []float64{3000, 300, 2500, 350, 4000}
	hz := func(i int) float64 { return float64(400 + 300*i) }
	var b media.Block
	play := func(from, blocks int) (x []int16) {
		for n := from; n < from+blocks; n++ {
			for i, a := range amplitude {
				if n%2 == 1 {
					continue
				}
				p := session.TalkPacket{
					Format: codec.Format{Name: codec.PCMU}, Types: codec.Types{Voice: 0}, SSRC: uint32(i + 1),
					SequenceNumber: uint16(n / 2), Timestamp: uint32(n * 80), Payload: make([]byte, 160),
				}
				for k := range p.Payload {
					p.Payload[k] = g711.ULaw.Compress(int16(a * math.Sin(2*math.Pi*hz(i)*float64(n*80+k)/8000)))
				}
				talk.packet(session.ViewerID(fmt.Sprint(i)), p)
			}
			talk.mix(&b, time.Unix(0, int64(n)*int64(media.BlockDuration)))
			x = append(x, b.Samples[:]...)
		}
		return x[len(x)/2:]
	}
	level := func(x []int16, hz float64) float64 {
		var re, im float64
		for i, s := range x {
			sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / media.EngineRateHz)
			re, im = re+float64(s)*cos, im+float64(s)*sin
		}
		return 2 * math.Hypot(re, im) / float64(len(x))
	}
	x := play(0, 200)
	for i, a := range amplitude {
		got := level(x, hz(i))
		if loud := a > 1000; loud && got < .8*a || !loud && got > 60 {
			t.Errorf("a caller of amplitude %.0f is heard with %.0f", a, got)
		}
	}
	talk.own("1")
	x = play(200, 100)
	for i, a := range amplitude {
		got := level(x, hz(i))
		if i == 1 && got < .8*a || i != 1 && got > 60 {
			t.Errorf("after caller 1 has answered, caller %d of amplitude %.0f is heard with %.0f", i, a, got)
		}
	}
}
