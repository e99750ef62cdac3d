package main

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
)

// The place of the codecs' tables in a document.
const (
	codecsBegin = "<!-- figures: written by make bench-codecs -->"
	codecsEnd   = "<!-- end of figures -->"
)

// replaceFigures puts tables between the marks of a document.
func replaceFigures(document, tables string) (string, error) {
	before, rest, ok := strings.Cut(document, codecsBegin)
	_, after, ok2 := strings.Cut(rest, codecsEnd)
	if !ok || !ok2 {
		return "", errors.New("has no place for the figures: " + codecsBegin + " ... " + codecsEnd)
	}
	return before + codecsBegin + "\n" + tables + codecsEnd + after, nil
}

const (
	mostKbps, everyKbps = 70.0, 10
	leastSTOI           = 0.90
	everySTOI           = 0.02
	codecsHeight        = 480
)

var codecColours = map[string]color.RGBA{
	"isac16": {0x0b, 0x6b, 0x6a, 255}, "isac16-60": {0x4f, 0xb3, 0x9a, 255}, "isac32": {0x56, 0x5f, 0xb4, 255}, "opus": {0xc4, 0x45, 0x1c, 255},
	"ilbc20": {0x8a, 0x6d, 0x00, 255}, "ilbc30": {0xb0, 0x3a, 0x7c, 255}, "g722": {0x40, 0x44, 0x4c, 255}, "pcmu": {0x7a, 0x80, 0x8a, 255},
}

// plotCodecs draws STOI over the bit rate that was sent: a curve per codec, its
// settings as squares.
func plotCodecs(points []point) image.Image {
	c := newCanvas(plotWidth, codecsHeight)
	xOf := func(kbps float64) int {
		return left + int(kbps/mostKbps*float64(plotWidth-left-right))
	}
	yOf := func(s float64) int {
		s = math.Max(s, leastSTOI)
		return codecsHeight - bottom - int((s-leastSTOI)/(1-leastSTOI)*float64(codecsHeight-top-bottom))
	}
	for k := 0; k <= int(mostKbps); k += everyKbps {
		x := xOf(float64(k))
		c.line(x, top, x, codecsHeight-bottom, grid)
		c.text(x-6, codecsHeight-bottom+8, fmt.Sprint(k), ink)
	}
	for i := range int(math.Round((1-leastSTOI)/everySTOI)) + 1 {
		s := leastSTOI + float64(i)*everySTOI
		c.line(left, yOf(s), plotWidth-right, yOf(s), grid)
		c.textRight(left-8, yOf(s)-3, fmt.Sprintf("%.2f", s), ink)
	}
	c.text(left, 8, "STOI", ink)
	c.textRight(plotWidth-right, codecsHeight-14, "KBIT PER SECOND SENT", ink)
	labels := 0
	for i, p := range points {
		colour := codecColours[p.name]
		x, y := xOf(p.kbps), yOf(p.stoi)
		for d := -3; d <= 3; d++ {
			c.line(x-3, y+d, x+3, y+d, colour)
		}
		if i > 0 && points[i-1].name == p.name {
			q := points[i-1]
			for d := range 2 {
				c.line(xOf(q.kbps), yOf(q.stoi)+d, x, y+d, colour)
			}
			continue
		}
		// The legend is a column at the lower right, where there is nothing.
		at := codecsHeight - bottom - 20*(len(codecColours)-labels)
		c.line(plotWidth-right-120, at+3, plotWidth-right-90, at+3, colour)
		c.line(plotWidth-right-120, at+4, plotWidth-right-90, at+4, colour)
		c.text(plotWidth-right-80, at, p.name, colour)
		labels++
	}
	return c.img
}
