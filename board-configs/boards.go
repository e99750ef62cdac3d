// Package boards is what edgecam knows of the boards it runs on: how each is
// recognised, what it has, and the configuration it starts from. The knowledge
// is in the JSON files beside this one, described by schema.json and embedded.
package boards

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed *.json
var files embed.FS

// Names of the boards that are not found by a device tree.
const (
	Generic   = "generic"   // what is not known otherwise
	Simulated = "simulated" // asked for by name only
)

// Board is one file. Zero fields mean that nothing is known or there is none.
type Board struct {
	Schema     string   `json:"$schema"`
	Name       string   `json:"name"`
	Title      string   `json:"title"`
	Compatible []string `json:"compatible"` // of the device tree's root, compared whole
	Cores      int      `json:"cores,omitempty"`
	Cameras    []Camera `json:"cameras"` // the simplest first
	SoundCards []string `json:"sound_cards"`
	GPIO       GPIO     `json:"gpio,omitzero"`
	Thermal    Thermal  `json:"thermal,omitzero"`
	Watchdog   Watchdog `json:"watchdog,omitzero"`
	Encoders   []Codec  `json:"encoders"`
	Notes      []string `json:"notes"`
	// Defaults are configuration values, as JSON, which is YAML too.
	Defaults json.RawMessage `json:"defaults"`
}

// Camera is a way to get pictures on a board.
type Camera struct {
	Backend string   `json:"backend"` // "v4l2", "rpicam", "argus" or "sim"
	Program string   `json:"program,omitempty"`
	Drivers []string `json:"drivers,omitempty"` // kernel drivers of its nodes, prefixes
}

// GPIO names the chips by label.
type GPIO struct {
	Chip  string   `json:"chip"`
	Lines int      `json:"lines,omitempty"`
	More  []string `json:"more,omitempty"`
}

// Thermal says where heat is read and what is too hot.
type Thermal struct {
	Zone        string  `json:"zone"` // type of the thermal zone
	SoftCelsius float64 `json:"soft_celsius"`
	HardCelsius float64 `json:"hard_celsius"`
	// ThrottleFlags is a file with bits in hexadecimal: 0 to 3 now (voltage low,
	// clock capped, throttled, soft limit), 16 to 19 since the start.
	ThrottleFlags string `json:"throttle_flags,omitempty"`
}

// Watchdog is the board's hardware watchdog.
type Watchdog struct {
	Device   string `json:"device"`
	LongestS int    `json:"longest_s,omitempty"` // seconds
}

// StatefulEncoder is the interface of encoders that are used: the kernel's, to which
// pictures are given and which gives coded frames.
const StatefulEncoder = "v4l2-m2m"

// Codec is a video encoder in hardware.
type Codec struct {
	Codec     string `json:"codec"`
	Driver    string `json:"driver"`
	Interface string `json:"interface"` // "v4l2-m2m" or "nvenc"
}

// Schema returns the JSON schema of a board file.
func Schema() []byte {
	b, err := files.ReadFile("schema.json")
	if err != nil {
		panic(err) // embedded
	}
	return b
}

// Names lists the boards.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // embedded
	}
	var names []string
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".json"); name != "schema" {
			names = append(names, name)
		}
	}
	return names
}

// Get returns the board with that name.
func Get(name string) (Board, error) {
	var b Board
	text, err := files.ReadFile(name + ".json")
	if err != nil || name == "schema" {
		return b, fmt.Errorf("boards: no board is called %q (known: %s)", name, strings.Join(Names(), ", "))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return b, fmt.Errorf("boards: %s: %w", name, err)
	}
	return b, nil
}

// compatiblePath is where a device tree's root says what the board is; /proc is
// not asked, which a hardened service does not see.
const compatiblePath = "sys/firmware/devicetree/base/compatible"

// maxCompatible bounds what is read of it.
const maxCompatible = 4096

// Detect recognises the board from the tree below root ("/" on the machine
// itself) and returns the entry that told, "" for Generic.
func Detect(root string) (b Board, entry string, err error) {
	list := Compatible(root)
	names := Names()
	for _, c := range list { // the most specific first
		for _, name := range names {
			b, err := Get(name)
			if err != nil {
				return b, "", err
			}
			if slices.Contains(b.Compatible, strings.TrimSuffix(c, "-super")) {
				return b, c, nil
			}
		}
	}
	b, err = Get(Generic)
	return b, "", err
}

// Compatible returns the device tree's list, nil without one.
func Compatible(root string) []string {
	text, err := os.ReadFile(filepath.Join(root, compatiblePath))
	if err != nil || len(text) > maxCompatible {
		return nil
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == 0 || r == '\n' })
}

// Backend returns the camera back end that serves nodes of a kernel driver, and
// whether the board is known to have one.
func (b Board) Backend(driver string) (Camera, bool) {
	for _, c := range b.Cameras {
		if slices.ContainsFunc(c.Drivers, func(p string) bool { return strings.HasPrefix(driver, p) }) {
			return c, true
		}
	}
	return Camera{}, false
}
