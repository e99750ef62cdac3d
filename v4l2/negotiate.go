//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// What a request with zero fields means.
const (
	defaultWidth    = 640
	defaultHeight   = 480
	defaultInterval = time.Second / 30
)

// candidate is a mode to try, in the kernel's terms.
type candidate struct {
	code          uapi.FourCCType
	width, height int
	interval      time.Duration // 0 if the driver does not enumerate them
}

// negotiate orders what the camera can do by nearness to the wanted mode, the
// nearest first, with one candidate for each format. A wanted format comes
// first of all, then the size, then the rate, then the order of preference.
func negotiate(k kernel, abs []ability, want hal.VideoMode) []candidate {
	if want.Width <= 0 || want.Height <= 0 {
		want.Width, want.Height = completeSize(want.Width, want.Height)
	}
	if want.FrameInterval <= 0 {
		want.FrameInterval = defaultInterval
	}
	best := map[uapi.FourCCType]candidate{}
	compare := func(a, b candidate) int {
		if want.Format != media.FormatUnknown {
			if c := cmp.Compare(mismatch(a, want), mismatch(b, want)); c != 0 {
				return c
			}
		}
		return cmp.Or(
			cmp.Compare(sizeDistance(a, want), sizeDistance(b, want)),
			cmp.Compare(shortfall(a, want), shortfall(b, want)),
			cmp.Compare(preference(a.code), preference(b.code)),
			cmp.Compare(excess(a, want), excess(b, want)),
		)
	}
	for _, a := range abs {
		c := candidate{code: a.code}
		c.width, c.height = a.nearest(want.Width, want.Height)
		if old, ok := best[a.code]; ok && sizeDistance(old, want) < sizeDistance(c, want) {
			continue // spares enumerating intervals of sizes that lose anyway
		}
		c.interval = nearestInterval(intervals(k, c.code, c.width, c.height), want.FrameInterval)
		if old, ok := best[a.code]; !ok || compare(c, old) < 0 {
			best[a.code] = c
		}
	}
	out := make([]candidate, 0, len(best))
	for _, c := range best {
		out = append(out, c)
	}
	slices.SortFunc(out, compare)
	return out
}

// completeSize fills in a size of which one or both sides are not given, with
// the default's shape.
func completeSize(width, height int) (int, int) {
	switch {
	case width > 0:
		return width, max(width*defaultHeight/defaultWidth, 1)
	case height > 0:
		return max(height*defaultWidth/defaultHeight, 1), height
	}
	return defaultWidth, defaultHeight
}

func mismatch(c candidate, want hal.VideoMode) int {
	if formatOf(c.code) == want.Format {
		return 0
	}
	return 1
}

// sizeDistance is 0 for equal sizes and grows with the ratio of the sides.
func sizeDistance(c candidate, want hal.VideoMode) float64 {
	return math.Abs(math.Log2(float64(c.width)/float64(want.Width))) +
		math.Abs(math.Log2(float64(c.height)/float64(want.Height)))
}

// shortfall is by how much the rate misses the wanted one, as a ratio; 0 if it
// is kept within 3 % (29.97 for 30). An unknown rate is taken as kept.
func shortfall(c candidate, want hal.VideoMode) float64 {
	if c.interval <= want.FrameInterval+want.FrameInterval*3/100 {
		return 0
	}
	return float64(c.interval) / float64(want.FrameInterval)
}

func excess(c candidate, want hal.VideoMode) time.Duration {
	return max(want.FrameInterval-c.interval, 0)
}

// nearestInterval returns the longest interval that keeps the wanted rate,
// else the shortest there is; 0 if none are known.
func nearestInterval(ivs []interval, want time.Duration) time.Duration {
	var best time.Duration
	limit := want + want*3/100
	for _, iv := range ivs {
		d := min(max(want, iv.min), iv.max)
		switch {
		case best == 0,
			d <= limit && (best > limit || d > best),
			d > limit && d < best:
			best = d
		}
	}
	return best
}

// commonSizes stand for a range of sizes in listings.
var commonSizes = [][2]int{
	{160, 120},
	{320, 180},
	{320, 240},
	{640, 360},
	{640, 480},
	{800, 600},
	{960, 540},
	{1024, 768},
	{1280, 720},
	{1280, 960},
	{1640, 1232},
	{1920, 1080},
	{2560, 1440},
	{3840, 2160},
}

// commonRates stand for a range of intervals in listings, in hertz.
var commonRates = []int{5, 10, 15, 20, 25, 30, 50, 60, 90, 120}

// modes lists everything the camera offers. Of ranges it gives the ends and
// the common values between.
func modes(k kernel, abs []ability) []hal.VideoMode {
	var out []hal.VideoMode
	seen := map[hal.VideoMode]bool{} // several of the kernel's codes mean one format
	for _, a := range abs {
		for _, s := range a.listed() {
			for _, d := range listedIntervals(intervals(k, a.code, s[0], s[1])) {
				m := hal.VideoMode{Format: formatOf(a.code), Width: s[0], Height: s[1], FrameInterval: d}
				if !seen[m] {
					seen[m] = true
					out = append(out, m)
				}
			}
		}
	}
	return out
}

func (a ability) listed() [][2]int {
	s := a.size
	if s.MinWidth == s.MaxWidth && s.MinHeight == s.MaxHeight {
		return [][2]int{{int(s.MinWidth), int(s.MinHeight)}}
	}
	var out [][2]int
	for _, c := range commonSizes {
		if w, h := a.nearest(c[0], c[1]); w == c[0] && h == c[1] {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		out = append(out, [2]int{int(s.MaxWidth), int(s.MaxHeight)})
	}
	return out
}

// listedIntervals returns single values for ranges. A camera that does not say
// its rates has one entry of 0, "not known".
func listedIntervals(ivs []interval) []time.Duration {
	if len(ivs) == 0 {
		return []time.Duration{0}
	}
	var out []time.Duration
	for _, iv := range ivs {
		out = append(out, iv.min)
		for _, hz := range slices.Backward(commonRates) {
			if d := time.Second / time.Duration(hz); d > iv.min && d < iv.max {
				out = append(out, d)
			}
		}
		if iv.max > iv.min {
			out = append(out, iv.max)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
