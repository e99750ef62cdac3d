package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// local are keys that a fleet must not set. What is desired is not signed, so
// whoever runs the broker could lock the owner out or read files with them
// (state_dir, fleet, auth, update), have the picture or the door's key sent to
// himself (home_assistant, uplink, rtsp), or open the door by turning the relay's
// level round (lines).
var local = []string{"state_dir", "fleet", "auth", "update", "home_assistant", "uplink", "rtsp", "lines"}

// check says what is wrong with a provisioned configuration: keys that are not
// the fleet's, what the schema refuses, devices that are not there.
func (f *fleet) check(provisioned []byte) (faults []wire.Fault) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(provisioned, &top); err != nil {
		return []wire.Fault{{Code: "format", Message: err.Error()}}
	}
	for _, key := range local {
		if _, ok := top[key]; ok {
			faults = append(faults, wire.Fault{Path: key, Code: "forbidden", Message: "can be set on the node only"})
		}
	}
	if faults != nil {
		return faults
	}
	l, err := f.app.o.Load(provisioned)
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		for _, p := range problems {
			faults = append(faults, wire.Fault{Path: p.Key, Code: "schema", Message: p.Message})
		}
		return faults
	case err != nil:
		return []wire.Fault{{Code: "schema", Message: err.Error()}}
	}
	return f.reality(l.Config)
}

// reality checks that sources which differ from the present ones exist.
func (f *fleet) reality(cfg *config.Config) (faults []wire.Fault) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	inv, err := Devices(ctx, cfg, f.app.log)
	if err != nil {
		return []wire.Fault{{Code: "reality", Message: err.Error()}}
	}
	missing := func(path, source string, exists func(config.Source) bool) {
		src, err := config.ParseSource(source)
		if err == nil && src.Kind == "file" {
			_, err = os.Stat(src.Arg)
		} else if err == nil && (src.Kind == "v4l2" || src.Kind == "alsa") && !exists(src) {
			err = fmt.Errorf("there is no %s on this node", source)
		}
		if err != nil {
			faults = append(faults, wire.Fault{Path: path, Code: "reality", Message: err.Error()})
		}
	}
	missing("camera.source", cfg.Camera.Source, func(s config.Source) bool {
		for _, c := range inv.Cameras {
			if c.ID == s.Arg {
				return true
			}
		}
		return false
	})
	card := func(s config.Source) bool {
		for _, c := range inv.Cards {
			if c.ID == s.Arg {
				return true
			}
		}
		return false
	}
	if cfg.Microphone.Enabled {
		missing("microphone.source", cfg.Microphone.Source, card)
	}
	if cfg.Speaker.Enabled {
		missing("speaker.source", cfg.Speaker.Source, card)
	}
	return faults
}
