package codec_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/voice/neteq"
)

// recovered sends 20 s of voice over a path that loses a tenth, with an encoder that
// is told of a loss, and returns how many of the lost packets the receiver has made
// of the next one, how many were lost, and the mean size of a packet.
func recovered(t *testing.T, f codec.Format, percent int) (used, lost uint64, bytes int) {
	t.Helper()
	enc, err := codec.NewEncoder(f, 24_000)
	if err != nil {
		t.Fatal(err)
	}
	if err := enc.SetLoss(percent); err != nil {
		t.Fatal(err)
	}
	q, err := codec.NewBuffer(f, codec.Types{Voice: 96}, nil)
	if err != nil {
		t.Fatal(err)
	}
	voice, path := rand.New(rand.NewPCG(7, 8)), rand.New(rand.NewPCG(1, 2))
	var b, played media.Block
	start := time.Unix(1000, 0)
	n := 0
	for i := range 2000 {
		b.CapturedAt = start.Add(time.Duration(i) * media.BlockDuration)
		block(&b, i, true, voice)
		p, ok, err := enc.Encode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			bytes += len(p.Data)
			if path.IntN(10) == 0 {
				lost++
			} else {
				q.InsertPacket(neteq.Packet{SequenceNumber: uint16(n), Timestamp: uint32(n * 960), PayloadType: 96, Payload: p.Data})
			}
			n++
		}
		q.Pull(&played)
	}
	return q.Stats().FECPacketsUsed, lost, bytes / n
}

// TestFECFollowsLoss counts what in-band FEC recovers at the receiver: nothing while
// no loss is expected, most single losses when it is.
func TestFECFollowsLoss(t *testing.T) {
	f := codec.Format{Name: codec.Opus}
	without, lost, small := recovered(t, f, 0)
	with, _, large := recovered(t, f, 10)
	refused, _, _ := recovered(t, codec.Format{Name: codec.Opus, NoFEC: true}, 10)
	t.Logf("of %d lost packets %d recovered without FEC (%d bytes a packet), %d with (%d bytes)", lost, without, small, with, large)
	if without != 0 || refused != 0 {
		t.Errorf("%d recovered without expected loss, %d where the receiver has no use for it", without, refused)
	}
	if with*10 < lost*6 {
		t.Errorf("%d of %d lost packets recovered", with, lost)
	}
}

// TestSetLossElsewhere: other formats know nothing of it, and nonsense is refused.
func TestSetLossElsewhere(t *testing.T) {
	for _, name := range codec.Names() {
		enc, err := codec.NewEncoder(codec.Format{Name: name}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := enc.SetLoss(10); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := enc.SetLoss(101); (err != nil) != (name == codec.Opus) {
			t.Errorf("%s: error %v of 101 %%", name, err)
		}
	}
}
