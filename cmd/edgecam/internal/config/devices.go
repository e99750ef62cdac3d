package config

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"
)

// Node identifies the node.
type Node struct {
	Name string `yaml:"name" doc:"name shown on the page; empty: the host name"`
}

// Defaults returns the values of a node that was told nothing.
func (Node) Defaults() Node { return Node{} }

// Validate returns the problems of the values.
func (n Node) Validate() Problems {
	var p Problems
	if len(n.Name) > 64 {
		p.add("name", "is %d bytes long, the limit is 64", len(n.Name))
	}
	if strings.ContainsFunc(n.Name, unicode.IsControl) {
		p.add("name", "contains control characters")
	}
	return p
}

// Display returns the name, or the host name if none was given.
func (n Node) Display() string {
	if n.Name != "" {
		return n.Name
	}
	if h, err := os.Hostname(); err == nil && h != "" {
		return h
	}
	return "edgecam"
}

// Camera says where the picture comes from.
type Camera struct {
	Source   string `yaml:"source" doc:"auto (the first that is there, also if it comes later), sim, v4l2:ID (see 'edgecam devices'), rpicam or argus (a sensor behind the camera stack; rpicam:1 is the second) or file:PATH (.y4m, .ivf, .mp4)"`
	Width    int    `yaml:"width" doc:"picture width in pixels; the camera's nearest is taken" min:"16" max:"3840"`
	Height   int    `yaml:"height" doc:"picture height in pixels" min:"16" max:"2160"`
	FPS      int    `yaml:"fps" doc:"frames per second" min:"1" max:"120"`
	Crop     string `yaml:"crop" doc:"part of the sensor's picture that the camera reads out, where it can: X,Y,WIDTH,HEIGHT in hundredths; empty: all. enhance.crop cuts what any camera gives"`
	KeepOpen bool   `yaml:"keep_open" doc:"keep the camera running without viewers, so that a new one sees a picture at once"`
}

// Defaults returns 640x480 at 30 frames per second from the first camera.
func (Camera) Defaults() Camera {
	return Camera{Source: "auto", Width: 640, Height: 480, FPS: 30}
}

// Validate returns the problems of the values.
func (c Camera) Validate() Problems {
	p := checkTags(c)
	p.source("source", c.Source, "v4l2")
	if _, err := parseRect(c.Crop); err != nil {
		p.add("crop", "%v", err)
	}
	return p
}

// CropRect returns the crop's x, y, width and height as parts of the sensor's
// picture; all zero without one.
func (c Camera) CropRect() (rect [4]float32, err error) { return parseRect(c.Crop) }

// Microphone says where the sound comes from.
type Microphone struct {
	Source  string `yaml:"source" doc:"auto, sim, alsa:CARD (see 'edgecam devices') or file:PATH.wav"`
	Enabled bool   `yaml:"enabled" doc:"false sends no sound"`
}

// Defaults returns the first sound card.
func (Microphone) Defaults() Microphone { return Microphone{Source: "auto", Enabled: true} }

// Validate returns the problems of the values.
func (m Microphone) Validate() Problems {
	var p Problems
	p.source("source", m.Source, "alsa")
	return p
}

// Speaker says where callers are heard.
type Speaker struct {
	Source  string `yaml:"source" doc:"auto, sim, alsa:CARD"`
	Enabled bool   `yaml:"enabled" doc:"false switches talk-back off"`
}

// Defaults returns the first sound card.
func (Speaker) Defaults() Speaker { return Speaker{Source: "auto", Enabled: true} }

// Validate returns the problems of the values.
func (s Speaker) Validate() Problems {
	var p Problems
	p.source("source", s.Source, "alsa")
	if src, err := ParseSource(s.Source); err == nil && src.Kind == "file" {
		p.add("source", "is %q, but a file cannot play sound; use auto, sim or alsa:CARD", s.Source)
	}
	return p
}

// Source is a parsed camera, microphone or speaker source.
type Source struct {
	Kind string // "auto", "sim", "v4l2", "rpicam", "argus", "alsa" or "file"
	Arg  string // device ID, sensor number or path; empty with auto and sim
}

// String returns the source as it is written.
func (s Source) String() string {
	if s.Arg == "" {
		return s.Kind
	}
	return s.Kind + ":" + s.Arg
}

// ParseSource splits a source such as "v4l2:/dev/video0". A bare device node
// ("/dev/video0") or file name ("clip.y4m", with a slash or a dot in it) needs
// no prefix.
func ParseSource(s string) (Source, error) {
	kind, arg, found := strings.Cut(s, ":")
	switch {
	case s == "auto" || s == "sim" || s == "rpicam" || s == "argus":
		return Source{Kind: s}, nil
	case found && (kind == "v4l2" || kind == "alsa" || kind == "file"):
		if arg == "" {
			return Source{}, fmt.Errorf("config: source %q names nothing after the colon", s)
		}
		return Source{kind, arg}, nil
	case found && (kind == "rpicam" || kind == "argus"):
		if n, err := strconv.Atoi(arg); err != nil || n < 0 || n > 15 {
			return Source{}, fmt.Errorf("config: source %q: behind the colon stands the sensor's number, 0 to 15", s)
		}
		return Source{kind, arg}, nil
	case strings.HasPrefix(s, "/dev/video"):
		return Source{"v4l2", s}, nil
	case !found && strings.ContainsAny(s, "./"):
		return Source{"file", s}, nil
	}
	return Source{}, fmt.Errorf("config: source %q is none of auto, sim, v4l2:ID, rpicam, argus, alsa:CARD, file:PATH", s)
}

// source adds a problem unless s is a source whose device kind is allowed.
func (p *Problems) source(key, s, device string) {
	src, err := ParseSource(s)
	switch {
	case err != nil:
		kind, _, _ := strings.Cut(s, ":")
		known := []string{"auto", "sim", device, "file"}
		if device == "v4l2" {
			known = append(known, "rpicam", "argus")
		}
		p.add(key, "is %q, must be auto, sim, %s:ID or file:PATH%s", s, device, didYouMean(kind, known))
	case device != "v4l2" && (src.Kind == "rpicam" || src.Kind == "argus"):
		p.add(key, "is %q, but a device here is %s:ID", s, device)
	case src.Kind != device && (src.Kind == "v4l2" || src.Kind == "alsa"):
		p.add(key, "is %q, but a device here is %s:ID", s, device)
	}
}
