package enhance

import "github.com/edgecam/edgecam/engine/media"

// Exposure is what a picture's luma says about its exposure, before tone
// mapping. Masked areas are left out. Shares are 0 to 1, luma is 16 (black) to
// 235 (white).
type Exposure struct {
	// Mean is the mean luma, FaceMean that of the zone where faces are.
	Mean     float32 `json:"mean"`
	FaceMean float32 `json:"face_mean"`
	// Black and White are the levels below and above which half a hundredth
	// of the picture lies.
	Black int `json:"black"`
	White int `json:"white"`
	// ClippedLow and ClippedHigh are the shares at the ends of the range.
	ClippedLow  float32 `json:"clipped_low"`
	ClippedHigh float32 `json:"clipped_high"`
	// Backlight is how much the picture looks like a dark figure before a
	// bright ground, 0 to 1.
	Backlight float32 `json:"backlight"`
	// AroundMean is the mean luma outside the zone where faces are.
	AroundMean float32 `json:"around_mean"`
	// Key is how bright it is where it matters: the mean, weighted towards
	// faces, the more so against the light, from 0 (black) to 1 (white).
	Key float32 `json:"key"`
	// Wish is what the camera should expose more (positive) or less, in
	// thousandths of a stop.
	Wish int `json:"wish_millistops"`
}

// The grid of tone curves.
const (
	gridColumns = 8
	gridRows    = 6
)

// scene holds a picture's statistics: a histogram and a grid of means of one
// sample in sixteen.
type scene struct {
	histogram [256]uint32
	samples   uint32
	sum       [gridRows][gridColumns]uint32
	count     [gridRows][gridColumns]uint32
	face      uint32
	faceCount uint32
	Exposure
}

// cellSide is the side, in luma samples, of the cells that masks leave out of
// statistics.
const cellSide = 16

// measure looks at p. hidden says, by cell, what masks cover; it may be nil.
func (s *scene) measure(p *media.Picture, hidden []bool) {
	*s = scene{}
	across := (p.Width + cellSide - 1) / cellSide
	for y := 2; y < p.Height || y == 2 && p.Height > 0; y += 4 {
		row := p.Y[min(y, p.Height-1)*p.YStride:]
		gy := min(y*gridRows/p.Height, gridRows-1)
		inFace := y*100 >= p.Height*15 && y*100 < p.Height*70
		for cx := range across {
			if hidden != nil && hidden[min(y, p.Height-1)/cellSide*across+cx] {
				continue
			}
			x0 := cx * cellSide
			gx := x0 * gridColumns / p.Width
			sum, n := uint32(0), uint32(0)
			for x := x0; x < min(x0+cellSide, p.Width); x += 4 {
				v := row[x]
				s.histogram[v]++
				sum += uint32(v)
				n++
			}
			s.sum[gy][gx] += sum
			s.count[gy][gx] += n
			if inFace && x0*4 >= p.Width && x0*4 < p.Width*3 {
				s.face += sum
				s.faceCount += n
			}
			s.samples += n
		}
	}
	s.evaluate()
}

func (s *scene) evaluate() {
	if s.samples == 0 {
		s.Mean, s.FaceMean, s.AroundMean, s.Black, s.White = 126, 126, 126, 16, 235
		return
	}
	var total uint64
	var count, bright uint32
	edge := max(s.samples/200, 1)
	s.Black, s.White = -1, 255
	for v, n := range s.histogram {
		total += uint64(v) * uint64(n)
		count += n
		if s.Black < 0 && count >= edge {
			s.Black = v
		}
		if count <= s.samples-edge {
			s.White = min(v+1, 255)
		}
		switch {
		case v <= 20:
			s.ClippedLow += float32(n)
		case v >= 230:
			s.ClippedHigh += float32(n)
			bright += n
		case v >= 190:
			bright += n
		}
	}
	all := float32(s.samples)
	s.ClippedLow /= all
	s.ClippedHigh /= all
	s.Mean = float32(total) / all
	s.FaceMean, s.AroundMean = s.Mean, s.Mean
	if s.faceCount > 0 {
		s.FaceMean = float32(s.face) / float32(s.faceCount)
	}
	if s.faceCount > 0 && s.samples > s.faceCount {
		around := (float32(total) - float32(s.face)) / float32(s.samples-s.faceCount)
		s.AroundMean = around
		stops := log2(max(around-16, 1) / max(s.FaceMean-16, 1))
		s.Backlight = ramp(stops, 0.2, 0.8) * ramp(float32(bright)/all, 0.04, 0.12)
	}
	key := 0.6*unit(s.FaceMean) + 0.4*unit(s.Mean)
	// Against the light the face decides.
	key += (unit(s.FaceMean) - key) * 0.7 * s.Backlight
	s.Key = key
	switch {
	case key < 0.25:
		s.Wish = int(1000 * min(log2(0.33/max(key, 0.02))*2.2, 3) * (1 - ramp(s.ClippedHigh, 0.05, 0.3)))
	case s.ClippedHigh > 0.15 && key > 0.45:
		s.Wish = -int(1000 * ramp(s.ClippedHigh, 0.15, 0.6))
	}
}

// unit is luma as a number from 0 (black) to 1 (white).
func unit(luma float32) float32 { return min(max((luma-16)/219, 0), 1) }

// ramp rises from 0 at from to 1 at to.
func ramp(v, from, to float32) float32 { return min(max((v-from)/(to-from), 0), 1) }
