package aec

import "time"

// Stats are the statistics of a Canceller. Levels are in centibels (0.1 dB),
// smoothed over the last second in which the far end was active.
type Stats struct {
	// Delay is from a sample's ProcessFarEnd to its echo, to a millisecond once
	// the filter has settled and to 20 ms before; Locked says that it was found.
	Delay  time.Duration `json:"delay_ns"`
	Locked bool          `json:"locked"`
	// ERLcB is the far end's level less the microphone's, LinearERLEcB what the
	// adaptive filter takes away, ERLEcB what filter and suppressor do.
	ERLcB        int `json:"erl_cb"`
	LinearERLEcB int `json:"linear_erle_cb"`
	ERLEcB       int `json:"erle_cb"`
	// DriftPPM is by how much faster the far end's clock is taken to run than
	// the microphone's.
	DriftPPM int `json:"drift_ppm"`
	// Divergences counts restarts of the main filter because it made the echo
	// louder, PathChanges those because the search filter did better.
	Divergences int64 `json:"divergences"`
	PathChanges int64 `json:"path_changes"`
	// DoubleTalk says that both ends talk now.
	DoubleTalk bool `json:"double_talk"`
	// Frames counts frames of the microphone; in DoubleTalkFrames both ends
	// talked, in HalfDuplexFrames the microphone heard something and was muted
	// because the echo path was not known.
	Frames           int64 `json:"frames"`
	DoubleTalkFrames int64 `json:"double_talk_frames"`
	HalfDuplexFrames int64 `json:"half_duplex_frames"`
}

// levels are smoothed powers of hops while the far end is active, Q8.
type levels struct{ far, mic, err, out int64 }

func meanSquare(x []int32) int64 {
	var s int64
	for _, v := range x {
		s += int64(v) * int64(v)
	}
	return s / int64(len(x))
}

func (l *levels) follow(far, mic, err, out int64) {
	l.far += (far - l.far) >> 6
	l.mic += (mic - l.mic) >> 6
	l.err += (err - l.err) >> 6
	l.out += (out - l.out) >> 6
}

// centibels returns 100·lg(a/b).
func centibels(a, b int64) int {
	// lg 2 = 0.30103
	return int(log2Q8(a+1)-log2Q8(b+1)) * 30103 / 256 / 1000
}

// Stats returns the statistics.
func (c *Canceller) Stats() Stats {
	s := c.stats
	s.Locked = c.search.onset >= 0
	if s.Locked {
		s.Delay = c.delay()
	}
	s.ERLcB = centibels(c.levels.far, c.levels.mic)
	s.LinearERLEcB = centibels(c.levels.mic, c.levels.err)
	s.ERLEcB = centibels(c.levels.mic, c.levels.out)
	s.DriftPPM = c.drift.ppm()
	s.DoubleTalk = c.supp.doubleTalk()
	return s
}

// delay is where the echo begins: the first tap of the main filter that has half
// of the largest's height, plus what the far end is read late by.
func (c *Canceller) delay() time.Duration {
	late := time.Duration(c.drift.lagQ32>>16) * time.Second / (coreRate << 16)
	if !c.settled {
		return time.Duration(c.search.onset)*20*time.Millisecond + late
	}
	const parts = 3
	f := c.main
	var top int32
	first := 0
	for p := range min(parts, f.parts) {
		c.far.fft.Inverse(f.time, f.weight[p*f.stride:][:c.far.bins], c.far.work)
		for i, v := range f.time[:2*hop] {
			h := max(v, -v)
			if h>>1 > top {
				first = 2*hop*p + i
			}
			top = max(top, h)
		}
	}
	return time.Duration(2*hop*c.place+first)*time.Second/coreRate + late
}
