package homeassistant

import (
	"fmt"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
)

// TestBirthJitter: when Home Assistant starts, a house full of nodes announces
// itself again once each, spread over the jitter and not at one moment.
func TestBirthJitter(t *testing.T) {
	const many, jitter = 12, 3 * time.Second
	h := mosquitto(t)
	ha := newHome(t, h.home, "core")
	topics := make([]string, many)
	for i := range many {
		d := &door{}
		o := d.options(h.node, durable.NewMemory(), false)
		o.Device.ID, o.Jitter = fmt.Sprintf("ec-%016x", i+1), jitter
		topics[i] = "homeassistant/device/" + o.Device.ID + "/config"
		defer d.start(t, o)()
	}
	within(t, "the first descriptions", func() bool {
		for _, topic := range topics {
			if len(ha.got(topic)) != 1 {
				return false
			}
		}
		return true
	})
	began := time.Now()
	ha.send(t, "homeassistant/status", "online", false)
	came := map[string]time.Duration{}
	within(t, "the second descriptions", func() bool {
		for _, topic := range topics {
			if _, ok := came[topic]; !ok && len(ha.got(topic)) == 2 {
				came[topic] = time.Since(began)
			}
		}
		return len(came) == many
	})
	first, last := time.Hour, time.Duration(0)
	for _, at := range came {
		first, last = min(first, at), max(last, at)
	}
	// Twelve moments out of three seconds are within one third of them once in 50,000 times.
	if last-first < jitter/3 {
		t.Errorf("from %v to %v of %v", first, last, jitter)
	}
	for _, topic := range topics {
		if n := len(ha.got(topic)); n != 2 {
			t.Errorf("%s: %d descriptions", topic, n)
		}
	}
}
