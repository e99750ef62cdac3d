package cn

import (
	"fmt"
	"math"
	"math/bits"
)

// EncoderConfig sets an Encoder up.
type EncoderConfig struct {
	// RateHz is the sampling rate, 8000 to 48000, a multiple of 100.
	RateHz int
	// Order is the number of reflection coefficients, 0 to MaxOrder. With 0 only
	// the level is sent. More describe the spectrum more finely: 5 is good at 8 kHz.
	Order int
}

// smoothing is by which part (in bits) a new frame moves the average.
const smoothing = 3

// Encoder describes noise. Give it the frames in which nobody speaks; it averages
// over about 160 ms, so that the description does not flutter.
type Encoder struct {
	cfg       EncoderConfig
	windowQ15 []int16
	windowed  []int16
	corr      [MaxOrder + 1]int64 // average autocorrelation per frame
	energyQ8  int64               // average mean square
	started   bool
}

// NewEncoder returns an Encoder, or an error that wraps ErrConfig.
func NewEncoder(cfg EncoderConfig) (*Encoder, error) {
	if err := checkRate(cfg.RateHz); err != nil {
		return nil, err
	}
	if cfg.Order < 0 || cfg.Order > MaxOrder {
		return nil, fmt.Errorf("%w: order %d, must be 0 to %d", ErrConfig, cfg.Order, MaxOrder)
	}
	n := cfg.RateHz / 50
	e := &Encoder{cfg: cfg, windowQ15: make([]int16, n), windowed: make([]int16, n)}
	for i := range e.windowQ15 {
		e.windowQ15[i] = int16(math.Round(32767 * math.Sin(math.Pi*(float64(i)+0.5)/float64(n))))
	}
	return e, nil
}

func checkRate(rateHz int) error {
	if rateHz < 8000 || rateHz > 48000 || rateHz%100 != 0 {
		return fmt.Errorf("%w: rate %d Hz, must be a multiple of 100 from 8000 to 48000", ErrConfig, rateHz)
	}
	return nil
}

// RateHz is the rate of what Encode takes.
func (e *Encoder) RateHz() int { return e.cfg.RateHz }

// FrameSamples is how many samples Encode takes: 20 ms.
func (e *Encoder) FrameSamples() int { return len(e.windowed) }

// MaxPacketBytes is the room that Encode needs.
func (e *Encoder) MaxPacketBytes() int { return 1 + e.cfg.Order }

// Reset forgets the noise heard so far.
func (e *Encoder) Reset() { e.started = false }

// Encode takes a frame of noise, FrameSamples samples, and writes the payload that
// describes the noise of late into packet, which has room for MaxPacketBytes. It
// returns the number of bytes. How often one is sent is the caller's decision.
// Errors wrap ErrSize.
func (e *Encoder) Encode(pcm []int16, packet []byte) (int, error) {
	if len(pcm) != len(e.windowed) {
		return 0, fmt.Errorf("%w: %d samples, a frame has %d", ErrSize, len(pcm), len(e.windowed))
	}
	if len(packet) < e.MaxPacketBytes() {
		return 0, fmt.Errorf("%w: room for %d bytes, a payload has %d", ErrSize, len(packet), e.MaxPacketBytes())
	}
	e.analyse(pcm)
	p := Parameters{LevelDBov: levelOf(e.energyQ8), Order: e.cfg.Order}
	reflections(&p.ReflectionQ15, &e.corr, e.cfg.Order)
	return p.Put(packet), nil
}

// analyse moves the averages by a frame.
func (e *Encoder) analyse(pcm []int16) {
	var energy int64
	for i, s := range pcm {
		energy += int64(s) * int64(s)
		e.windowed[i] = int16((int32(s)*int32(e.windowQ15[i]) + 1<<14) >> 15)
	}
	meanQ8 := energy << 8 / int64(len(pcm))
	if !e.started {
		e.energyQ8 = meanQ8
	}
	e.energyQ8 += (meanQ8 - e.energyQ8) >> smoothing
	for k := range e.cfg.Order + 1 {
		var r int64
		for i, s := range e.windowed[k:] {
			r += int64(s) * int64(e.windowed[i])
		}
		r <<= 8 // so that the average of quiet frames keeps its fraction
		if !e.started {
			e.corr[k] = r
		}
		e.corr[k] += (r - e.corr[k]) >> smoothing
	}
	e.started = true
}

// reflections solves for the reflection coefficients of an autocorrelation by
// Schur's recursion.
func reflections(kQ15 *[MaxOrder]int16, corr *[MaxOrder + 1]int64, order int) {
	*kQ15 = [MaxOrder]int16{}
	// Normalized to 30 bits; a floor of -30 dB keeps the filter tame.
	shift := max(bits.Len64(uint64(corr[0]))-30, 0)
	var forward, backward [MaxOrder + 1]int64
	for i := range order + 1 {
		forward[i] = corr[i] >> shift
	}
	forward[0] += forward[0]>>10 + 1
	backward = forward
	for i := range order {
		k := -forward[i+1] << 15 / backward[0]
		k = min(max(k, -32511), 32511)
		kQ15[i] = int16(k)
		for j := range order - i {
			f, b := forward[i+1+j], backward[j]
			forward[i+1+j] = f + (k*b+1<<14)>>15
			backward[j] = b + (k*f+1<<14)>>15
		}
		if backward[0] <= 0 {
			return
		}
	}
}
