package ns

import "github.com/edgecam/edgecam/engine/fixed"

const (
	// scoreKnee is what a band must stand above its noise to count, the spread
	// of noise in a band, scoreSpan the most that it counts.
	scoreKnee, scoreSpan = 3 * decibel, 12 * decibel
	// Between these mean scores presence goes from 0 to 1.
	absentScore, presentScore = 36 * decibel / 100, 72 * decibel / 100
	// holdFrames is how long presence stays after speech, for weak endings;
	// releaseShift how fast it then falls.
	holdFrames, releaseShift = 8, 3
)

// presenceHz are the edges of critical bands (E. Zwicker 1961).
var presenceHz = [...]int{
	100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700,
}

// presence tells whether a frame holds speech at all: by how much its critical
// bands stand above their noise on average. Bands average over bins, so that
// this is steadier than what single cells can tell.
type presence struct {
	edges []int // cells
	score int32 // smoothed, log2 of power in Q10
	hold  int
	level int32 // Q20
}

// init finds the cells of the bands; cells[c] is the first bin of cell c.
func (p *presence) init(cells []int, rateHz, size int) {
	c := 0
	for _, hz := range presenceHz {
		if 2*hz >= rateHz {
			return
		}
		for cells[c] < hz*size/rateHz {
			c++
		}
		p.edges = append(p.edges, c)
	}
}

// update returns the presence of speech in Q10.
func (p *presence) update(power, noise []int64) int32 {
	var sum int32
	bands := len(p.edges) - 1
	for b := range bands {
		var ps, ns int64
		for c := p.edges[b]; c < p.edges[b+1]; c++ {
			ps += power[c] >> 6
			ns += noise[c] >> 6
		}
		sum += min(max(fixed.Log2Q10(uint64(ps+1))-fixed.Log2Q10(uint64(ns+1))-scoreKnee, 0), scoreSpan)
	}
	p.score += (sum/int32(bands) - p.score) >> 1
	now := min(max((p.score-absentScore)<<10/(presentScore-absentScore), 0), 1<<10) << 10
	switch {
	case now >= p.level:
		p.level, p.hold = now, holdFrames
	case p.hold > 0:
		p.hold--
	default:
		p.level += (now - p.level) >> releaseShift
	}
	return p.level >> 10
}
