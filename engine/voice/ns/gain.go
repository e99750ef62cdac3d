package ns

import "github.com/edgecam/edgecam/engine/fixed"

const (
	// oldQ10 is the weight of the last frame's speech in the a-priori SNR: 0.87.
	// Frames of 32 ms that overlap by two thirds need less than the usual 0.98,
	// and onsets stay sharp.
	oldQ10 = 890
	// leastSNR bounds the a-priori SNR from below.
	leastSNR = -18 * decibel
	// Where less than a quarter (thinLog) of a frame's power is left as speech,
	// gains are averaged over neighbours, up to mostReach on both sides.
	thinLog, mostReach = -2 << 10, 3
)

// depth is how far noise is turned down in pauses and beside speech.
type depth struct{ pauseDB, speechDB int32 }

var depths = map[Strength]depth{Low: {12, 10}, Mid: {22, 18}, High: {30, 24}}

// gains finds the gain of every cell: the log-spectral amplitude estimator
// (Y. Ephraim, D. Malah, IEEE TASSP 33 (1985)) with the decision-directed
// a-priori SNR (the same, TASSP 32 (1984)). In frames without speech all cells
// go to one gain: what is left of the noise keeps its own sound, no tones come
// and go in it.
type gains struct {
	pause, besides int32   // the least gains, log2 of amplitude in Q10
	speech         []int64 // power that the last frame's gains left
	log            []int32 // log2 of the amplitude gain, Q10
	sum            []int32
	gainQ15        []int32
	floor          int32 // the least gain now
	presenceQ10    int32
}

func (g *gains) init(cells int, s Strength) {
	d := depths[s]
	g.pause, g.besides = -d.pauseDB*decibel/2, -d.speechDB*decibel/2
	g.speech = make([]int64, cells)
	g.log, g.sum, g.gainQ15 = make([]int32, cells), make([]int32, cells+1), make([]int32, cells)
}

func (g *gains) update(power []int64, powerLog []int32, noise *tracker, presenceQ10 int32) {
	g.presenceQ10 = presenceQ10
	g.floor = g.pause + (g.besides-g.pause)*presenceQ10>>10
	if presenceQ10 == 0 {
		g.rest(power)
		return
	}
	var left, all int64
	cells := len(power)
	powerLog = powerLog[:cells]
	noises, noiseLogs, logs, speeches := noise.power[:cells], noise.powerLog[:cells], g.log[:cells], g.speech[:cells]
	for c, p := range power {
		n, nLog := noises[c], noiseLogs[c]
		posterior := powerLog[c] - nLog
		speech := speeches[c]>>10*oldQ10 + max(p-n, 0)>>10*(1<<10-oldQ10)
		prior := max(fixed.Log2Q10(uint64(speech))-nLog, leastSNR)
		wiener := lookup(wienerQ10[:], prior, wienerFirst)
		log := min(wiener+nearest(expintQ10[:], wiener+posterior, expintFirst), 0)
		logs[c] = log
		a := int64(fixed.Exp2Q15(log))
		clean := (p >> 8) * (a * a >> 15) >> 7
		speeches[c] = clean
		left, all = left+clean>>12, all+p>>12
	}
	for c, log := range logs {
		logs[c] = g.floor + (max(log, g.floor)-g.floor)*presenceQ10>>10
	}
	g.average(fixed.Log2Q10(uint64(left+1)) - fixed.Log2Q10(uint64(all+1)))
	gainQ15 := g.gainQ15[:len(logs)]
	for c, log := range logs {
		gainQ15[c] = fixed.Exp2Q15(log)
	}
}

// rest is update for a frame without speech.
func (g *gains) rest(power []int64) {
	a := fixed.Exp2Q15(g.floor)
	kept := int64(a) * int64(a) >> 15
	for c, p := range power {
		g.gainQ15[c], g.speech[c] = a, p>>8*kept>>7
	}
}

// average smooths the gains over frequency in frames of which little is left
// (T. Esch, P. Vary, "Efficient musical noise suppression for speech
// enhancement systems", ICASSP 2009). share is log2 of what is left, Q10.
func (g *gains) average(share int32) {
	reach := int(min((thinLog-share)>>9, mostReach))
	if reach <= 0 {
		return
	}
	cells := len(g.log)
	for c, log := range g.log {
		g.sum[c+1] = g.sum[c] + log
	}
	for c := range g.log {
		a, b := max(c-reach, 0), min(c+reach+1, cells)
		g.log[c] = (g.sum[b] - g.sum[a]) / int32(b-a)
	}
}
