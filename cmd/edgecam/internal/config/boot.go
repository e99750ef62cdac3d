package config

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"

	"github.com/edgecam/edgecam/provisioning/enrol"
)

// Boot is the file edgecam.json on the boot partition, with which a board gets
// its first settings. All of it is optional; what is left out stays as it is.
type Boot struct {
	Hostname    string   `yaml:"hostname" doc:"name of the machine: the page is then at https://NAME.local:8443/"`
	WiFi        BootWiFi `yaml:"wifi" doc:"wireless network"`
	SSHKeys     []string `yaml:"ssh_keys" doc:"public keys for root; without them SSH is off"`
	OwnerSecret string   `yaml:"owner_secret" doc:"claim secret of the fleet; removed from the file once it is stored" secret:"true"`
	Site        BootSite `yaml:"site" doc:"site.json of the fleet's authority"`
	Config      Config   `yaml:"config" doc:"the node's configuration, with the keys of edgecam.yaml"`
}

// BootWiFi is a wireless network.
type BootWiFi struct {
	Country  string `yaml:"country" doc:"two letters, for the channels that are allowed; 00: those that are allowed everywhere"`
	SSID     string `yaml:"ssid" doc:"name of the network"`
	Password string `yaml:"password" doc:"8 to 63 characters; empty: an open network; removed from the file once it is stored" secret:"true"`
}

// BootSite is a site file.
type BootSite struct {
	Version     int    `yaml:"v" doc:"1"`
	Broker      string `yaml:"broker" doc:"tls://HOST:PORT"`
	Root        string `yaml:"root" doc:"root certificate in PEM"`
	CommandRoot string `yaml:"command_root" doc:"public key of the offline command root"`
	ClaimCert   string `yaml:"claim_cert" doc:"claim certificate in PEM"`
	ClaimKey    string `yaml:"claim_key" doc:"claim key in PEM; removed from the file once it is stored" secret:"true"`
	OwnerKey    string `yaml:"owner_key" doc:"public key for which pictures are sealed"`
	Plain       bool   `yaml:"plain_pictures" doc:"pictures go to the fleet as they are"`
}

// SitePath is where the boot file's site is put.
const SitePath = "/etc/edgecam/site.json"

// BootSchema returns the JSON schema (draft 2020-12) of the boot file.
func BootSchema() []byte {
	root := schemaOf(reflect.ValueOf(Boot{Config: *Defaults()}), fieldTag{doc: "first settings of an edgecam board"})
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "edgecam.json"
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil { // maps of strings, numbers and lists always marshal
		panic(err)
	}
	return append(out, '\n')
}

// maxBootDepth bounds the nesting of a boot file; a real one has four levels.
const maxBootDepth = 16

var (
	validHostname = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	validCountry  = regexp.MustCompile(`^([A-Z]{2}|00)$`)
	validSSHKey   = regexp.MustCompile(`^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+=*( [ -~]*)?$`)
)

// ParseBoot reads and checks a boot file; name is for messages. The error is
// Problems, with everything that is wrong.
func ParseBoot(name string, data []byte) (*Boot, error) {
	d := document{source: name}
	b := &Boot{Config: *Defaults()}
	switch {
	case len(data) > maxFileSize:
		d.problem("", position{}, "is %d bytes long, the limit is %d", len(data), maxFileSize)
	case nesting(data) > maxBootDepth:
		d.problem("", position{}, "is nested deeper than %d levels", maxBootDepth)
	case !json.Valid(data):
		d.problem("", jsonFault(data), "is not JSON; text is in \"quotes\", and a comma stands between entries but not after the last")
	default:
		d.applyTo(reflect.ValueOf(b).Elem(), data)
	}
	if len(d.problems) == 0 {
		for _, p := range b.validate() {
			at := d.positions[p.Key]
			p.Source, p.Line, p.Column = name, at.line, at.column
			d.problems = append(d.problems, p)
		}
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, d.problems
	}
	return b, nil
}

func (b *Boot) validate() Problems {
	p := b.Config.Validate().under("config")
	if b.Hostname != "" && !validHostname.MatchString(b.Hostname) {
		p.add("hostname", "is %q, must have small letters, digits, and hyphens inside", b.Hostname)
	}
	w := b.WiFi
	switch n := len(w.Password); {
	case w.SSID == "" && (w.Password != "" || w.Country != ""):
		p.add("wifi.ssid", "is missing")
	case len(w.SSID) > 32 || strings.ContainsAny(w.SSID, "\x00\n\r"):
		p.add("wifi.ssid", "must have at most 32 bytes, on one line")
	case w.SSID != "" && !validCountry.MatchString(w.Country):
		p.add("wifi.country", "is %q, must be two capital letters such as DE, or 00", w.Country)
	case n > 0 && (n < 8 || n > 63) || strings.ContainsFunc(w.Password, func(r rune) bool { return r < 32 || r > 126 }):
		p.add("wifi.password", "must have 8 to 63 ASCII characters")
	}
	for _, k := range b.SSHKeys {
		if !validSSHKey.MatchString(k) {
			p.add("ssh_keys", "holds what is no public key; give lines such as 'ssh-ed25519 AAAA… name'")
		}
	}
	if n := len(b.OwnerSecret); n > 0 && (n < 12 || strings.ContainsAny(b.OwnerSecret, "\n\r")) {
		p.add("owner_secret", "has %d characters, must have at least 12 on one line", n)
	}
	return p
}

// CheckSite returns the problem of a site, as JSON.
func CheckSite(name string, site []byte) error {
	if _, err := enrol.ParseSite(site); err != nil {
		return Problems{{Key: "site", Message: err.Error(), Source: name}}
	}
	return nil
}

// nesting returns how deep objects and lists are nested.
func nesting(data []byte) int {
	level, deepest, inString, escaped := 0, 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped = c == '\\'
			inString = c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// jsonFault returns where JSON text is wrong.
func jsonFault(data []byte) position {
	var v any
	offset := len(data)
	var se *json.SyntaxError
	if errors.As(json.Unmarshal(data, &v), &se) {
		offset = min(int(se.Offset), len(data))
	}
	before := string(data[:offset])
	line := strings.Count(before, "\n") + 1
	return position{line, max(len([]rune(before[strings.LastIndex(before, "\n")+1:])), 1)}
}

// ScrubBoot returns a boot file without its secrets, indented, for people.
func ScrubBoot(data []byte) ([]byte, error) {
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, Problems{{Message: err.Error()}}
	}
	scrub(v, reflect.TypeFor[Boot]())
	out, err := json.MarshalIndent(v, "", "  ")
	return append(out, '\n'), err
}

func scrub(v map[string]any, t reflect.Type) {
	for i := range t.NumField() {
		tag := tagOf(t.Field(i))
		if tag.secret {
			delete(v, tag.key)
		}
		if below, ok := v[tag.key].(map[string]any); ok && t.Field(i).Type.Kind() == reflect.Struct {
			scrub(below, t.Field(i).Type)
		}
	}
	// A list of servers may hold passwords in its entries.
	if webrtc, ok := v["webrtc"].(map[string]any); ok {
		delete(webrtc, "ice_servers")
	}
}
