package homeassistant

import (
	"context"
	"testing"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// FuzzHandle sends any bytes on any topic below the node's: without the owner's
// leave the door stays shut and the machine runs on, whatever comes.
func FuzzHandle(f *testing.F) {
	f.Add("lock", []byte("OPEN"), false)
	f.Add("reboot", []byte("PRESS"), false)
	f.Add("snap", []byte("PRESS"), true)
	f.Add("#unlock", []byte{}, false)
	f.Add("", []byte("online"), false)
	opened := 0
	b, err := New(Options{
		Device:   Device{ID: id, Name: "Front door", Camera: true},
		Endpoint: func(context.Context) (client.Endpoint, error) { return client.Endpoint{}, client.ErrOffline },
		FS:       durable.NewMemory(), Backoff: fast,
		Snapshot: func(context.Context) ([]byte, error) { return []byte("\xff\xd8"), nil },
		RingTest: func() {},
		OpenDoor: func(context.Context) error { opened++; return nil },
		Reboot:   func() { opened++ },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sub string, payload []byte, retained bool) {
		topic := b.status
		if sub != "" {
			topic = wire.Down(id, wire.DnHA) + "/" + sub
		}
		b.handle(client.Received{Topic: topic, Payload: payload, Retained: retained})
		for {
			select {
			case j := <-b.work:
				b.do(t.Context(), j)
				continue
			default:
			}
			break
		}
		if opened > 0 {
			t.Fatalf("%q %q opened the door or restarted the machine", topic, payload)
		}
	})
}
