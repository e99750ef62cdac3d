// Package config holds the node's configuration: typed structs with defaults
// and checks, filled from layers in a fixed order,
//
//	defaults < board < file < provisioned < environment < flags,
//
// each value remembering which layer it came from. The file is YAML 1.2
// without anchors and aliases; none is needed. Unknown keys are errors with
// line, column and the nearest known key, and all problems are reported at
// once. A key "a.b" is the environment variable EDGECAM_A_B.
//
// The structs' tags are the single description of every key: yaml (name), doc,
// min, max, enum, secret. Checks, the JSON schema and "config show" read them.
package config

// DefaultPath is where the configuration file is looked for.
const DefaultPath = "/etc/edgecam/edgecam.yaml"

// Config is the whole configuration. A *Config handed out is not changed
// afterwards: a reload makes a new one.
type Config struct {
	Node          Node          `yaml:"node" doc:"who this node is"`
	Camera        Camera        `yaml:"camera" doc:"where the picture comes from"`
	Microphone    Microphone    `yaml:"microphone" doc:"where the sound comes from"`
	Speaker       Speaker       `yaml:"speaker" doc:"where callers are heard"`
	Video         Video         `yaml:"video" doc:"the video encoder"`
	Enhance       Enhance       `yaml:"enhance" doc:"what is done to the picture before it is coded"`
	Audio         Audio         `yaml:"audio" doc:"the voice path"`
	HTTP          HTTP          `yaml:"http" doc:"page, API, WHEP and metrics"`
	WebRTC        WebRTC        `yaml:"webrtc" doc:"media transport to viewers"`
	Uplink        Uplink        `yaml:"uplink" doc:"publishing to an SFU (WHIP)"`
	RTSP          RTSP          `yaml:"rtsp" doc:"output for recorders (RTSP)"`
	Lines         Lines         `yaml:"lines" doc:"button, motion sensor and door relay on GPIO lines"`
	Auth          Auth          `yaml:"auth" doc:"who may do what"`
	Sim           Sim           `yaml:"sim" doc:"the simulated sound card, for trials without hardware"`
	Fleet         Fleet         `yaml:"fleet" doc:"provisioning and control over MQTT"`
	HomeAssistant HomeAssistant `yaml:"home_assistant" doc:"Home Assistant's view of the node"`
	Update        Update        `yaml:"update" doc:"updates of the program"`
	Log           Log           `yaml:"log" doc:"the log on standard error"`
	StateDir      string        `yaml:"state_dir" doc:"folder for secrets and certificates; empty: /var/lib/edgecam, or ~/.local/state/edgecam for a user who may not write there"`
}

// Defaults returns the configuration of a node that was told nothing.
func Defaults() *Config {
	return &Config{
		Node:          Node{}.Defaults(),
		Camera:        Camera{}.Defaults(),
		Microphone:    Microphone{}.Defaults(),
		Speaker:       Speaker{}.Defaults(),
		Video:         Video{}.Defaults(),
		Enhance:       Enhance{}.Defaults(),
		Audio:         Audio{}.Defaults(),
		HTTP:          HTTP{}.Defaults(),
		WebRTC:        WebRTC{}.Defaults(),
		Uplink:        Uplink{}.Defaults(),
		RTSP:          RTSP{}.Defaults(),
		Lines:         Lines{}.Defaults(),
		Auth:          Auth{}.Defaults(),
		Sim:           Sim{}.Defaults(),
		Fleet:         Fleet{}.Defaults(),
		HomeAssistant: HomeAssistant{}.Defaults(),
		Update:        Update{}.Defaults(),
		Log:           Log{}.Defaults(),
	}
}

// Validate returns every problem of the values, nil if there is none. The keys
// of the problems are full paths; positions are not known here.
func (c *Config) Validate() Problems {
	var all Problems
	for _, part := range []struct {
		key string
		p   Problems
	}{
		{"node", c.Node.Validate()},
		{"camera", c.Camera.Validate()},
		{"microphone", c.Microphone.Validate()},
		{"speaker", c.Speaker.Validate()},
		{"video", c.Video.Validate()},
		{"enhance", c.Enhance.Validate()},
		{"audio", c.Audio.Validate()},
		{"http", c.HTTP.Validate()},
		{"webrtc", c.WebRTC.Validate()},
		{"uplink", c.Uplink.Validate()},
		{"rtsp", c.RTSP.Validate()},
		{"lines", c.Lines.Validate()},
		{"auth", c.Auth.Validate()},
		{"sim", c.Sim.Validate()},
		{"fleet", c.Fleet.Validate()},
		{"home_assistant", c.HomeAssistant.Validate()},
		{"update", c.Update.Validate()},
		{"log", c.Log.Validate()},
	} {
		all = append(all, part.p.under(part.key)...)
	}
	return all
}
