package ns

import (
	"errors"
	"fmt"

	"github.com/edgecam/edgecam/engine/fixed"
)

// ErrConfig is wrapped by the errors of New.
var ErrConfig = errors.New("ns: configuration")

// Strength says how far noise is turned down.
type Strength int

// The strengths: how far noise is turned down at most.
const (
	Mid  Strength = iota // by 22 dB in pauses, 18 dB beside speech
	Low                  // by 12 and 10 dB
	High                 // by 30 and 24 dB
)

// Config configures a Suppressor.
type Config struct {
	// RateHz is 8000, 16000, 32000 or 48000; 0 stands for 16000.
	RateHz int
	// Strength is Mid if zero.
	Strength Strength
}

// Suppressor reduces the noise of one signal. It is for one goroutine.
type Suppressor struct {
	hop, window    int
	fft            *fixed.RealFFT
	shift          uint // samples are scaled by 2^shift before the transform
	analysisQ15    []int32
	synthQ15       []int32
	history        []int16 // the last window samples
	overlap        []int32 // second half of the last synthesis
	time           []int32
	spectrum, work []fixed.Complex32
	est            *estimator
	windowLog      int32 // log2 of the transform's size times the window's energy, Q10
}

// New returns a Suppressor.
func New(c Config) (*Suppressor, error) {
	if c.RateHz == 0 {
		c.RateHz = 16000
	}
	size, ok := map[int]int{8000: 256, 16000: 512, 32000: 1024, 48000: 2048}[c.RateHz]
	if !ok {
		return nil, fmt.Errorf("%w: rate %d Hz, must be 8000, 16000, 32000 or 48000: resample first", ErrConfig, c.RateHz)
	}
	if c.Strength < Mid || c.Strength > High {
		return nil, fmt.Errorf("%w: unknown strength %d", ErrConfig, c.Strength)
	}
	hop := c.RateHz / 100
	window := min(size, 32*c.RateHz/1000)
	transform, err := fixed.NewRealFFT(size)
	if err != nil {
		return nil, fmt.Errorf("ns: %w", err)
	}
	s := &Suppressor{
		hop: hop, window: window, fft: transform,
		history: make([]int16, window), overlap: make([]int32, hop), time: make([]int32, size),
		spectrum: make([]fixed.Complex32, size/2+1), work: make([]fixed.Complex32, size/2),
		est: newEstimator(c.RateHz, size, c.Strength),
	}
	for s.shift = 15; size > 1; size /= 2 {
		s.shift--
	}
	s.windows()
	return s, nil
}

// windows makes the pair of Mauler and Martin ("A low delay, variable
// resolution, perfect reconstruction spectral analysis-synthesis system",
// EUSIPCO 2007): the analysis window is long (32 ms) for frequency resolution
// and falls within one hop; the product with the synthesis window is a Hann
// window of two hops, so that the delay is one hop.
func (s *Suppressor) windows() {
	// sine is sin(π/2·(i+1/2)/n) in Q30.
	sine := func(i, n int) int64 {
		return int64(fixed.SinQ30(uint32(int64(2*i+1) << 30 / int64(2*n))))
	}
	rise := s.window - s.hop
	s.analysisQ15 = make([]int32, s.window)
	s.synthQ15 = make([]int32, 2*s.hop)
	var energy int64 // Q30
	for i := range s.window {
		var a int64
		if i < rise {
			a = sine(i, rise)
		} else {
			a = sine(s.window-1-i, s.hop)
		}
		s.analysisQ15[i] = int32((a + 1<<14) >> 15)
		energy += a * a >> 30
		k := i - (s.window - 2*s.hop)
		if k < 0 {
			continue
		}
		h := sine(k, s.hop) // one period of the sine: its square is Hann's window
		if k >= s.hop {
			h = sine(2*s.hop-1-k, s.hop)
		}
		s.synthQ15[k] = int32((h * h >> 30 << 15) / a)
	}
	s.windowLog = fixed.Log2Q10(uint64(energy)) - 30<<10 + fixed.Log2Q10(uint64(s.fft.Size()))
}

// Delay returns the delay of the output against the input in samples: 10 ms.
func (s *Suppressor) Delay() int { return s.hop }

// FrameSamples returns the number of samples of a frame of 10 ms.
func (s *Suppressor) FrameSamples() int { return s.hop }

// Process reduces the noise of frame, FrameSamples samples, in place.
func (s *Suppressor) Process(frame []int16) error {
	if len(frame) != s.hop {
		return fmt.Errorf("ns: frame of %d samples, must be %d (10 ms)", len(frame), s.hop)
	}
	copy(s.history, s.history[s.hop:])
	copy(s.history[s.window-s.hop:], frame)
	down := (15 - s.shift) & 31
	round := int32(1) << down >> 1
	time, window := s.time[:len(s.history)], s.analysisQ15[:len(s.history)]
	for i, v := range s.history {
		time[i] = (int32(v)*window[i] + round) >> down
	}
	clear(s.time[s.window:])
	s.fft.Forward(s.spectrum, s.time, s.work)
	s.est.process(s.spectrum)
	s.fft.Inverse(s.time, s.spectrum, s.work)
	s.synthesise(frame)
	return nil
}

// synthesise adds the new window to the rest of the last one.
func (s *Suppressor) synthesise(frame []int16) {
	shift := (15 + s.shift) & 63
	round := int64(1) << shift >> 1
	n := len(frame)
	overlap := s.overlap[:n]
	first, second := s.time[s.window-2*n:][:n], s.time[s.window-n:][:n]
	rise, fall := s.synthQ15[:n], s.synthQ15[n:][:n]
	for i := range frame {
		y := (int64(first[i])*int64(rise[i])+round)>>shift + int64(overlap[i])
		frame[i] = int16(min(max(y, -32768), 32767))
		overlap[i] = int32((int64(second[i])*int64(fall[i]) + round) >> shift)
	}
}

// Stats are counts since New and the state after the last frame.
type Stats struct {
	Frames int64 `json:"frames"`
	// SpeechPercent is how sure it is that the last frame holds speech.
	SpeechPercent int `json:"speech_percent"`
	// AttenuationDB is how far noise is turned down now.
	AttenuationDB int `json:"attenuation_db"`
	// NoiseDBFS is the tracked noise's power in dB of that of a full-scale square
	// wave, -127 before the first frame.
	NoiseDBFS int `json:"noise_dbfs"`
}

// Stats returns the statistics.
func (s *Suppressor) Stats() Stats {
	out := Stats{
		Frames: s.est.frames, SpeechPercent: int(s.est.gains.presenceQ10) * 100 >> 10,
		AttenuationDB: int((-2*s.est.gains.floor + decibel/2) / decibel), NoiseDBFS: -127,
	}
	if s.est.frames > 0 {
		out.NoiseDBFS = s.noiseDBFS()
	}
	return out
}

// noiseDBFS sums the noise spectrum up (Parseval's theorem).
func (s *Suppressor) noiseDBFS() int {
	var sum uint64
	for c, p := range s.est.noise.power {
		sum += uint64(p) >> 10 * uint64(s.est.edges[c+1]-s.est.edges[c])
	}
	// A spectrum of full scale has the power of the window, which is
	// 2^(2·shift) · Σ analysis² per sample squared; both sides of it count.
	log := fixed.Log2Q10(sum) + (10+powerShift+1)<<10 - int32(2*s.shift)<<10 - s.windowLog
	return int(max((log-30<<10-decibel/2)/decibel, -127))
}
