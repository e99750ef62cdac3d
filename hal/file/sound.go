package file

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// SoundOptions sets the driver.
type SoundOptions struct {
	// Paths are listed by Cards; others may be opened too.
	Paths []string
}

// SoundDriver is a [hal.SoundDriver] whose microphones play WAV files. It has
// no speakers.
type SoundDriver struct{ opts SoundOptions }

var _ hal.SoundDriver = (*SoundDriver)(nil)

// NewSoundDriver returns a driver; it opens nothing yet.
func NewSoundDriver(opts SoundOptions) *SoundDriver { return &SoundDriver{opts: opts} }

// Cards lists the configured files; what is wrong with one is its Problem.
func (d *SoundDriver) Cards(ctx context.Context) ([]hal.CardInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, contextError("list", Prefix, err)
	}
	var infos []hal.CardInfo
	for i, p := range d.opts.Paths {
		path := strings.TrimPrefix(p, Prefix)
		info := hal.CardInfo{ID: Prefix + path, Name: filepath.Base(path), Driver: "file", Capture: true, IsDefault: i == 0}
		if err := checkFile(path); err != nil {
			info.Problem = err.Error()
		} else if w, err := openWAV(path); err != nil {
			info.Problem = err.Error()
		} else {
			info.Rates = []int{w.rateHz}
			w.close()
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// OpenMicrophone plays the WAV file with that id in a loop; "" is the first of
// Paths.
func (d *SoundDriver) OpenMicrophone(ctx context.Context, id string) (hal.Microphone, error) {
	if id == "" && len(d.opts.Paths) > 0 {
		id = d.opts.Paths[0]
	}
	path := strings.TrimPrefix(id, Prefix)
	if err := ctx.Err(); err != nil {
		return nil, contextError("open", path, err)
	}
	if err := checkFile(path); err != nil {
		return nil, err
	}
	w, err := openWAV(path)
	if err != nil {
		return nil, deviceError("open", path, err)
	}
	m := &microphone{
		path: path, wav: w, resample: newResampler(w.rateHz, media.EngineRateHz),
		timer: time.NewTimer(time.Hour), closed: make(chan struct{}), start: time.Now(),
	}
	m.timer.Stop()
	return m, nil
}

// OpenSpeaker fails: recordings are not made here.
func (d *SoundDriver) OpenSpeaker(_ context.Context, id string) (hal.Speaker, error) {
	return nil, &hal.Error{Op: "open", Path: id, Kind: hal.Unsupported, Err: errors.New("a file is no speaker: choose another device for playback")}
}

// maxLate is how late a reader may come before the recording waits for it.
const maxLate = 200 * time.Millisecond

type microphone struct {
	path     string
	wav      *wavFile
	resample *resampler
	timer    *time.Timer
	start    time.Time
	blocks   int64

	reading   sync.Mutex // held by Read; Close closes the file after it
	closeOnce sync.Once
	closed    chan struct{}
}

// Read returns the next block at the time when a microphone would have it.
func (m *microphone) Read(ctx context.Context, b *media.Block) error {
	m.reading.Lock()
	defer m.reading.Unlock()
	select {
	case <-m.closed:
		return hal.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return contextError("read", m.path, err)
	}
	begin := m.start.Add(time.Duration(m.blocks) * media.BlockDuration)
	if late := time.Since(begin) - media.BlockDuration; late > maxLate {
		m.start, begin = m.start.Add(late), begin.Add(late)
	}
	if d := time.Until(begin.Add(media.BlockDuration)); d > 0 {
		m.timer.Reset(d)
		defer m.timer.Stop()
		select {
		case <-m.timer.C:
		case <-m.closed:
			return hal.ErrClosed
		case <-ctx.Done():
			return contextError("read", m.path, ctx.Err())
		}
	}
	if err := m.resample.fill(b.Samples[:], m.wav); err != nil {
		return deviceError("read", m.path, err)
	}
	b.CapturedAt = begin
	m.blocks++
	return nil
}

// Close ends a waiting Read and closes the file.
func (m *microphone) Close() error {
	m.closeOnce.Do(func() {
		close(m.closed)
		m.reading.Lock()
		defer m.reading.Unlock()
		m.wav.close()
	})
	return nil
}
