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

// CardID opens the simulated sound card.
const CardID = "sim"

// SoundOptions sets the simulated sound card and its room. The zero value is a
// voice of -26 dBFS in a small room where the speaker is heard 12 dB down.
type SoundOptions struct {
	// VoiceLevelDBFS is the active level of the voice; 0 means -26.
	VoiceLevelDBFS float64
	// NoiseLevelDBFS is the level of the room's noise; 0 means -66.
	NoiseLevelDBFS float64
	// MuteVoice leaves noise and echo alone in the microphone.
	MuteVoice bool
	// EchoDelay is the way from the speaker's converter to the microphone's on
	// the direct path; 0 means 8 ms. At most one second.
	EchoDelay time.Duration
	// EchoGainDB is the gain of the direct path; 0 means -12.
	EchoGainDB float64
	// NoEcho keeps the speaker out of the microphone.
	NoEcho bool
	// DecayTime is the room's reverberation time (RT60); 0 means 250 ms. At
	// most one second.
	DecayTime time.Duration
	// ClipDBFS distorts what the speaker emits, as small drivers do when loud:
	// samples bend towards that level, -60 to 0; 0 means no distortion.
	ClipDBFS float64
	// DriftPPM is how much faster the card's clock runs than the system's, in
	// millionths, SpeakerDriftPPM how much faster the speaker's converter runs
	// than the microphone's, as with two cards.
	DriftPPM, SpeakerDriftPPM float64
	// ToneHz, unless 0, puts bursts of a tone in the place of the voice: 0.4 s on,
	// 0.2 s off.
	ToneHz float64
	// SpeakerBuffer is how far ahead the speaker takes blocks; 0 means 40 ms.
	// At least 20 ms, at most one second.
	SpeakerBuffer time.Duration
	// Seed varies voice and noise.
	Seed uint64
}

func (o SoundOptions) withDefaults() SoundOptions {
	level := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	span := func(p *time.Duration, v, lo, hi time.Duration) {
		if *p == 0 {
			*p = v
		}
		*p = min(max(*p, lo), hi)
	}
	level(&o.VoiceLevelDBFS, -26)
	level(&o.NoiseLevelDBFS, -66)
	level(&o.EchoGainDB, -12)
	o.ClipDBFS = min(max(o.ClipDBFS, -60), 0)
	span(&o.EchoDelay, 8*time.Millisecond, 0, time.Second)
	span(&o.DecayTime, 250*time.Millisecond, time.Millisecond, time.Second)
	span(&o.SpeakerBuffer, 40*time.Millisecond, 20*time.Millisecond, time.Second)
	return o
}

// SoundDriver is a [hal.SoundDriver] with one card, [CardID]. Microphone and
// speaker run on the same simulated clock unless SpeakerDriftPPM is given.
type SoundDriver struct {
	opts  SoundOptions
	start time.Time
	rate  float64 // of the card's clock, in samples per second of the system's
	ratio float64 // of the speaker's rate to it

	mu                  sync.Mutex
	room                room
	mute                bool // the voice is silent
	gainCB              int  // the microphone's analogue gain
	unplugged           bool
	mic                 *microphone
	speaker             *speaker
	played              playedRing
	overruns, underruns uint64
}

var _ hal.SoundDriver = (*SoundDriver)(nil)

// NewSoundDriver returns a driver with one card that is plugged in.
func NewSoundDriver(opts SoundOptions) *SoundDriver {
	opts = opts.withDefaults()
	return &SoundDriver{
		opts: opts, start: time.Now(), room: newRoom(opts), mute: opts.MuteVoice,
		rate: media.EngineRateHz * (1 + opts.DriftPPM/1e6), ratio: 1 + opts.SpeakerDriftPPM/1e6,
	}
}

// Cards lists the simulated card, or nothing while it is unplugged.
func (d *SoundDriver) Cards(ctx context.Context) ([]hal.CardInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, contextError("list", CardID, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unplugged {
		return nil, nil
	}
	return []hal.CardInfo{{
		ID: CardID, Name: "Simulated sound card", Driver: "sim",
		Capture: true, Playback: true, Rates: []int{media.EngineRateHz}, IsDefault: true,
	}}, nil
}

func (d *SoundDriver) openError(ctx context.Context, id string, taken bool) error {
	if err := ctx.Err(); err != nil {
		return contextError("open", id, err)
	}
	fail := func(kind hal.Kind, why string) error {
		return &hal.Error{Op: "open", Path: id, Kind: kind, Err: errors.New(why)}
	}
	switch {
	case id != CardID && id != "":
		return fail(hal.Gone, `there is no such simulated sound card (its id is "sim")`)
	case d.unplugged:
		return fail(hal.Gone, "the simulated sound card is unplugged")
	case taken:
		return fail(hal.Busy, "the simulated sound card is open already: close it first")
	}
	return nil
}

// OpenMicrophone starts capture.
func (d *SoundDriver) OpenMicrophone(ctx context.Context, id string) (hal.Microphone, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.openError(ctx, id, d.mic != nil); err != nil {
		return nil, err
	}
	d.mic = newMicrophone(d)
	return d.mic, nil
}

// OpenSpeaker starts playback.
func (d *SoundDriver) OpenSpeaker(ctx context.Context, id string) (hal.Speaker, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.openError(ctx, id, d.speaker != nil); err != nil {
		return nil, err
	}
	d.speaker = &speaker{stream: newStream(d)}
	return d.speaker, nil
}

// Unplug takes the card away: open streams fail with Kind Gone until they are
// closed and opened again after Replug.
func (d *SoundDriver) Unplug() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unplugged = true
	if d.mic != nil {
		d.mic.unplug()
	}
	if d.speaker != nil {
		d.speaker.unplug()
	}
}

// Replug brings the card back.
func (d *SoundDriver) Replug() {
	d.mu.Lock()
	d.unplugged = false
	d.mu.Unlock()
}

// SetVoice lets the voice, or the tone, speak or be silent.
func (d *SoundDriver) SetVoice(on bool) {
	d.mu.Lock()
	d.mute = !on
	d.mu.Unlock()
}

// SetEcho changes the echo path, as when the door opens or a stream stumbles:
// the delay of the direct path, at most one second, and its gain.
func (d *SoundDriver) SetEcho(delay time.Duration, gainDB float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opts.EchoDelay, d.opts.EchoGainDB = min(max(delay, 0), time.Second), gainDB
	d.room = newRoom(d.opts)
}

// Overruns counts how often the microphone lost samples to a late reader.
func (d *SoundDriver) Overruns() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.overruns
}

// Underruns counts how often the speaker ran dry while it was playing.
func (d *SoundDriver) Underruns() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.underruns
}

// PlayedLevel returns the level of what the speaker played in the last window
// (at most 10 s) in dBFS (a full-scale sine has -3), or -Inf for silence.
func (d *SoundDriver) PlayedLevel(window time.Duration) float64 {
	sum, n := 0.0, 0
	d.eachPlayed(window, func(v int16) { sum += float64(v) * float64(v); n++ })
	return powerDB(sum, n)
}

// PlayedTone returns the level in dBFS of the sine of hz in what the speaker
// played in the last window (at most 10 s), or -Inf (Goertzel's algorithm).
func (d *SoundDriver) PlayedTone(hz float64, window time.Duration) float64 {
	k := 2 * math.Cos(2*math.Pi*hz/media.EngineRateHz)
	s1, s2, n := 0.0, 0.0, 0
	d.eachPlayed(window, func(v int16) { s1, s2 = float64(v)+k*s1-s2, s1; n++ })
	if n == 0 {
		return math.Inf(-1)
	}
	// A sine of amplitude A gives (A*n/2)²; its mean square is A²/2.
	return powerDB((s1*s1+s2*s2-k*s1*s2)*2/float64(n), n)
}

// Played copies the newest samples that the speaker played into dst, oldest
// first, and returns how many there were: at most 10 s at 48 kHz.
func (d *SoundDriver) Played(dst []int16) int {
	n := 0
	window := time.Duration(len(dst)) * time.Second / media.EngineRateHz
	d.eachPlayed(window+time.Millisecond, func(v int16) {
		if n == len(dst) {
			copy(dst, dst[1:])
			n--
		}
		dst[n] = v
		n++
	})
	return n
}

func (d *SoundDriver) eachPlayed(window time.Duration, f func(int16)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.played.position(d, time.Now())
	n := int64(min(max(window, 0), 10*time.Second).Seconds() * media.EngineRateHz)
	for p := max(now-n, 0); p < now; p++ {
		f(d.played.at(p))
	}
}

func powerDB(sumOfSquares float64, n int) float64 {
	if n == 0 || sumOfSquares <= 0 {
		return math.Inf(-1)
	}
	return 10 * math.Log10(sumOfSquares/float64(n)/(32768*32768))
}

// position is the card's sample count at a time, timeOf its inverse.
func (d *SoundDriver) position(t time.Time) int64 { return int64(t.Sub(d.start).Seconds() * d.rate) }

func (d *SoundDriver) timeOf(position int64) time.Time {
	return d.start.Add(time.Duration(math.Ceil(float64(position) / d.rate * 1e9)))
}

// playedRing holds the last samples that the speaker was given, by the
// speaker's sample count.
type playedRing struct {
	samples [1 << 19]int16
	end     int64 // the position after the last sample written
}

// position is the speaker's sample count at a time, timeOf its inverse.
func (r *playedRing) position(d *SoundDriver, t time.Time) int64 {
	return int64(t.Sub(d.start).Seconds() * d.rate * d.ratio)
}

func (r *playedRing) timeOf(d *SoundDriver, position int64) time.Time {
	return d.start.Add(time.Duration(math.Ceil(float64(position) / (d.rate * d.ratio) * 1e9)))
}

func (r *playedRing) at(p int64) int16 {
	if p < 0 || p >= r.end || p < r.end-int64(len(r.samples)) {
		return 0
	}
	return r.samples[p&int64(len(r.samples)-1)]
}

// write puts samples at position p, which is not before the end, and silence
// where nothing was written.
func (r *playedRing) write(p int64, samples []int16) {
	for q := max(r.end, p-int64(len(r.samples))); q < p; q++ {
		r.samples[q&int64(len(r.samples)-1)] = 0
	}
	for i, v := range samples {
		r.samples[(p+int64(i))&int64(len(r.samples)-1)] = v
	}
	r.end = p + int64(len(samples))
}
