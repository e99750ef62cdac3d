package main

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

const (
	plotWidth, plotHeight         = 900, 380
	left, right, top, bottom      = 52, 16, 28, 36
	windowSec, stepSec            = 0.5, 0.05
	highestDB, lowestDB, everyDB  = 60, -10, 10
	farActive                     = 30.0 // RMS of a window in which the far end is active
	legendStep, lineWidthSubSteps = 110, 3
)

var curveColours = []color.RGBA{{0x0b, 0x6b, 0x6a, 255}, {0xc4, 0x45, 0x1c, 255}, {0x56, 0x5f, 0xb4, 255}, {0x8a, 0x6d, 0x00, 255}}

// levels returns the mean power of windows of windowSec, one every stepSec.
func levels(x []int16, rateHz int) []float64 {
	w, step := int(windowSec*float64(rateHz)), int(stepSec*float64(rateHz))
	var out []float64
	for at := 0; at+w <= len(x); at += step {
		sum := 0.0
		for _, v := range x[at : at+w] {
			sum += float64(v) * float64(v)
		}
		out = append(out, sum/float64(w))
	}
	return out
}

// plotERLE draws the attenuation of every output against the microphone.
func plotERLE(farPath, micPath string, outputs []string) (image.Image, error) {
	rate, far, err := readWAV(farPath)
	if err != nil {
		return nil, err
	}
	_, mic, err := readWAV(micPath)
	if err != nil {
		return nil, err
	}
	c := newCanvas(plotWidth, plotHeight)
	farLevel, micLevel := levels(far, rate), levels(mic, rate)
	seconds := float64(len(mic)) / float64(rate)
	xOf := func(sec float64) int { return left + int(sec/seconds*(plotWidth-left-right)) }
	yOf := func(db float64) int {
		return top + int((highestDB-min(max(db, lowestDB), highestDB))/(highestDB-lowestDB)*(plotHeight-top-bottom))
	}
	c.text(4, 8, "ERLE DB", ink)
	for db := lowestDB; db <= highestDB; db += everyDB {
		c.line(left, yOf(float64(db)), plotWidth-right, yOf(float64(db)), grid)
		c.textRight(left-6, yOf(float64(db))-3, fmt.Sprint(db), ink)
	}
	for sec := 0; float64(sec) <= seconds; sec += 5 {
		c.line(xOf(float64(sec)), top, xOf(float64(sec)), plotHeight-bottom, grid)
		c.text(xOf(float64(sec))-5, plotHeight-bottom+8, fmt.Sprint(sec), ink)
	}
	c.textRight(plotWidth-right, plotHeight-14, "SECONDS", ink)
	for k, arg := range outputs {
		name, path, err := named(arg)
		if err != nil {
			return nil, err
		}
		_, out, err := readWAV(path)
		if err != nil {
			return nil, err
		}
		colour := curveColours[k%len(curveColours)]
		c.text(left+90+k*legendStep, 8, name, colour)
		c.line(left+90+k*legendStep, 18, left+90+k*legendStep+60, 18, colour)
		lastX, lastY := -1, 0
		for i, p := range levels(out, rate) {
			if i >= len(farLevel) || i >= len(micLevel) || math.Sqrt(farLevel[i]) < farActive {
				lastX = -1
				continue
			}
			x := xOf((float64(i)*stepSec + windowSec/2))
			y := yOf(10 * math.Log10((micLevel[i]+1)/(p+1)))
			if lastX >= 0 {
				for d := range lineWidthSubSteps - 1 {
					c.line(lastX, lastY+d, x, y+d, colour)
				}
			}
			lastX, lastY = x, y
		}
	}
	return c.img, nil
}
