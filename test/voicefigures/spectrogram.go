package main

import (
	"errors"
	"image"
	"image/color"
	"math"
	"math/cmplx"
	"path/filepath"
	"strings"
)

const (
	spectrumSize            = 512
	paneHeight, paneGap     = 200, 24
	shades                  = 31
	loudestDB, softestDB    = -25.0, -95.0 // of full scale, per bin
	spectrogramWidth, axisW = 900, 52
)

// spectrum returns the powers of a windowed piece, half of spectrumSize.
func spectrum(x []int16) []float64 {
	z := make([]complex128, spectrumSize)
	for i := range z {
		if i < len(x) {
			z[i] = complex(float64(x[i])/32768*(0.5-0.5*math.Cos(2*math.Pi*float64(i)/spectrumSize)), 0)
		}
	}
	fft(z)
	p := make([]float64, spectrumSize/2)
	for k := range p {
		a := cmplx.Abs(z[k]) * 4 / spectrumSize
		p[k] = a * a
	}
	return p
}

// fft transforms z, whose length is a power of two, in place.
func fft(z []complex128) {
	n := len(z)
	if n == 1 {
		return
	}
	even, odd := make([]complex128, n/2), make([]complex128, n/2)
	for i := range even {
		even[i], odd[i] = z[2*i], z[2*i+1]
	}
	fft(even)
	fft(odd)
	for k := range even {
		t := cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n)) * odd[k]
		z[k], z[k+n/2] = even[k]+t, even[k]-t
	}
}

// heat maps 0..1 to a colour from nearly black over blue and orange to white.
func heat(v float64) color.RGBA {
	v = math.Round(min(max(v, 0), 1)*shades) / shades
	stops := [][3]float64{{8, 10, 26}, {30, 50, 120}, {150, 60, 110}, {235, 120, 50}, {255, 250, 220}}
	at := v * float64(len(stops)-1)
	i := min(int(at), len(stops)-2)
	f := at - float64(i)
	mix := func(k int) uint8 { return uint8(stops[i][k]*(1-f) + stops[i+1][k]*f) }
	return color.RGBA{mix(0), mix(1), mix(2), 255}
}

// plotSpectrograms draws the files below each other.
func plotSpectrograms(paths []string) (image.Image, error) {
	if len(paths) == 0 {
		return nil, errors.New("spectrogram needs files")
	}
	c := newCanvas(spectrogramWidth, len(paths)*(paneHeight+paneGap)+8)
	for k, path := range paths {
		rate, x, err := readWAV(path)
		if err != nil {
			return nil, err
		}
		y0 := k*(paneHeight+paneGap) + paneGap
		c.text(axisW, y0-14, strings.TrimSuffix(filepath.Base(path), ".wav"), ink)
		wide := spectrogramWidth - axisW - 8
		for i := range wide {
			at := int(float64(i) / float64(wide) * float64(len(x)))
			p := spectrum(x[at:])
			for row := range paneHeight {
				bin := (paneHeight - 1 - row) * len(p) / paneHeight
				db := 10 * math.Log10(p[bin]+1e-12)
				c.img.SetRGBA(axisW+i, y0+row, heat((db-softestDB)/(loudestDB-softestDB)))
			}
		}
		for khz := 0; khz*2000 <= rate; khz += 2 {
			y := y0 + paneHeight - 1 - khz*2000*paneHeight/rate
			c.textRight(axisW-6, max(y-3, y0), string(rune('0'+khz%10))+" KHZ", ink)
		}
	}
	return c.img, nil
}
