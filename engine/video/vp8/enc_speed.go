package vp8

import "time"

// speedLevel says what the encoder leaves out at one speed level.
type speedLevel struct {
	level int
	// searchSteps bounds the steps of the full-pel search, searchSize is the
	// first step's length in samples.
	searchSteps, searchSize int
	// subPel is how vectors are refined below one sample; axes takes the next
	// quarter positions along the axes in turn, not all round.
	subPel uint8
	axes   bool
	// refineShare: where the last frame found no motion, vectors are refined only
	// if what the search has found costs less than one part in refineShare more
	// than the best that needed no search; 0 refines all.
	refineShare int
	// goodShare: a prediction whose error deviates by less than one part in
	// goodShare of the quantiser's step is searched no further.
	goodShare int
	// leaveShare: a macroblock that is not still is left as it was if its
	// squared error is less than one part in leaveShare of what coding leaves.
	leaveShare uint32
	// subblockIntra tries 4x4 intra prediction in key frames,
	// subblockIntraInter in inter frames too.
	subblockIntra      bool
	subblockIntraInter bool
	// intraOver is the SATD of the best inter prediction, per macroblock,
	// below which intra prediction is not tried in inter frames; nor is it where
	// the block deviates from its mean by more than intraShare times what the
	// inter prediction leaves.
	intraOver, intraShare uint32
	// splitSteps bounds the steps of the search for the vectors of quarters, 0
	// leaves split macroblocks out; splitFine is the first step below a sample,
	// in quarters; splitOver is how many times what is good the best single
	// vector's SATD must be before they are tried.
	splitSteps int
	splitFine  int16
	splitOver  uint32
	// zeroShare: still macroblocks are filtered again where more than one in
	// zeroShare of those with the zero vector have coefficients.
	zeroShare uint32
	// trim removes coefficients that cost more bits than they are worth.
	trim bool
	// golden tries the long-term background.
	golden bool
	// fast weighs vectors by whole samples' SADs and makes the prediction that
	// is taken alone.
	fast bool
}

// Ways to find the fraction of a vector: not at all; by a guess from the SAD
// round the best full position; by that guess and the quarter positions next to
// it; by trying half and then quarter positions.
const (
	subPelNone = iota
	subPelGuess
	subPelFit
	subPelHalf
	subPelQuarter
)

// speedLevels is the one place where levels differ. Each row turns off or
// narrows something more than the row above.
var speedLevels = func() (t [MaxSpeed + 1]speedLevel) {
	// Level 0 leaves nothing out.
	s := speedLevel{
		searchSteps: 48, searchSize: 4, subPel: subPelQuarter, goodShare: 40, leaveShare: 24,
		subblockIntra: true, subblockIntraInter: true, intraOver: 128, intraShare: 4, trim: true, golden: true,
		splitSteps: 8, splitFine: 2, splitOver: 2, zeroShare: 16,
	}
	for level := range t {
		switch level {
		case 1:
			s.searchSteps, s.intraOver = 40, 192
		case 2:
			s.searchSteps, s.intraOver = 32, 256
		case 3: // less exact background
			s.searchSteps, s.intraOver, s.leaveShare = 24, 384, 16
		case 4: // fewer intra and split trials
			s.searchSteps, s.intraOver, s.splitOver = 20, 512, 3
		case 5: // quarter positions beside a guess; no 4x4 intra in inter frames; less filtering;
			// no refinement of vectors in the background
			s.searchSteps, s.subPel, s.subblockIntraInter, s.leaveShare = 16, subPelFit, false, 12
			s.splitSteps, s.splitFine, s.splitOver, s.zeroShare = 4, 1, 4, 8
			s.refineShare = 64
		case 6: // quarter positions along the axes only; fewer intra trials
			s.axes, s.splitOver, s.intraShare = true, 6, 2
		case 7: // sooner content with a prediction; one vector per macroblock
			s.splitSteps = 0
			s.searchSteps, s.intraOver, s.goodShare, s.leaveShare = 12, 1024, 28, 8
		case 8:
			s.searchSteps, s.goodShare = 10, 22
		case 9: // vectors by whole samples' SADs and a guess
			s.fast, s.searchSteps, s.searchSize, s.intraOver = true, 8, 2, 1536
		case 10: // no 4x4 intra, no trimming, no background
			s.searchSteps, s.intraOver = 4, 2048
			s.subblockIntra, s.trim, s.golden = false, false, false
		}
		t[level] = s
	}
	return t
}()

// chooseSpeed returns the level's settings; SpeedAuto takes a level by the
// number of pixels.
func chooseSpeed(level, pixels int) speedLevel {
	if level == SpeedAuto {
		switch {
		case pixels <= 640*480:
			level = 5
		case pixels <= 1280*720:
			level = 6
		default:
			level = 8
		}
	}
	s := speedLevels[level]
	s.level = level
	return s
}

// speedGovernor moves the speed level so that frames take no longer than a
// budget.
type speedGovernor struct {
	least int // the level that SpeedAuto starts from
	mean  time.Duration
	calm  int // frames in a row that took far less than the budget
}

// Frames after which the level goes down again, and the share of the budget, in
// percent, that they must stay below: one level makes about a quarter.
const (
	encCalmFrames  = 90
	encCalmPercent = 60
)

// SetFrameBudget changes EncoderConfig.FrameBudget from the next FrameTook on;
// 0 leaves the speed level where it is.
func (e *Encoder) SetFrameBudget(d time.Duration) { e.cfg.FrameBudget = max(d, 0) }

// FrameTook tells the encoder how long the frame before took, in processor time
// of one worker. With SpeedAuto and a FrameBudget it moves the speed level;
// otherwise, or if it is never called, levels stay. The encoder has no clock of
// its own, so that its output depends on nothing but its input.
func (e *Encoder) FrameTook(d time.Duration) {
	g := &e.governor
	if e.cfg.Speed != SpeedAuto || e.cfg.FrameBudget <= 0 || d < 0 {
		return
	}
	if g.mean == 0 {
		g.mean = d
	}
	g.mean += (d - g.mean) / 8
	level := e.speed.level
	switch {
	case g.mean > e.cfg.FrameBudget:
		g.calm = 0
		level = min(level+1, MaxSpeed)
	case g.mean*100 < e.cfg.FrameBudget*encCalmPercent:
		if g.calm++; g.calm >= encCalmFrames {
			level = max(level-1, g.least)
		}
	default:
		g.calm = 0
	}
	if level != e.speed.level {
		// What was measured belongs to the level before.
		g.mean, g.calm = 0, 0
		e.speed = chooseSpeed(level, 0)
	}
}
