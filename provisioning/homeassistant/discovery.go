// Package homeassistant shows the node to Home Assistant over MQTT: one
// retained message describes the device and its entities (MQTT device
// discovery), others carry their states.
//
// It has a connection of its own, so that it works with the broker that a home
// already has, and is not needed for anything else. What Home Assistant sends
// is not signed: the door's lock is announced only if the owner asks for it.
package homeassistant

import (
	"encoding/json"

	"github.com/edgecam/edgecam/provisioning/wire"
)

// Kinds of topics below ec1/d/ID/up/ha.
const (
	topicAvailable = "avty"
	topicRing      = "ring"
	topicMotion    = "motion"
	topicLock      = "lock"
	topicSnapshot  = "snap"
	topicTelemetry = "tel"
	topicUpdate    = "upd"
)

// Kinds of topics below ec1/d/ID/dn/ha.
const (
	cmdLock     = "lock"
	cmdSnapshot = "snap"
	cmdRing     = "ring"
	cmdReboot   = "reboot"
)

// Device says what is announced.
type Device struct {
	ID       string // node id
	Name     string
	Model    string
	Serial   string
	Software string
	URL      string // of the page, "" for none
	Lock     bool   // announce the door's lock
	Camera   bool   // announce a picture
	Reboot   bool   // announce the button that restarts the machine
}

// component is one entity, in Home Assistant's abbreviations.
type component map[string]any

// components returns the entities by id.
func (d Device) components() map[string]component {
	up := func(kind string) string { return wire.Up(d.ID, wire.UpHA) + "/" + kind }
	down := func(kind string) string { return wire.Down(d.ID, wire.DnHA) + "/" + kind }
	out := map[string]component{
		"ring":     {"p": "event", "name": "Doorbell", "dev_cla": "doorbell", "evt_typ": []string{"ring"}, "stat_t": up(topicRing)},
		"pressed":  {"p": "device_automation", "atype": "trigger", "t": up(topicRing), "type": "button_short_press", "stype": "button_1"},
		"motion":   {"p": "binary_sensor", "name": "Motion", "dev_cla": "motion", "stat_t": up(topicMotion), "off_dly": 10},
		"test":     {"p": "button", "name": "Ring test", "ent_cat": "diagnostic", "cmd_t": down(cmdRing)},
		"uptime":   {"p": "sensor", "name": "Uptime", "dev_cla": "duration", "unit_of_meas": "s", "ent_cat": "diagnostic", "stat_t": up(topicTelemetry), "val_tpl": "{{ value_json.uptime_s }}"},
		"viewers":  {"p": "sensor", "name": "Viewers", "ent_cat": "diagnostic", "stat_cla": "measurement", "stat_t": up(topicTelemetry), "val_tpl": "{{ value_json.viewers }}"},
		"streams":  {"p": "binary_sensor", "name": "Camera in use", "dev_cla": "running", "ent_cat": "diagnostic", "stat_t": up(topicTelemetry), "val_tpl": "{{ 'ON' if value_json.camera else 'OFF' }}"},
		"firmware": {"p": "update", "name": "Firmware", "dev_cla": "firmware", "ent_cat": "diagnostic", "stat_t": up(topicUpdate)},
	}
	if d.Camera {
		out["picture"] = component{"p": "image", "name": "Picture", "img_t": up(topicSnapshot), "cont_type": "image/jpeg"}
		out["take"] = component{"p": "button", "name": "Take a picture", "cmd_t": down(cmdSnapshot)}
	}
	if d.Lock {
		out["lock"] = component{"p": "lock", "name": "Door", "stat_t": up(topicLock), "cmd_t": down(cmdLock)}
	}
	if d.Reboot {
		out["reboot"] = component{"p": "button", "name": "Restart", "dev_cla": "restart", "ent_cat": "config", "cmd_t": down(cmdReboot)}
	}
	for id, c := range out {
		if c["p"] != "device_automation" {
			c["uniq_id"] = d.ID + "-" + id
		}
	}
	return out
}

// discovery returns the device's description. The components in gone are
// listed by their platform alone, which removes them.
func (d Device) discovery(gone map[string]string) []byte {
	all := d.components()
	for id, platform := range gone {
		if _, still := all[id]; !still {
			all[id] = component{"p": platform}
		}
	}
	device := map[string]any{"ids": []string{d.ID}, "name": d.Name, "mf": "edgecam", "sw": d.Software}
	for key, v := range map[string]string{"mdl": d.Model, "sn": d.Serial, "cu": d.URL} {
		if v != "" {
			device[key] = v
		}
	}
	return wire.Encode(map[string]any{
		"dev": device, "o": map[string]any{"name": "edgecam", "sw": d.Software, "url": "https://github.com/edgecam/edgecam"},
		"avty_t": wire.Up(d.ID, wire.UpHA) + "/" + topicAvailable, "qos": 1, "cmps": all,
	})
}

// platforms returns which entities there are, to know later which have gone.
func (d Device) platforms() map[string]string {
	out := map[string]string{}
	for id, c := range d.components() {
		p, _ := c["p"].(string)
		out[id] = p
	}
	return out
}

// UpdateState is what the entity "Firmware" shows.
type UpdateState struct {
	Installed  string `json:"installed_version"`
	Latest     string `json:"latest_version"`
	InProgress bool   `json:"in_progress"`
}

func ringPayload() []byte { return []byte(`{"event_type":"ring"}`) }

func telemetryPayload(m map[string]any) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		return nil
	}
	return b
}
