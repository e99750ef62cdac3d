package config

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/session/nat"
)

// HTTP is the web server's share of the configuration.
type HTTP struct {
	Listen         string   `yaml:"listen" doc:"address of plain HTTP: served in full on loopback, a redirect to HTTPS elsewhere; empty: off"`
	HTTPSListen    string   `yaml:"https_listen" doc:"address of HTTPS; empty: off"`
	TLSCert        string   `yaml:"tls_cert" doc:"PEM file with the certificate chain; empty: one is made in state_dir"`
	TLSKey         string   `yaml:"tls_key" doc:"PEM file with the certificate's key"`
	Hosts          []string `yaml:"hosts" doc:"further host names for the certificate that is made"`
	FrameAncestors []string `yaml:"frame_ancestors" doc:"origins whose pages may embed the viewer page in a frame, such as https://home.example; empty: none"`
	AllowedOrigins []string `yaml:"allowed_origins" doc:"origins whose pages may use WHEP with a token; * is any"`
	Announce       bool     `yaml:"announce" doc:"tell the local network by multicast DNS where the page is, as _edgecam._tcp; 'edgecam find' lists the nodes"`
	MaxConnections int      `yaml:"max_connections" doc:"connections served at once" min:"8" max:"4096"`
}

// Defaults returns plain HTTP on port 8080 and HTTPS on port 8443.
func (HTTP) Defaults() HTTP {
	return HTTP{Listen: ":8080", HTTPSListen: ":8443", Announce: true, AllowedOrigins: []string{"*"}, MaxConnections: 256}
}

// Validate returns the problems of the values.
func (h HTTP) Validate() Problems {
	p := checkTags(h)
	p.address("listen", h.Listen)
	p.address("https_listen", h.HTTPSListen)
	if h.Listen == "" && h.HTTPSListen == "" {
		p.add("listen", "and https_listen are both empty: nothing would be served")
	}
	if h.Listen != "" && h.Listen == h.HTTPSListen && !strings.HasSuffix(h.Listen, ":0") {
		p.add("https_listen", "is the same address as listen")
	}
	if (h.TLSCert == "") != (h.TLSKey == "") {
		p.add("tls_cert", "and tls_key go together: give both or neither")
	}
	for _, list := range []struct {
		key     string
		origins []string
	}{{"frame_ancestors", h.FrameAncestors}, {"allowed_origins", h.AllowedOrigins}} {
		for i, o := range list.origins {
			if o == "*" && list.key == "allowed_origins" {
				continue
			}
			u, err := url.Parse(o)
			if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Path != "" || u.RawQuery != "" || strings.ContainsAny(o, "; \t,'\"") {
				p.add(list.key+"["+strconv.Itoa(i)+"]", "is %q, which is not an origin such as https://home.example", o)
			}
		}
	}
	return p
}

func (p *Problems) address(key, addr string) {
	if addr == "" {
		return
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		p.add(key, "is %q, must be HOST:PORT or :PORT", addr)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		p.add(key, "has port %q, must be 0 to 65535", port)
	}
	if strings.ContainsAny(host, " /") {
		p.add(key, "has host %q, must be a name or an address", host)
	}
}

// WebRTC is the media transport's share of the configuration.
type WebRTC struct {
	UDPPort     int         `yaml:"udp_port" doc:"UDP port of all media; 0: any free one" min:"0" max:"65535"`
	ICETCP      bool        `yaml:"ice_tcp" doc:"accept media over TCP on the same port number, for networks without UDP"`
	ICEServers  []ICEServer `yaml:"ice_servers" doc:"STUN and TURN servers; none by default"`
	TURNCAFile  string      `yaml:"turn_ca_file" doc:"certificates in PEM of the authorities that TURN servers with TLS (turns:) must have theirs of; empty: the system's"`
	RelayWaitMS int         `yaml:"relay_wait_ms" doc:"how long an answer waits for the node's own address at a TURN server of ice_servers; 0: the node itself uses none, viewers still do" min:"0" max:"5000"`
	MDNS        string      `yaml:"mdns" doc:"names that browsers give instead of their addresses (.local): off (not looked up, a viewer in the same network still connects), query, query-and-gather (the node hides its own addresses too)" enum:"off|query|query-and-gather"`
	PublicIPs   []string    `yaml:"public_ips" doc:"addresses to announce instead of the interfaces' own, behind a 1:1 NAT"`
	VoiceCodecs []string    `yaml:"voice_codecs" doc:"voice codecs that are spoken with viewers, the preferred first: opus, isac32, isac16, g722, ilbc30, ilbc20, pcmu, pcma; empty: all, in this order"`
	MaxViewers  int         `yaml:"max_viewers" doc:"viewers served at once" min:"1" max:"1000"`
}

// voiceCodecs are the names of the session's voice codecs.
var voiceCodecs = func() []string {
	var names []string
	for _, n := range codec.Names() {
		names = append(names, string(n))
	}
	return names
}()

// ICEServer is a STUN or TURN server.
type ICEServer struct {
	URLs       []string `yaml:"urls" doc:"such as stun:stun.example:3478 or turn:turn.example:3478?transport=udp"`
	Username   string   `yaml:"username" doc:"TURN user name"`
	Credential string   `yaml:"credential" doc:"TURN password" secret:"true"`
	Secret     string   `yaml:"secret" doc:"in place of both, the secret shared with the TURN server (static-auth-secret): everybody gets credentials that expire" secret:"true"`
}

// Defaults returns one UDP port, 8555, and no outside server.
func (WebRTC) Defaults() WebRTC {
	return WebRTC{UDPPort: 8555, ICETCP: true, MaxViewers: 50, RelayWaitMS: 1000, MDNS: "off"}
}

// Validate returns the problems of the values.
func (w WebRTC) Validate() Problems {
	p := checkTags(w)
	if w.TURNCAFile != "" && !filepath.IsAbs(w.TURNCAFile) {
		p.add("turn_ca_file", "is %q, must be an absolute path", w.TURNCAFile)
	}
	for i, s := range w.ICEServers {
		p = append(p, s.Validate().under("ice_servers["+strconv.Itoa(i)+"]")...)
	}
	for i, name := range w.VoiceCodecs {
		if !slices.Contains(voiceCodecs, name) {
			p.add("voice_codecs["+strconv.Itoa(i)+"]", "is %q, must be one of %s%s", name, strings.Join(voiceCodecs, ", "), didYouMean(name, voiceCodecs))
		} else if slices.Contains(w.VoiceCodecs[:i], name) {
			p.add("voice_codecs["+strconv.Itoa(i)+"]", "names %q twice", name)
		}
	}
	for i, ip := range w.PublicIPs {
		if _, err := netip.ParseAddr(ip); err != nil {
			p.add("public_ips["+strconv.Itoa(i)+"]", "is %q, which is not an IP address", ip)
		}
	}
	return p
}

// Validate returns the problems of the values.
func (s ICEServer) Validate() Problems {
	var p Problems
	if len(s.URLs) == 0 {
		p.add("urls", "is empty")
	}
	if s.Secret != "" && (s.Username != "" || s.Credential != "") {
		p.add("secret", "stands in place of username and credential: give one or the other")
	}
	for i, u := range s.URLs {
		key := "urls[" + strconv.Itoa(i) + "]"
		scheme, rest, _ := strings.Cut(u, ":")
		switch scheme {
		case "stun", "stuns":
		case "turn", "turns":
			if s.Secret == "" && (s.Username == "" || s.Credential == "") {
				p.add("username", "and credential are needed for %s, or secret", u)
			}
		default:
			p.add(key, "is %q, must begin with stun:, stuns:, turn: or turns:", u)
			continue
		}
		if rest == "" || strings.HasPrefix(rest, "//") {
			p.add(key, "is %q, must be like %s:HOST:PORT", u, scheme)
		} else if _, err := nat.ParseURI(u); err != nil {
			p.add(key, "%v", err)
		}
		if i > 0 && strings.HasPrefix(scheme, "turn") != strings.HasPrefix(s.URLs[0], "turn") {
			p.add(key, "is %q: STUN and TURN servers are separate entries", u)
		}
	}
	return p
}
