package rtsp

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/video/vp8"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = 15 * time.Second
	fps      = 30
	// voiceOffset sets the sound's capture times apart from the pictures'.
	voiceOffset = 7 * time.Millisecond
	user, pass  = "ABCD2345", "ec_ABCD2345_secret"
)

// source is a manager with a microphone, and unless somebody else writes pictures a
// camera, whose capture times are known.
type source struct {
	*session.Manager
	start   time.Time
	wantKey atomic.Bool
	keys    atomic.Int32
	viewers atomic.Int32
	plan    atomic.Int64
	mu      sync.Mutex
	reasons map[string]int
}

func newSource(t *testing.T, real bool) *source {
	t.Helper()
	s := &source{reasons: map[string]int{}}
	cfg := session.Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, false
	m, err := session.New(cfg, session.Hooks{
		KeyFrameNeeded: func(_ media.Stream, reason string) {
			s.mu.Lock()
			s.reasons[reason]++
			s.mu.Unlock()
			s.wantKey.Store(true)
		},
		ViewersChanged: func(n int) { s.viewers.Store(int32(n)) },
		VideoPlan:      func(p session.VideoPlan) { s.plan.Store(int64(p.MainBps)) },
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Manager, s.start = m, time.Now().Add(20*time.Millisecond)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	if real {
		wg.Go(func() { s.camera(t, stop) })
	}
	wg.Go(func() { s.microphone(t, stop) })
	t.Cleanup(func() {
		close(stop)
		wg.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *source) asked(reason string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reasons[reason]
}

func (s *source) camera(t *testing.T, stop chan struct{}) {
	e, err := vp8.NewEncoder(vp8.EncoderConfig{Width: 320, Height: 180, FrameRate: fps, BitrateBps: 400_000, Speed: 8})
	if err != nil {
		t.Error(err)
		return
	}
	defer e.Close()
	p := media.NewPicture(320, 180)
	for i := 0; ; i++ {
		at := s.start.Add(time.Duration(i) * time.Second / fps)
		select {
		case <-stop:
			return
		case <-time.After(time.Until(at)):
		}
		for y := range 180 {
			for x := range 320 {
				p.Y[y*p.YStride+x] = byte(x + y + 3*i)
			}
		}
		force := s.wantKey.Swap(false)
		f, err := e.Encode(p, vp8.FrameOptions{ForceKey: force})
		if err != nil {
			t.Error(err)
			return
		}
		if len(f.Data) == 0 {
			continue
		}
		if f.Key {
			s.keys.Add(1)
		}
		f.CapturedAt = at
		s.WriteVideo(&f)
	}
}

func (s *source) microphone(t *testing.T, stop chan struct{}) {
	e, err := codec.NewEncoder(voiceFormat, 32_000)
	if err != nil {
		t.Error(err)
		return
	}
	var b media.Block
	for i := 0; ; i++ {
		b.CapturedAt = s.start.Add(voiceOffset + time.Duration(i)*media.BlockDuration)
		select {
		case <-stop:
			return
		case <-time.After(time.Until(b.CapturedAt)):
		}
		for j := range b.Samples {
			b.Samples[j] = int16(8000 * math.Sin(2*math.Pi*440*float64(i*len(b.Samples)+j)/48000))
		}
		packet, ok, err := e.Encode(&b)
		if err != nil {
			t.Error(err)
			return
		}
		if ok {
			s.WriteAudio(voiceFormat, &packet)
		}
	}
}

// authorize knows one user.
func authorize(_ string, c *Credential) (session.Grant, error) {
	h := func(parts ...string) string {
		sum := md5.Sum([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum[:])
	}
	if c == nil {
		return session.Grant{}, errors.New("no credential")
	}
	if c.Username != user || c.Response != h(h(user, "test", pass), c.Nonce, h(c.Method, c.URI)) {
		return session.Grant{}, errors.New("wrong credential")
	}
	return session.Grant{Subject: "recorder", View: true}, nil
}

// newServer serves s until the test ends.
func newServer(t *testing.T, s *source, change func(*Options)) *Server {
	t.Helper()
	o := Options{Listen: "127.0.0.1:0", MaxReaders: 3, Voice: true, Realm: "test", Authorize: authorize}
	if change != nil {
		change(&o)
	}
	srv, err := New(s.Manager, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the server does not end")
		}
	})
	return srv
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about in %v", what, patience)
		}
	}
}
