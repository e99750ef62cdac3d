package sim

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// micBuffer is how late a reader may come before samples are lost.
const micBuffer = media.EngineRateHz / 5

// stream is what microphone and speaker have in common: waiting and ending.
type stream struct {
	driver     *SoundDriver
	timer      *time.Timer
	closeOnce  sync.Once
	unplugOnce sync.Once
	closed     chan struct{}
	gone       chan struct{}
}

func newStream(d *SoundDriver) *stream {
	s := &stream{driver: d, timer: time.NewTimer(time.Hour), closed: make(chan struct{}), gone: make(chan struct{})}
	s.timer.Stop()
	return s
}

func (s *stream) unplug() { s.unplugOnce.Do(func() { close(s.gone) }) }

// wait returns nil at the time, or why not to go on.
func (s *stream) wait(ctx context.Context, op string, until time.Time) error {
	gone := func() error {
		return &hal.Error{Op: op, Path: CardID, Kind: hal.Gone, Err: errors.New("the simulated sound card was unplugged")}
	}
	select {
	case <-s.closed:
		return hal.ErrClosed
	case <-s.gone:
		return gone()
	case <-ctx.Done():
		return contextError(op, CardID, ctx.Err())
	default:
	}
	d := time.Until(until)
	if d <= 0 {
		return nil
	}
	s.timer.Reset(d)
	defer s.timer.Stop()
	select {
	case <-s.timer.C:
		return nil
	case <-s.closed:
		return hal.ErrClosed
	case <-s.gone:
		return gone()
	case <-ctx.Done():
		return contextError(op, CardID, ctx.Err())
	}
}

type microphone struct {
	*stream
	voice *voice
	next  int64 // card position of the next block
	noise noiseSource
	mixed [media.BlockSamples]float32
}

func newMicrophone(d *SoundDriver) *microphone {
	return &microphone{
		stream: newStream(d), voice: newVoice(d.opts.VoiceLevelDBFS, d.opts.Seed),
		next: d.position(time.Now()), noise: newNoiseSource(d.opts.NoiseLevelDBFS, d.opts.Seed),
	}
}

// tone adds the tone of SoundOptions.ToneHz.
func (m *microphone) tone(dst []float32) {
	const period, on = 6 * media.EngineRateHz / 10, 4 * media.EngineRateHz / 10
	o := &m.driver.opts
	amplitude := math.Sqrt2 * 32768 * math.Pow(10, o.VoiceLevelDBFS/20)
	for i := range dst {
		if p := m.next + int64(i); p%period < on {
			dst[i] += float32(amplitude * math.Sin(2*math.Pi*o.ToneHz*float64(p)/media.EngineRateHz))
		}
	}
}

// Read waits until the block's last sample was captured.
func (m *microphone) Read(ctx context.Context, b *media.Block) error {
	d := m.driver
	if err := m.wait(ctx, "read", d.timeOf(m.next+media.BlockSamples)); err != nil {
		return err
	}
	lost := int64(0)
	if late := d.position(time.Now()) - (m.next + media.BlockSamples); late > micBuffer {
		lost = late
		m.next += late
	}
	clear(m.mixed[:])
	d.mu.Lock()
	mute := d.mute
	d.mu.Unlock()
	switch {
	case mute:
	case d.opts.ToneHz > 0:
		m.tone(m.mixed[:])
	default:
		m.voice.add(m.mixed[:])
	}
	m.noise.add(m.mixed[:])
	d.mu.Lock()
	if !d.opts.NoEcho {
		d.room.add(m.mixed[:], &d.played, m.next, d.ratio)
	}
	if lost > 0 {
		d.overruns++
	}
	gain := float32(math.Pow(10, float64(d.gainCB)/200))
	d.mu.Unlock()
	for i, v := range m.mixed {
		b.Samples[i] = int16(min(max(v*gain, -32768), 32767))
	}
	b.CapturedAt = d.timeOf(m.next)
	m.next += media.BlockSamples
	if lost > 0 {
		return &hal.Error{Op: "read", Path: CardID, Kind: hal.Overrun, Err: errors.New("the reader came too late")}
	}
	return nil
}

// Close ends a waiting Read.
func (m *microphone) Close() error {
	m.closeOnce.Do(func() {
		close(m.closed)
		m.driver.mu.Lock()
		m.driver.mic = nil
		m.driver.mu.Unlock()
	})
	return nil
}

// The simulated card's analogue gain, in centibels.
const minGainCB, maxGainCB, gainStepCB = -120, 240, 15

var _ hal.CaptureGain = (*microphone)(nil)

// GainRange is -12 to +24 dB.
func (m *microphone) GainRange() (minCB, maxCB int, ok bool) { return minGainCB, maxGainCB, true }

// Gain returns the gain; it outlives the stream, as a card's does.
func (m *microphone) Gain() (int, error) {
	m.driver.mu.Lock()
	defer m.driver.mu.Unlock()
	return m.driver.gainCB, nil
}

// SetGain sets the gain in steps of 1.5 dB.
func (m *microphone) SetGain(cB int) error {
	cB = min(max(cB, minGainCB), maxGainCB)
	m.driver.mu.Lock()
	defer m.driver.mu.Unlock()
	m.driver.gainCB = int(math.Round(float64(cB)/gainStepCB)) * gainStepCB
	return nil
}

type speaker struct {
	*stream
	playing bool
	silence uint64
}

var _ hal.SilenceCounter = (*speaker)(nil)

// Write queues a block; it waits while SpeakerBuffer is full.
func (s *speaker) Write(ctx context.Context, b *media.Block) error {
	d := s.driver
	ahead := int64(d.opts.SpeakerBuffer.Seconds() * media.EngineRateHz)
	d.mu.Lock()
	room := d.played.timeOf(d, d.played.end+media.BlockSamples-ahead)
	d.mu.Unlock()
	if err := s.wait(ctx, "write", room); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.played.end
	if now := d.played.position(d, time.Now()); at < now {
		if s.playing {
			d.underruns++
			s.silence += uint64(now - at)
		}
		at = now
	}
	s.playing = true
	d.played.write(at, b.Samples[:])
	return nil
}

// Silence is how many samples were not there in time.
func (s *speaker) Silence() uint64 {
	s.driver.mu.Lock()
	defer s.driver.mu.Unlock()
	return s.silence
}

// Delay is the time that queued blocks still take.
func (s *speaker) Delay() time.Duration {
	d := s.driver
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(time.Until(d.played.timeOf(d, d.played.end)), 0)
}

// Close ends a waiting Write; what is queued is still played.
func (s *speaker) Close() error {
	s.closeOnce.Do(func() {
		close(s.closed)
		s.driver.mu.Lock()
		s.driver.speaker = nil
		s.driver.mu.Unlock()
	})
	return nil
}
