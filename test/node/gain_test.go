package node

import (
	"testing"
	"time"

	"github.com/edgecam/edgecam/hal/sim"

	"github.com/edgecam/edgecam/engine"
)

// TestAnalogGainFollows: a visitor who is hardly heard makes the node turn the
// card's own gain up, one that clips turns it down.
func TestAnalogGainFollows(t *testing.T) {
	if testing.Short() {
		t.Skip("listens for several seconds")
	}
	for _, c := range []struct {
		name      string
		levelDBFS float64
		moved     func(cB int) bool
	}{
		{"hardly heard", -50, func(cB int) bool { return cB >= 30 }},
		{"clipping", -6, func(cB int) bool { return cB <= -60 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, func(_ *engine.Config, b *bench) {
				b.sound = sim.NewSoundDriver(sim.SoundOptions{NoEcho: true, VoiceLevelDBFS: c.levelDBFS, NoiseLevelDBFS: -85})
			})
			v := join(t, b.url)
			v.watches("picture", 3, 20*time.Second)
			eventually(t, 20*time.Second, "the gain moves", func() bool {
				g := b.engine.VoiceStats().AnalogGainCB
				return g != nil && c.moved(*g)
			})
		})
	}
}
