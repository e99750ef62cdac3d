package broker

import (
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// forgetSlowly makes the library take its time between taking a client's
// subscriptions away and forgetting it, as a busy machine does.
type forgetSlowly struct {
	mqtt.HookBase
	by time.Duration
}

func (*forgetSlowly) ID() string { return "test-forget-slowly" }

func (*forgetSlowly) Provides(b byte) bool { return b == mqtt.OnUnsubscribed }

func (h *forgetSlowly) OnUnsubscribed(*mqtt.Client, packets.Packet) { time.Sleep(h.by) }

// ForgetSlowly does that from now on.
func (b *Broker) ForgetSlowly(by time.Duration) error {
	return b.server.AddHook(&forgetSlowly{by: by}, nil)
}
