package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/pixel"
)

// snapshotQuality is the JPEG quality of snapshots (0 to 100).
const snapshotQuality = 85

// ErrNoCamera is returned where the node has no camera.
var ErrNoCamera = errors.New("engine: this node has no camera")

// snapshots are the requests for the next picture.
type snapshots struct {
	changed func() // called when the number of waiting requests changes

	mu   sync.Mutex
	want []chan *media.Picture
}

func (s *snapshots) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.want)
}

// deliver hands p to everybody who waits; each gets a reference.
func (s *snapshots) deliver(p *media.Picture) {
	s.mu.Lock()
	want := s.want
	s.want = nil
	s.mu.Unlock()
	if len(want) == 0 {
		return
	}
	for _, c := range want {
		p.Retain()
		c <- p
	}
	s.changed()
}

func (s *snapshots) next(ctx context.Context) (*media.Picture, error) {
	c := make(chan *media.Picture, 1)
	s.mu.Lock()
	s.want = append(s.want, c)
	s.mu.Unlock()
	s.changed()
	select {
	case p := <-c:
		return p, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for i, w := range s.want {
		if w == c {
			s.want = append(s.want[:i], s.want[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	s.changed()
	select {
	case p := <-c: // delivered in the meantime
		return p, nil
	default:
		return nil, ctx.Err()
	}
}

// Snapshot writes the next picture to w as JPEG, opening the camera if need be.
// It waits at most until ctx is done.
func (e *Engine) Snapshot(ctx context.Context, w io.Writer) error {
	if e.devices.Camera == nil {
		return ErrNoCamera
	}
	start := time.Now()
	// Who takes one picture often takes another soon. Said now: once the picture
	// is there, the camera closes if nobody else wants it.
	e.Prewarm()
	p, err := e.shots.next(ctx)
	if err != nil {
		if state := e.Camera(); state.Err != "" {
			return fmt.Errorf("engine: no picture within %.1f s: %s", time.Since(start).Seconds(), state.Err)
		}
		return fmt.Errorf("engine: no picture within %.1f s: %w", time.Since(start).Seconds(), err)
	}
	defer p.Release()
	return pixel.EncodeJPEG(w, p, snapshotQuality)
}
