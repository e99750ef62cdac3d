package vp8

import "fmt"

// Region is a rectangle of the picture in luma samples.
type Region struct {
	X, Y, Width, Height int
}

// MaxRegions is how many regions SetInterest takes.
const MaxRegions = 64

// SetInterest names the parts of the picture that matter, a face say, or where
// something moves. All macroblocks that they touch are coded with the frame's
// quantiser index plus delta, -127 to 127, negative for better quality; the rate
// control makes the rest of the picture pay. It holds from the next frame until
// it is called again; no regions, or a delta of 0, end it. What lies outside the
// picture is ignored. The slice stays the caller's.
func (e *Encoder) SetInterest(regions []Region, delta int) error {
	if len(regions) > MaxRegions {
		return fmt.Errorf("%w: %d regions of interest; at most %d, join some", ErrFrameOptions, len(regions), MaxRegions)
	}
	if delta < -maxQuantIndex || delta > maxQuantIndex {
		return fmt.Errorf("%w: quantiser delta %d of the regions of interest is outside -%[3]d to %[3]d", ErrFrameOptions, delta, maxQuantIndex)
	}
	for _, r := range regions {
		if r.Width <= 0 || r.Height <= 0 {
			return fmt.Errorf("%w: region of interest of %dx%d samples is empty", ErrFrameOptions, r.Width, r.Height)
		}
	}
	s := &e.interest
	s.n = copy(s.regions[:], regions)
	s.delta = delta
	if delta == 0 {
		s.n = 0
	}
	return nil
}

// interestState is what SetInterest was told.
type interestState struct {
	regions [MaxRegions]Region
	n       int
	delta   int
}

// chooseSegments sorts all macroblocks into segments, as far as regions of
// interest or activity ask for it, and counts them.
func (e *Encoder) chooseSegments(key bool) {
	s := &e.segment
	was := s.sorted
	s.sorted = e.interest.n > 0 || e.cfg.AdaptiveQuant
	if !s.sorted {
		for i := 0; was && i < len(e.blocks); i++ {
			e.blocks[i].segment = segmentMoving
		}
		return
	}
	limit := uint64(1) << 63
	if e.cfg.AdaptiveQuant {
		sum := uint64(0)
		for i := range e.blocks {
			sum += uint64(e.blocks[i].detail)
		}
		limit = sum * encBusyPercent / 100 / uint64(len(e.blocks))
	}
	for i := range e.blocks {
		b := &e.blocks[i]
		b.segment = segmentMoving
		if uint64(b.detail) > limit {
			b.segment = segmentBusy
		}
	}
	for _, r := range e.interest.regions[:e.interest.n] {
		// Halves of the largest integer keep sums from overflowing.
		const far = 1 << 30
		x0, y0 := min(max(r.X, 0), far), min(max(r.Y, 0), far)
		x1, y1 := min(max(r.X, -far)+min(r.Width, far), e.width), min(max(r.Y, -far)+min(r.Height, far), e.height)
		for y := y0 / 16; 16*y < y1; y++ {
			for x := x0 / 16; 16*x < x1; x++ {
				e.blocks[y*e.mbW+x].segment = segmentInterest
			}
		}
	}
	s.counts = [4]uint32{}
	for i := range e.blocks {
		b := &e.blocks[i]
		if b.refine && !key {
			s.counts[segmentRefine]++
		} else {
			s.counts[b.segment]++
		}
	}
}

// A macroblock is busy whose deviation is above this percentage of the mean
// deviation of the picture. The eye sees errors in proportion to the contrast
// beside them; half a step more is far below what it tells apart.
const (
	encBusyPercent     = 150
	encBusyStepPercent = 150
)
