package engine

import (
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/enhance"
)

// noSignal shows viewers that the camera is away: the last picture's size (or
// VGA), dark, crossed by a band. Without it they would look at a frozen picture
// and take it for the truth.
func (e *Engine) noSignal() {
	if !e.watching.isOpen() {
		e.latest.clear()
		return
	}
	width, height := 640, 480
	if p, _, _ := e.latest.take(); p != nil {
		width, height = p.Width, p.Height
		p.Release()
	}
	p := e.pool.Get(width, height)
	drawNoSignal(p)
	scale := max(width/160, 1)
	enhance.DrawText(p, (width-enhance.TextWidth(len(noSignalText), scale))/2, height/2-4*scale, scale, noSignalText)
	p.CapturedAt = time.Now()
	clock := time.Now().Format(noSignalTime)
	enhance.DrawText(p, (width-enhance.TextWidth(len(clock), scale))/2, height/2+8*scale, scale, clock)
	e.latest.put(p, 1/stallAfter.Seconds())
}

// noSignalTime is the time below it: a picture that stands still is told from one
// that is sent anew.
const noSignalTime = "2006-01-02 15:04:05"

// noSignalText stands in the middle of the picture.
const noSignalText = "NO SIGNAL"

// drawNoSignal fills p with dark grey and a diagonal band from corner to corner.
func drawNoSignal(p *media.Picture) {
	const ground, band = 40, 90
	thick := max(p.Height/24, 2)
	for y := range p.Height {
		row := p.Y[y*p.YStride : y*p.YStride+p.Width]
		for x := range row {
			row[x] = ground
		}
		for _, centre := range [2]int{y * p.Width / p.Height, p.Width - 1 - y*p.Width/p.Height} {
			for x := max(centre-thick, 0); x < min(centre+thick, p.Width); x++ {
				row[x] = band
			}
		}
	}
	cw, ch := p.ChromaSize()
	for y := range ch {
		for x := range cw {
			p.U[y*p.UVStride+x], p.V[y*p.UVStride+x] = 128, 128
		}
	}
}
