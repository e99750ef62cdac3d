package congestion

import (
	"math"
	"time"
)

const (
	lossInterval       = 250 * time.Millisecond
	leastLossPackets   = 20
	lossCut            = 0.85
	experimentInterval = 3 // intervals to look at before a cut
	// An experiment ends when what it has seen is experimentOdds times as likely
	// under one of the two explanations as under the other, or after
	// longestExperiment intervals with the likelier one.
	experimentOdds    = 100
	longestExperiment = 12
	// bearableLoss is what is left to retransmission without an experiment where
	// less is sent than the path is believed to carry.
	bearableLoss = 0.1
	// leastChance is the share of losses below which none is expected.
	leastChance = 0.005
)

// lossVerdict is what an interval's losses ask for.
type lossVerdict uint8

const (
	lossNothing lossVerdict = iota
	lossTry                 // cut the rate and see
	lossIsOurs              // the rate was too high
	lossIsPath              // the rate has nothing to do with it: undo the cut
)

// lossTrack tells losses that the rate causes from those that the path has
// anyway.
type lossTrack struct {
	begun    time.Duration
	lost, ok int
	events   int // packets ever lost
	// share is the part lost lately, over some intervals.
	share float64
	// path is the part that the path loses whatever the rate.
	path float64

	trying    int     // interval of an experiment, from 1 on; 0: there is none
	before    float64 // share before the cut
	tried, of int
	odds      float64 // logarithm: how much likelier it is the path than the rate
}

// add counts one packet.
func (l *lossTrack) add(lost bool) {
	if lost {
		l.lost++
		l.events++
	} else {
		l.ok++
	}
}

// arrivedLate takes a packet back that was counted as lost.
func (l *lossTrack) arrivedLate() { l.lost = max(l.lost-1, 0) }

// forget ends an experiment without a result, and takes no notice of what was
// lost lately: a queue that overflows explains it.
func (l *lossTrack) forget(now time.Duration) {
	l.begun, l.lost, l.ok, l.trying, l.share = now, 0, 0, 0, l.path
}

// judge ends an interval when it is long enough.
func (l *lossTrack) judge(now time.Duration) lossVerdict {
	n := l.lost + l.ok
	if now-l.begun < lossInterval || n < leastLossPackets {
		return lossNothing
	}
	lost := l.lost
	l.begun, l.lost, l.ok = now, 0, 0
	l.share += (float64(lost)/float64(n) - l.share) / 3
	if l.trying > 0 {
		return l.experiment(lost, n)
	}
	// Chance moves a share of few packets; one in a hundred may be overlooked.
	chance := 3*math.Sqrt(max(l.path, 0.005)*(1-l.path)/float64(3*n)) + 0.01
	if l.share > l.path+chance {
		l.trying, l.tried, l.of, l.odds = 1, 0, 0, 0
		return lossNothing
	}
	// Only an experiment may raise it: a rate that creeps up raises its own
	// losses as slowly.
	l.path -= max(l.path-l.share, 0) / 16
	return lossNothing
}

// experiment goes on with an experiment: first the share of losses at the
// present rate, then, after a cut, at the lower one. Few packets tell little, so
// that it lasts until chance can hardly have made what it sees.
func (l *lossTrack) experiment(lost, n int) lossVerdict {
	at := l.trying
	l.trying++
	switch {
	case at < experimentInterval:
		l.tried, l.of = l.tried+lost, l.of+n
		return lossNothing
	case at == experimentInterval:
		l.tried, l.of = l.tried+lost, l.of+n
		l.before = float64(l.tried) / float64(l.of)
		l.tried, l.of = 0, 0
		if l.before <= l.path+0.01 {
			l.trying = 0 // it was chance
			return lossNothing
		}
		return lossTry
	case at == experimentInterval+1:
		return lossNothing // sent before the cut, in part
	}
	l.tried, l.of = l.tried+lost, l.of+n
	// What a full link would still lose after the cut.
	full := max(1-(1-l.before)/lossCut, l.path, leastChance)
	path := max(l.before, 2*full)
	l.odds += float64(lost)*math.Log(path/full) + float64(n-lost)*math.Log((1-path)/(1-full))
	if math.Abs(l.odds) < math.Log(experimentOdds) && at < experimentInterval+1+longestExperiment {
		return lossNothing
	}
	l.trying = 0
	l.share = float64(l.tried) / float64(l.of)
	if l.odds > 0 {
		l.path = l.share
		return lossIsPath
	}
	return lossIsOurs
}

// bear takes what is lost for the path's own, without an experiment.
func (l *lossTrack) bear() { l.trying, l.path = 0, l.before }
