package vad

import (
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/engine/fixed"
)

// ErrConfig is wrapped by the errors of New.
var ErrConfig = errors.New("vad: configuration")

// Config configures a Detector.
type Config struct {
	// RateHz is 8000, 16000, 32000 or 48000; 0 stands for 16000.
	RateHz int
	// Hangover is how many frames of 10 ms after the last speech still count as
	// speech, 1 to 200; 0 stands for 20.
	Hangover int
}

// Stats are counts since New and values of the last frame.
type Stats struct {
	Frames       int64 `json:"frames"`
	SpeechFrames int64 `json:"speech_frames"`
	// Onsets is how often a stretch of speech began.
	Onsets int64 `json:"onsets"`
	// LevelDBov is the power of the last frame in dB of full scale, -127 to 0
	// (RFC 6464's unit, negated).
	LevelDBov int `json:"level_dbov"`
	// ScoreQ10 is what is compared with ThresholdQ10: by how much the bands stand
	// above the background, as log2 of power.
	ScoreQ10     int32 `json:"score_q10"`
	ThresholdQ10 int32 `json:"threshold_q10"`
}

// Detector tells speech from background in one signal. It is for one goroutine.
type Detector struct {
	frame    int
	shift    uint // samples are scaled by 2^shift before the transform
	hangover int
	fft      *fixed.RealFFT
	windowQ15,
	time []int32
	history  []int16
	spectrum []fixed.Complex32
	work     []fixed.Complex32
	edges    [bands + 1]int
	back     background
	decision decision
	stats    Stats
}

// New returns a Detector.
func New(c Config) (*Detector, error) {
	if c.RateHz == 0 {
		c.RateHz = 16000
	}
	if c.Hangover == 0 {
		c.Hangover = 20
	}
	size, ok := map[int]int{8000: 256, 16000: 512, 32000: 1024, 48000: 1024}[c.RateHz]
	if !ok {
		return nil, fmt.Errorf("%w: rate %d Hz, must be 8000, 16000, 32000 or 48000: resample first", ErrConfig, c.RateHz)
	}
	if c.Hangover < 1 || c.Hangover > 200 {
		return nil, fmt.Errorf("%w: hangover of %d frames, must be 1 to 200", ErrConfig, c.Hangover)
	}
	transform, err := fixed.NewRealFFT(size)
	if err != nil {
		return nil, fmt.Errorf("vad: %w", err)
	}
	hop := c.RateHz / 100
	d := &Detector{
		frame: hop, hangover: c.Hangover, fft: transform,
		windowQ15: make([]int32, 2*hop), time: make([]int32, size), history: make([]int16, 2*hop),
		spectrum: make([]fixed.Complex32, size/2+1), work: make([]fixed.Complex32, size/2),
	}
	for d.shift = 15; size>>(15-d.shift) > 1; d.shift-- {
	}
	for i := range d.windowQ15 {
		s := int64(fixed.SinQ30(uint32(int64(2*i+1) << 30 / int64(2*hop))))
		d.windowQ15[i] = int32(s * s >> 45)
	}
	for i, hz := range edgesHz {
		d.edges[i] = hz * size / c.RateHz
	}
	d.stats.LevelDBov = -127
	return d, nil
}

// FrameSamples returns the number of samples of a frame of 10 ms.
func (d *Detector) FrameSamples() int { return d.frame }

// Stats returns the statistics.
func (d *Detector) Stats() Stats { return d.stats }

// Speech returns the last decision of Process.
func (d *Detector) Speech() bool { return d.decision.speech }

// Process takes the next frame, FrameSamples samples, and reports whether
// speech is present, hangover included. frame is not changed.
func (d *Detector) Process(frame []int16) (speech bool, err error) {
	if len(frame) != d.frame {
		return false, fmt.Errorf("vad: frame of %d samples, must be %d (10 ms)", len(frame), d.frame)
	}
	var sum int64
	for _, v := range frame {
		sum += int64(v) * int64(v)
	}
	d.stats.LevelDBov = levelDBov(sum / int64(d.frame))
	copy(d.history, d.history[d.frame:])
	copy(d.history[d.frame:], frame)
	for i, v := range d.history {
		d.time[i] = int32(v) * d.windowQ15[i] >> (15 - d.shift)
	}
	clear(d.time[2*d.frame:])
	d.fft.Forward(d.spectrum, d.time, d.work)
	var powers [bands]int32
	for b := range powers {
		powers[b] = d.band(d.edges[b], d.edges[b+1])
	}
	score := d.back.score(&powers)
	was := d.decision.speech
	speech = d.decision.decide(score, d.stats.LevelDBov, d.hangover)
	d.back.update(&powers, d.decision.above)
	d.stats.Frames++
	if speech {
		d.stats.SpeechFrames++
		if !was {
			d.stats.Onsets++
		}
	}
	d.stats.ScoreQ10, d.stats.ThresholdQ10 = d.decision.score, d.decision.threshold()
	return speech, nil
}

// band returns log2 (Q10) of the mean power of bins from to to-1. Below the
// power of white noise of a quarter of a step it is held level, so that digital
// silence is a background like any other.
func (d *Detector) band(from, to int) int32 {
	var p uint64
	for _, x := range d.spectrum[from:to] {
		p += uint64(int64(x.Re)*int64(x.Re)+int64(x.Im)*int64(x.Im)) >> 4
	}
	least := uint64(d.frame) << (2 * d.shift) >> 8
	return fixed.Log2Q10(max(p/uint64(to-from), least))
}
