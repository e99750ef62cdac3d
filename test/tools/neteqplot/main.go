// Command neteqplot draws what "edgecam voice neteq --timeline" has written: the
// playout delay and its target over time, and where samples were concealed.
//
//	neteqplot TIMELINE.csv OUT.png "title"
package main

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, `usage: neteqplot TIMELINE.csv OUT.png "title"`)
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "neteqplot:", err)
		os.Exit(1)
	}
}

func run(in, out, title string) error {
	points, err := read(in)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(f, draw(points, title)), f.Close())
}

// point is a line of a timeline.
type point struct{ time, delay, target, concealed, removed, inserted float64 }

func read(path string) ([]point, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var points []point
	r := bufio.NewScanner(f)
	for n := 1; r.Scan(); n++ {
		if n == 1 {
			continue
		}
		var v [6]float64
		fields := strings.Split(r.Text(), ",")
		if len(fields) != len(v) {
			return nil, fmt.Errorf("%s: line %d has %d fields, %d are needed", path, n, len(fields), len(v))
		}
		for i, s := range fields {
			if v[i], err = strconv.ParseFloat(s, 64); err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", path, n, err)
			}
		}
		points = append(points, point{v[0], v[1], v[2], v[3], v[4], v[5]})
	}
	if len(points) < 2 {
		return nil, fmt.Errorf("%s has no lines to draw", path)
	}
	return points, r.Err()
}

const (
	width, height            = 1000, 300
	left, right, top, bottom = 50, 10, 24, 30
	band                     = 16 // at the bottom of the plot, for what was concealed
)

var (
	ink    = color.RGBA{40, 40, 40, 255}
	grid   = color.RGBA{225, 225, 225, 255}
	blue   = color.RGBA{20, 90, 200, 255}
	orange = color.RGBA{230, 140, 20, 255}
	red    = color.RGBA{200, 30, 30, 255}
)

// draw returns the picture: time in seconds to the right, delay in milliseconds
// upward.
func draw(points []point, title string) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	most := 50.0
	for _, p := range points {
		most = max(most, p.delay, p.target)
	}
	step := 20.0
	for most/step > 7 {
		step *= 2
	}
	end := points[len(points)-1].time
	px := func(t float64) int { return left + int(t/end*float64(width-left-right)) }
	py := func(d float64) int { return height - bottom - band - int(d/most*float64(height-top-bottom-band)) }
	for d := 0.0; d <= most; d += step {
		line(m, left, py(d), width-right, py(d), grid)
		text(m, 6, py(d)-5, fmt.Sprintf("%4.0f", d), ink)
	}
	for t := 0.0; t <= end; t += 10000 {
		line(m, px(t), top, px(t), height-bottom, grid)
		text(m, px(t)-8, height-bottom+8, fmt.Sprintf("%.0f s", t/1000), ink)
	}
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if b.concealed > a.concealed {
			line(m, px(b.time), height-bottom-band+2, px(b.time), height-bottom, red)
		}
		line(m, px(a.time), py(a.target), px(b.time), py(b.target), orange)
		if a.delay > 0 && b.delay > 0 {
			line(m, px(a.time), py(a.delay), px(b.time), py(b.delay), blue)
		}
	}
	x := text(m, left, 6, title, ink) + 30
	x = text(m, x, 6, "playout delay ms", blue) + 20
	x = text(m, x, 6, "target ms", orange) + 20
	text(m, x, 6, "concealed", red)
	return m
}

// line draws from one point to another (Bresenham).
func line(m *image.RGBA, x0, y0, x1, y1 int, c color.RGBA) {
	dx, dy := x1-x0, y1-y0
	n := max(dx, -dx, dy, -dy, 1)
	for i := 0; i <= n; i++ {
		m.SetRGBA(x0+dx*i/n, y0+dy*i/n, c)
	}
}

// glyphs are letters of 3 by 5 dots, a row after the other.
var glyphs = map[rune]string{
	'0': "###/# #/# #/# #/###", '1': " # /## / # / # /###", '2': "###/  #/###/#  /###", '3': "###/  #/ ##/  #/###",
	'4': "# #/# #/###/  #/  #", '5': "###/#  /###/  #/###", '6': "###/#  /###/# #/###", '7': "###/  #/ # / # / # ",
	'8': "###/# #/###/# #/###", '9': "###/# #/###/  #/###", '-': "   /   /###/   /   ", '+': "   / # /###/ # /   ",
	'.': "   /   /   /   / # ", ',': "   /   /   / # /#  ", '%': "# #/  #/ # /#  /# #",
	'a': " # /# #/###/# #/# #", 'b': "## /# #/## /# #/## ", 'c': " ##/#  /#  /#  / ##", 'd': "## /# #/# #/# #/## ",
	'e': "###/#  /## /#  /###", 'f': "###/#  /## /#  /#  ", 'g': " ##/#  /# #/# #/ ##", 'h': "# #/# #/###/# #/# #",
	'i': "###/ # / # / # /###", 'j': "  #/  #/  #/# #/ # ", 'k': "# #/# #/## /# #/# #", 'l': "#  /#  /#  /#  /###",
	'm': "# #/###/###/# #/# #", 'n': "###/# #/# #/# #/# #", 'o': " # /# #/# #/# #/ # ", 'p': "## /# #/## /#  /#  ",
	'q': " # /# #/# #/## / ##", 'r': "## /# #/## /# #/# #", 's': " ##/#  / # /  #/## ", 't': "###/ # / # / # / # ",
	'u': "# #/# #/# #/# #/###", 'v': "# #/# #/# #/# #/ # ", 'w': "# #/# #/###/###/# #", 'x': "# #/# #/ # /# #/# #",
	'y': "# #/# #/ # / # / # ", 'z': "###/  #/ # /#  /###",
}

// text writes s and returns where it ends.
func text(m *image.RGBA, x, y int, s string, c color.RGBA) int {
	const dot = 2
	for _, r := range strings.ToLower(s) {
		for row, dots := range strings.Split(glyphs[r], "/") {
			for col, d := range dots {
				if d != '#' {
					continue
				}
				for i := range dot * dot {
					m.SetRGBA(x+col*dot+i%dot, y+row*dot+i/dot, c)
				}
			}
		}
		x += 4 * dot
	}
	return x
}
