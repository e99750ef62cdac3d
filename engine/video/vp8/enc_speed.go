package vp8

import "time"

// speedLevel says what the encoder leaves out at one speed level.
type speedLevel struct {
	level int
	// searchSteps bounds the steps of the full-pel search, searchSize is the
	// first step's length in samples.
	searchSteps, searchSize int
	// subPel is how vectors are refined below one sample.
	subPel uint8
	// subblockIntra tries 4x4 intra prediction in key frames,
	// subblockIntraInter in inter frames too.
	subblockIntra      bool
	subblockIntraInter bool
	// intraOver is the SATD of the best inter prediction, per macroblock,
	// below which intra prediction is not tried in inter frames.
	intraOver uint32
	// trim removes coefficients that cost more bits than they are worth.
	trim bool
	// golden tries the long-term background.
	golden bool
}

// Ways to find the fraction of a vector: not at all; by a guess from the SAD
// round the best full position; by trying half and then quarter positions.
const (
	subPelNone = iota
	subPelFit
	subPelHalf
	subPelQuarter
)

// speedLevels is the one place where levels differ. Each row turns off or
// narrows something more than the row above.
var speedLevels = [MaxSpeed + 1]speedLevel{
	0:  {searchSteps: 48, searchSize: 4, subPel: subPelQuarter, subblockIntra: true, subblockIntraInter: true, intraOver: 128, trim: true, golden: true},
	1:  {searchSteps: 40, searchSize: 4, subPel: subPelQuarter, subblockIntra: true, subblockIntraInter: true, intraOver: 192, trim: true, golden: true},
	2:  {searchSteps: 32, searchSize: 4, subPel: subPelQuarter, subblockIntra: true, subblockIntraInter: true, intraOver: 256, trim: true, golden: true},
	3:  {searchSteps: 24, searchSize: 4, subPel: subPelQuarter, subblockIntra: true, subblockIntraInter: true, intraOver: 384, trim: true, golden: true},
	4:  {searchSteps: 20, searchSize: 4, subPel: subPelQuarter, subblockIntra: true, subblockIntraInter: true, intraOver: 512, trim: true, golden: true},
	5:  {searchSteps: 16, searchSize: 4, subPel: subPelFit, subblockIntra: true, intraOver: 512, trim: true, golden: true},
	6:  {searchSteps: 16, searchSize: 4, subPel: subPelFit, subblockIntra: true, intraOver: 768, trim: true, golden: true},
	7:  {searchSteps: 12, searchSize: 4, subPel: subPelFit, subblockIntra: true, intraOver: 1024, trim: true, golden: true},
	8:  {searchSteps: 10, searchSize: 4, subPel: subPelFit, intraOver: 1024, trim: true, golden: true},
	9:  {searchSteps: 8, searchSize: 4, subPel: subPelFit, intraOver: 1536, golden: true},
	10: {searchSteps: 6, searchSize: 4, intraOver: 2048},
}

// chooseSpeed returns the level's settings; SpeedAuto takes a level by the
// number of pixels.
func chooseSpeed(level, pixels int) speedLevel {
	if level == SpeedAuto {
		switch {
		case pixels <= 352*288:
			level = 3
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
