package vp8

// speedLevel says what the encoder leaves out at one speed level.
type speedLevel struct {
	level int
	// searchSteps bounds the steps of the full-pel search.
	searchSteps int
	// halfPel and quarterPel refine motion vectors below one sample.
	halfPel, quarterPel bool
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

// speedLevels is the one place where levels differ. Each row turns off or
// narrows something more than the row above.
var speedLevels = [MaxSpeed + 1]speedLevel{
	0:  {searchSteps: 48, halfPel: true, quarterPel: true, subblockIntra: true, subblockIntraInter: true, intraOver: 128, trim: true, golden: true},
	1:  {searchSteps: 40, halfPel: true, quarterPel: true, subblockIntra: true, subblockIntraInter: true, intraOver: 192, trim: true, golden: true},
	2:  {searchSteps: 32, halfPel: true, quarterPel: true, subblockIntra: true, subblockIntraInter: true, intraOver: 256, trim: true, golden: true},
	3:  {searchSteps: 24, halfPel: true, quarterPel: true, subblockIntra: true, subblockIntraInter: true, intraOver: 384, trim: true, golden: true},
	4:  {searchSteps: 20, halfPel: true, quarterPel: true, subblockIntra: true, subblockIntraInter: true, intraOver: 512, trim: true, golden: true},
	5:  {searchSteps: 16, halfPel: true, quarterPel: true, subblockIntra: true, intraOver: 512, trim: true, golden: true},
	6:  {searchSteps: 16, halfPel: true, quarterPel: true, subblockIntra: true, intraOver: 768, trim: true, golden: true},
	7:  {searchSteps: 12, halfPel: true, quarterPel: true, subblockIntra: true, intraOver: 1024, trim: true, golden: true},
	8:  {searchSteps: 10, halfPel: true, quarterPel: true, intraOver: 1024, trim: true, golden: true},
	9:  {searchSteps: 8, halfPel: true, intraOver: 1536, golden: true},
	10: {searchSteps: 6, intraOver: 2048},
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
