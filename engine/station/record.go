package station

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/jitter"
	"github.com/edgecam/edgecam/engine/video/webm"
	"github.com/edgecam/edgecam/engine/voice/opus"
)

// recorder writes what was seen and heard. The voice is coded anew, as it was
// played: whatever its codec, with losses concealed.
type recorder struct {
	mu      sync.Mutex
	w       *webm.Writer
	enc     *opus.Encoder // nil without sound
	started time.Time
	noVideo bool
	err     error
	closed  bool

	// Frames keep the distance of their RTP timestamps, as long as those agree
	// with the clock.
	baseTS int64
	baseAt time.Duration
	hasTS  bool
	// Sound is a count of samples, as long as it agrees with the clock.
	voiceAt time.Duration
	hasAt   bool
}

// drift is how far a recording's time may be from the clock's.
const drift = 200 * time.Millisecond

func newRecorder(out io.WriteSeeker, audio, video bool) (*recorder, error) {
	r := &recorder{w: webm.NewWriter(out, webm.Options{Audio: audio, NoVideo: !video}), noVideo: !video}
	if audio {
		var err error
		if r.enc, err = opus.NewEncoder(opus.EncoderConfig{}); err != nil {
			return nil, fmt.Errorf("station: record: %w", err)
		}
	}
	return r, nil
}

// since returns the recording's time, which begins with the first frame.
func (r *recorder) since(now time.Time) time.Duration {
	if r.started.IsZero() {
		r.started = now
	}
	return now.Sub(r.started)
}

func (r *recorder) video(data []byte, ts int64, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	clock := r.since(now)
	at := r.baseAt + time.Duration(ts-r.baseTS)*time.Second/jitter.RateHz
	if off := at - clock; !r.hasTS || off > drift || off < -drift {
		r.hasTS, r.baseTS, r.baseAt, at = true, ts, clock, clock
	}
	r.keep(r.w.WriteVideo(data, at))
}

func (r *recorder) audio(b *media.Block) {
	if r.enc == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || !r.noVideo && r.started.IsZero() {
		return // the recording begins with a picture
	}
	p, ok, err := r.enc.Encode(b)
	if err != nil || !ok {
		r.keep(err)
		return
	}
	clock := r.since(p.CapturedAt)
	if off := r.voiceAt - clock; !r.hasAt || off > drift || off < -drift {
		r.hasAt, r.voiceAt = true, clock
	}
	r.keep(r.w.WriteAudio(p.Data, r.voiceAt))
	r.voiceAt += p.Duration
}

// keep remembers the first error.
func (r *recorder) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *recorder) bytes() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.w.Bytes()
}

// close ends the recording and returns the first error of it.
func (r *recorder) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed = true
		r.keep(r.w.Close())
	}
	if r.err != nil {
		return fmt.Errorf("station: record: %w", r.err)
	}
	return nil
}
