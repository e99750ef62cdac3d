package config

import "net/url"

// Uplink is a server that passes picture and sound on, for more viewers than the
// node's own network carries.
type Uplink struct {
	URL     string `yaml:"url" doc:"WHIP endpoint of an SFU, such as https://sfu.example/door/whip; empty: none"`
	Token   string `yaml:"token" doc:"bearer token for the endpoint" secret:"true"`
	Start   string `yaml:"start" doc:"when the node publishes: always, viewers (while at least uplink.viewers watch the node itself), or command (when the fleet says so)" enum:"always|viewers|command"`
	Viewers int    `yaml:"viewers" doc:"with start viewers: how many have to watch" min:"1" max:"1000"`
}

// Defaults returns no uplink.
func (Uplink) Defaults() Uplink { return Uplink{Start: "always", Viewers: 4} }

// Validate returns the problems of the values.
func (u Uplink) Validate() Problems {
	p := checkTags(u)
	if u.URL == "" {
		return p
	}
	if at, err := url.Parse(u.URL); err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" || at.User != nil {
		p.add("url", "is %q, must be like https://sfu.example/door/whip, without name and password", u.URL)
	} else if at.Scheme == "http" && u.Token != "" && !loopbackHost(at.Hostname()) {
		p.add("url", "is %q: a token is sent over https only", u.URL)
	}
	return p
}

func loopbackHost(h string) bool { return h == "localhost" || h == "127.0.0.1" || h == "::1" }
