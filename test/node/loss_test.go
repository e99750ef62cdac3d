package node

import (
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/video/jitter"
	"github.com/edgecam/edgecam/test/netlab"
)

// TestLossWithRepetition: a viewer who asks for what it misses, as browsers do, and
// loses 5 % of all packets both ways, needs no key frame in ten seconds.
func TestLossWithRepetition(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 12 s")
	}
	b := start(t, func(c *engine.Config, b *bench) {
		c.Video.BitrateBps = 400_000
		b.devices = func(d *engine.Devices) { d.Camera, d.Microphone = smallCamera(b), nil }
	})
	way := netlab.Conditions{Delay: 25 * time.Millisecond, Loss: 0.05}
	w := watch(t, b, way, 1, jitter.Config{Immediate: true, RTT: 60 * time.Millisecond}, true, nil)
	eventually(t, 20*time.Second, "the viewer sees the picture", func() bool { shown, _, _, _ := w.seen(); return shown >= 15 })
	before := b.engine.Sessions().Stats()
	first, _, _, frozen := w.seen()
	time.Sleep(10 * time.Second)
	after := b.engine.Sessions().Stats()
	last, _, broken, s := w.seen()
	// A viewer whose packets come late, on a busy machine, may change streams.
	keys := after.KeyFrames - before.KeyFrames - (after.KeyFrameRequests[session.ReasonSwitch] - before.KeyFrameRequests[session.ReasonSwitch])
	var resent uint64
	for _, v := range b.engine.Sessions().Viewers() {
		resent += v.Resent
	}
	t.Logf("in 10 s %d pictures, %d key frames but for changes of streams, %d packets sent again, %d frames built on a reference, frozen %v",
		last-first, keys, resent, after.Mended-before.Mended, (s.TotalFreezesDuration - frozen.TotalFreezesDuration).Round(time.Millisecond))
	if keys > 0 || broken > 0 || resent < 5 {
		t.Errorf("%d key frames (%v, before %v), %d frames could not be decoded, %d packets sent again",
			keys, after.KeyFrameRequests, before.KeyFrameRequests, broken, resent)
	}
	w.close()
}
