package node

import (
	"crypto/md5"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/jitter"
	"github.com/edgecam/edgecam/internal/testdata"
	"github.com/edgecam/edgecam/test/netlab"
)

// album is what a viewer was shown of the main stream, in order.
type album struct {
	mu    sync.Mutex
	width int
	sums  [][md5.Size]byte
	small int // pictures of another size: the thumbnail's
}

func (a *album) add(p *media.Picture) {
	if p.Width != a.width {
		a.mu.Lock()
		a.small++
		a.mu.Unlock()
		return
	}
	h := md5.New()
	for y := range p.Height {
		h.Write(p.Y[y*p.YStride:][:p.Width])
	}
	cw, ch := p.ChromaSize()
	for y := range ch {
		h.Write(p.U[y*p.UVStride:][:cw])
		h.Write(p.V[y*p.UVStride:][:cw])
	}
	a.mu.Lock()
	a.sums = append(a.sums, [md5.Size]byte(h.Sum(nil)))
	a.mu.Unlock()
}

// strangers counts pictures that are not in truth, or not in its order.
func (a *album) strangers(truth *album) (n int) {
	at := map[[md5.Size]byte]int{}
	for i, s := range truth.sums {
		at[s] = i
	}
	last := -1
	for _, s := range a.sums {
		i, ok := at[s]
		if !ok || i < last {
			n++
			continue
		}
		last = i
	}
	return n
}

// TestNoPictureIsBroken: viewers lose 1, 5 and 10 % of their packets and get others
// in another order. Every picture that they show is, sample by sample, one that a
// viewer shows who loses nothing, whatever was sent again, given up or mended.
// EDGECAM_PICTURES=5m makes it last longer.
func TestNoPictureIsBroken(t *testing.T) {
	lasts := 10 * time.Second
	if s := os.Getenv("EDGECAM_PICTURES"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil || d < 5*time.Second {
			t.Fatalf("EDGECAM_PICTURES=%s, must be a time of 5s or more", s)
		}
		lasts = d
	} else if testing.Short() {
		t.Skip("takes 12 s")
	}
	b := start(t, func(c *engine.Config, b *bench) {
		c.Video.BitrateBps = 400_000
		b.devices = func(d *engine.Devices) { d.Camera, d.Microphone = smallCamera(b), nil }
	})
	truth := &album{width: 320}
	cfg := jitter.Config{Immediate: true, RTT: 10 * time.Millisecond}
	whole := watch(t, b, netlab.Conditions{}, 1, cfg, false, truth.add)
	eventually(t, 20*time.Second, "the picture is there", func() bool { shown, _, _, _ := whole.seen(); return shown > 5 })
	cfg.RTT = 60 * time.Millisecond
	type loser struct {
		name string
		*watcher
		*album
	}
	var losers []loser
	how := map[bool]string{true: "reporting", false: "acknowledging"}
	for i, loss := range []float64{.01, .05, .1} {
		for _, reports := range []bool{true, false} {
			a := &album{width: 320}
			cfg.RPSI = !reports
			way := netlab.Conditions{Delay: 25 * time.Millisecond, Loss: loss, Reorder: .02}
			losers = append(losers, loser{fmt.Sprintf("%.0f %% lost, %s", loss*100, how[reports]), watch(t, b, way, uint64(10+i), cfg, reports, a.add), a})
		}
	}
	time.Sleep(lasts)
	for _, l := range losers {
		l.close()
	}
	time.Sleep(time.Second)
	whole.close()
	_, _, broken, s := whole.seen()
	complete := broken == 0 && s.FramesDropped == 0 && s.FramesIncomplete == 0 && s.PacketsLost == 0
	t.Logf("nothing lost: %d pictures, all of them %v (%+v)", len(truth.sums), complete, s)
	mended := b.engine.Sessions().Stats().Mended
	var again uint64
	for _, l := range losers {
		_, keys, broken, s := l.seen()
		again += s.RetransmittedPacketsReceived
		wrong := l.strangers(truth)
		t.Logf("%s: %d pictures (%d key frames, %d more of the thumbnail), %d strange, %d refused; %d packets sent again, %d given up, %d frames left out, %d freezes (%v)",
			l.name, len(l.sums), keys, l.small, wrong, broken, s.RetransmittedPacketsReceived, s.PacketsLost, s.FramesDropped, s.FreezeCount, s.TotalFreezesDuration.Round(time.Millisecond))
		if broken > 0 {
			t.Errorf("%s: %d frames could not be decoded", l.name, broken)
		}
		if len(l.sums)+l.small < 20 {
			t.Errorf("%s: only %d pictures", l.name, len(l.sums))
		}
		switch {
		case wrong > 0 && complete:
			t.Errorf("%s: %d pictures are not the sender's", l.name, wrong)
		case wrong > 0:
			testdata.Missing(t, "%s: %d pictures are not known: the machine is too busy for a viewer without loss", l.name, wrong)
		}
	}
	if again == 0 {
		t.Error("nothing was lost and sent again")
	}
	t.Logf("%d frames were built on a reference", mended)
}
