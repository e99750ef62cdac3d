package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Enhance is picture enhancement's share of the configuration. Lengths are in
// hundredths of the picture's width and height.
type Enhance struct {
	Denoise      string   `yaml:"denoise" doc:"noise reduction: auto where there is noise, fast over time alone (two fifths of the work)" enum:"auto|fast|off"`
	Tone         string   `yaml:"tone" doc:"brightness and back-light: auto where the picture needs it" enum:"auto|off"`
	Deflicker    string   `yaml:"deflicker" doc:"mains frequency of the lamps; auto finds it" enum:"auto|50hz|60hz|off"`
	WhiteBalance string   `yaml:"white_balance" doc:"for cameras that do not balance colours themselves" enum:"auto|off"`
	LowLight     string   `yaml:"low_light_colour" doc:"auto: less colour in the dark, where it is mostly noise" enum:"auto|off"`
	Saturation   int      `yaml:"saturation" doc:"strength of colours in hundredths" min:"1" max:"200"`
	Vividness    int      `yaml:"vividness" doc:"how much stronger weak colours become, in hundredths; skin stays as it is" min:"0" max:"100"`
	Night        string   `yaml:"night" doc:"infrared and no colour: lines by the picture's light where an infrared line is set, auto by the light in any case, always or never" enum:"lines|auto|always|never"`
	Rotate       int      `yaml:"rotate" doc:"clockwise, in degrees: 0, 90, 180 or 270" min:"0" max:"270"`
	Mirror       bool     `yaml:"mirror" doc:"exchange left and right"`
	Crop         string   `yaml:"crop" doc:"part of the picture that is shown: X,Y,WIDTH,HEIGHT in hundredths, such as 10,0,80,100; empty: all"`
	Zoom         int      `yaml:"zoom" doc:"digital zoom in hundredths" min:"100" max:"800"`
	PanX         int      `yaml:"pan_x" doc:"zoomed part: -100 left to 100 right" min:"-100" max:"100"`
	PanY         int      `yaml:"pan_y" doc:"zoomed part: -100 top to 100 bottom" min:"-100" max:"100"`
	LensK1       int      `yaml:"lens_k1" doc:"lens distortion in thousandths; negative for barrel distortion" min:"-500" max:"500"`
	LensK2       int      `yaml:"lens_k2" doc:"its fourth-power part" min:"-500" max:"500"`
	Masks        []string `yaml:"masks" doc:"areas nobody may see, each a polygon of the camera's picture: X,Y X,Y X,Y ... in hundredths"`
	Label        string   `yaml:"label" doc:"text written into the picture"`
	Time         bool     `yaml:"time" doc:"write the time into the picture"`
	TextBottom   bool     `yaml:"text_bottom" doc:"text at the lower edge instead of the upper"`
}

// Limits, as package enhance has them.
const (
	maxLabel       = 48
	maxMasks       = 32
	maxMaskCorners = 64
)

// Defaults returns automatic steps and the picture as the camera gives it.
func (Enhance) Defaults() Enhance {
	return Enhance{
		Denoise: "auto", Tone: "auto", Deflicker: "auto", WhiteBalance: "off", LowLight: "off",
		Saturation: 100, Night: "lines", Zoom: 100,
	}
}

// Validate returns the problems of the values.
func (e Enhance) Validate() Problems {
	p := checkTags(e)
	if e.Rotate%90 != 0 {
		p.add("rotate", "is %d, must be 0, 90, 180 or 270", e.Rotate)
	}
	if _, err := e.CropRect(); err != nil {
		p.add("crop", "%v", err)
	}
	if len([]rune(e.Label)) > maxLabel {
		p.add("label", "is longer than %d characters", maxLabel)
	}
	if len(e.Masks) > maxMasks {
		p.add("masks", "has %d entries, the limit is %d", len(e.Masks), maxMasks)
	}
	for i, m := range e.Masks {
		if _, err := ParsePolygon(m); err != nil {
			p.add("masks["+strconv.Itoa(i)+"]", "%v", err)
		}
	}
	return p
}

// CropRect returns the crop's x, y, width and height as parts of the picture;
// all zero without one.
func (e Enhance) CropRect() (rect [4]float32, err error) { return parseRect(e.Crop) }

// parseRect reads X,Y,WIDTH,HEIGHT in hundredths; text without anything is all zero.
func parseRect(text string) (rect [4]float32, err error) {
	if text == "" {
		return rect, nil
	}
	words := strings.Split(text, ",")
	if len(words) != 4 {
		return rect, fmt.Errorf("is %q, must be X,Y,WIDTH,HEIGHT in hundredths of the picture", text)
	}
	for i, w := range words {
		v, err := strconv.ParseFloat(strings.TrimSpace(w), 32)
		if err != nil || !(v >= 0 && v <= 100) {
			return rect, fmt.Errorf("is %q: %q is not a number from 0 to 100", text, w)
		}
		rect[i] = float32(v / 100)
	}
	if rect[2] < 0.05 || rect[3] < 0.05 || rect[0]+rect[2] > 1.0001 || rect[1]+rect[3] > 1.0001 {
		return rect, fmt.Errorf("is %q: it must lie in the picture and be 5 or more wide and high", text)
	}
	return rect, nil
}

// ParsePolygon reads a mask; coordinates are parts of the picture.
func ParsePolygon(s string) (corners [][2]float32, err error) {
	words := strings.Fields(s)
	if len(words) < 3 || len(words) > maxMaskCorners {
		return nil, fmt.Errorf("is %q, must be 3 to %d corners X,Y in hundredths of the picture", s, maxMaskCorners)
	}
	for _, w := range words {
		a, b, _ := strings.Cut(w, ",")
		x, errX := strconv.ParseFloat(a, 32)
		y, errY := strconv.ParseFloat(b, 32)
		if errX != nil || errY != nil || math.Abs(x-50) > 150 || math.Abs(y-50) > 150 || math.IsNaN(x+y) {
			return nil, fmt.Errorf("has corner %q, must be X,Y with numbers from -100 to 200", w)
		}
		corners = append(corners, [2]float32{float32(x / 100), float32(y / 100)})
	}
	return corners, nil
}
