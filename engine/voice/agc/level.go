package agc

import "github.com/edgecam/edgecam/engine/fixed"

const (
	// longFrames is the memory of the average: 4 s of speech.
	longFrames = 400
	// recentFrames are compared with it: 0.8 s of speech.
	recentFrames = 80
	// stepDB is how far they must lie off for the average to start anew. The
	// mean of 0.8 s of even speech strays by less.
	stepDB = 6
	// anewFrames are what the average then starts from: 0.25 s of speech. Older
	// ones may be from before the step.
	anewFrames = 25
)

// level measures the active level of speech from frame powers.
type level struct {
	mean   int64 // mean power of speech frames, Q12
	frames int64 // in mean, at most longFrames
	recent [recentFrames]int64
	at, n  int
	steps  int64
}

// add takes the mean power (Q12) of a frame that holds speech.
func (l *level) add(power int64) {
	l.recent[l.at] = power
	l.at = (l.at + 1) % recentFrames
	l.n = min(l.n+1, recentFrames)
	var peak int64
	for _, p := range l.recent[:l.n] {
		peak = max(peak, p)
	}
	least := peak >> 7 // 21 dB
	if power < least {
		return
	}
	l.frames = min(l.frames+1, longFrames)
	l.mean += (power - l.mean) / l.frames
	if l.n < recentFrames {
		return
	}
	var sum, n int64
	for _, p := range l.recent {
		if p >= least {
			sum, n = sum+p, n+1
		}
	}
	now := sum / n
	if d := fixed.Log2Q10(uint64(now)) - fixed.Log2Q10(uint64(l.mean)); d > stepDB*decibel || d < -stepDB*decibel {
		l.anew(least)
	}
}

// anew starts the average from the newest frames above least.
func (l *level) anew(least int64) {
	l.mean, l.frames = 0, 0
	for i := range anewFrames {
		p := l.recent[(l.at+recentFrames-1-i)%recentFrames]
		if p >= least {
			l.mean, l.frames = l.mean+p, l.frames+1
		}
	}
	l.mean /= max(l.frames, 1)
	l.steps++
}
