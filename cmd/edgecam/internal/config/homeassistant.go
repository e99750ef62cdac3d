package config

import (
	"net/url"
	"path/filepath"
	"strings"
)

// HomeAssistant is whether and how Home Assistant sees the node.
type HomeAssistant struct {
	Enabled  bool   `yaml:"enabled" doc:"announce the node to Home Assistant over MQTT; false takes back what was announced"`
	Broker   string `yaml:"broker" doc:"Home Assistant's broker, mqtt://HOST:1883 or mqtts://HOST:8883; empty: the fleet's"`
	Username string `yaml:"username" doc:"name at the broker"`
	Password string `yaml:"password" doc:"password at the broker" secret:"true"`
	CAFile   string `yaml:"ca_file" doc:"root certificate of an mqtts broker in PEM; empty: the system's"`
	Prefix   string `yaml:"prefix" doc:"prefix of discovery topics, as set in Home Assistant"`
	Pictures bool   `yaml:"pictures" doc:"send the picture of who rings, and others on request; whoever reads the broker sees them too"`
	Lock     bool   `yaml:"lock" doc:"let Home Assistant, and whoever may write to its broker, open the door"`
	Restart  bool   `yaml:"restart" doc:"let Home Assistant restart the machine"`
}

// Defaults returns a node that tells nobody.
func (HomeAssistant) Defaults() HomeAssistant {
	return HomeAssistant{Prefix: "homeassistant"}
}

// Validate returns the problems of the values.
func (h HomeAssistant) Validate() Problems {
	p := checkTags(h)
	if u, err := url.Parse(h.Broker); h.Broker != "" && (err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "mqtt" && u.Scheme != "mqtts") {
		p.add("broker", "is %q, must be like mqtt://homeassistant.local:1883, without name and password", h.Broker)
	}
	if h.CAFile != "" && !filepath.IsAbs(h.CAFile) {
		p.add("ca_file", "is %q, must be an absolute path", h.CAFile)
	}
	if h.Prefix == "" || strings.ContainsFunc(h.Prefix, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	}) {
		p.add("prefix", "is %q, must be letters, digits, _ and -", h.Prefix)
	}
	if h.Password != "" && h.Username == "" {
		p.add("username", "is missing beside the password")
	}
	return p
}
