package app

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/provisioning/command"
)

func TestUplinkCommand(t *testing.T) {
	n := &node{cfg: config.Defaults()}
	f := &fleet{app: n}
	n.cfg.Uplink.URL = "https://sfu.example/door/whip"
	for _, c := range []struct {
		start, args string
		on, ok      bool
	}{
		{"always", `{"on":true}`, false, false},
		{"command", `{}`, false, false},
		{"command", `{"off":true}`, false, false},
		{"command", `{"on":true}`, true, true},
		{"viewers", `{"on":false}`, false, true},
	} {
		n.cfg.Uplink.Start = c.start
		_, err := f.uplinkCommand(context.Background(), command.Call{Args: json.RawMessage(c.args)})
		if (err == nil) != c.ok || n.uplinkAsked.Load() != c.on {
			t.Errorf("%+v: %v, %v", c, err, n.uplinkAsked.Load())
		}
	}
}
