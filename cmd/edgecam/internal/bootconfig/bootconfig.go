// Package bootconfig takes a board's first settings from the file edgecam.json
// on the boot partition, which any computer can write. The file is checked as a
// whole, its parts are stored durably, and only then it is overwritten and
// removed; what it said, without secrets, stays in edgecam.json.done. A power
// cut at any point leaves either the whole file or everything stored.
package bootconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/internal/durable"
)

// Names of what is stored.
const (
	ConfigFile   = "edgecam.yaml"
	SiteFile     = "site.json"
	SecretFile   = "owner_secret"
	WiFiFile     = "wifi.conf"
	HostnameFile = "hostname"
	SSHFile      = "authorized_keys"
)

// DoneSuffix ends the name of what stays of a file that was taken.
const DoneSuffix = ".done"

// Apply takes the file name in from and stores its parts in into. It returns
// the names of what was stored; none if there is no such file.
func Apply(from durable.FS, name string, into durable.FS) ([]string, error) {
	data, err := from.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bootconfig: %w", err)
	}
	// Zeros at the begin are what a removal that was cut short leaves: all is
	// stored. (Text in UTF-16 has single ones.)
	if bytes.HasPrefix(data, []byte{0, 0}) {
		if _, err := from.ReadFile(name + DoneSuffix); err == nil {
			return nil, durable.Erase(from, name)
		}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // editors of other systems begin with it
	names, err := Store(name, data, into)
	if err != nil {
		return nil, err
	}
	done, err := config.ScrubBoot(data)
	if err != nil {
		return nil, fmt.Errorf("bootconfig: %w", err)
	}
	if err := durable.Replace(from, name+DoneSuffix, done); err != nil {
		return nil, fmt.Errorf("bootconfig: %w", err)
	}
	return names, durable.Erase(from, name)
}

// Store checks settings that came as text, from a source called name in
// messages, and stores their parts in into. It returns the names of what was
// stored.
func Store(name string, data []byte, into durable.FS) ([]string, error) {
	parts, err := split(name, data)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(parts))
	for _, part := range names {
		if err := durable.Replace(into, part, parts[part]); err != nil {
			return nil, fmt.Errorf("bootconfig: %w", err)
		}
	}
	return names, nil
}

// split checks a boot file and returns what to store, by name.
func split(name string, data []byte) (map[string][]byte, error) {
	b, err := config.ParseBoot(name, data)
	if err != nil {
		return nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("bootconfig: %w", err)
	}
	parts := map[string][]byte{}
	if site, ok := raw["site"]; ok {
		if err := config.CheckSite(name, site); err != nil {
			return nil, err
		}
		parts[SiteFile] = append(bytes.Clone(site), '\n')
	}
	if text, ok := raw["config"]; ok || raw["site"] != nil {
		var c map[string]any
		if err := json.Unmarshal(text, &c); ok && err != nil {
			return nil, fmt.Errorf("bootconfig: %w", err)
		}
		if parts[ConfigFile], err = configText(c, raw["site"] != nil); err != nil {
			return nil, err
		}
	}
	if b.OwnerSecret != "" {
		parts[SecretFile] = []byte(b.OwnerSecret + "\n")
	}
	if b.WiFi.SSID != "" {
		parts[WiFiFile] = wifiText(b.WiFi)
	}
	if b.Hostname != "" {
		parts[HostnameFile] = []byte(b.Hostname + "\n")
	}
	for _, k := range b.SSHKeys {
		parts[SSHFile] = append(parts[SSHFile], k+"\n"...)
	}
	return parts, nil
}

// configText returns the node's configuration as JSON, which is YAML too. With
// a site it names the site's file, unless it names one itself.
func configText(c map[string]any, site bool) ([]byte, error) {
	if c == nil {
		c = map[string]any{}
	}
	if site {
		fleet, ok := c["fleet"].(map[string]any)
		if !ok {
			fleet = map[string]any{}
			c["fleet"] = fleet
		}
		if _, named := fleet["site_file"]; !named {
			fleet["site_file"] = config.SitePath
		}
	}
	out, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("bootconfig: %w", err)
	}
	return append(out, '\n'), nil
}

// wifiText returns a network block for wpa_supplicant. The name is in hex, so
// that nothing in it can end the line.
func wifiText(w config.BootWiFi) []byte {
	key := "key_mgmt=NONE"
	if w.Password != "" {
		// The file's strings have no escapes: what stands between the outer
		// quotes is taken as it is.
		key = "psk=\"" + w.Password + "\""
	}
	return fmt.Appendf(nil, "country=%s\nnetwork={\n\tssid=%x\n\t%s\n}\n", w.Country, w.SSID, key)
}
