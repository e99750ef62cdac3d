package station

import (
	"context"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/video/jitter"
	"github.com/edgecam/edgecam/engine/video/pixel"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/hal"
)

const (
	// wakeMost is the longest sleep of the picture goroutine.
	wakeMost = 100 * time.Millisecond
	// recordKeys is how far apart key frames may be while recording: so fine one
	// can seek.
	recordKeys = 10 * time.Second
	// displayRetry is the pause before a display that failed is opened again.
	displayRetry = 5 * time.Second
)

// pictureStats are counted by the picture goroutine.
type pictureStats struct {
	mu            sync.Mutex
	decoded, keys uint64
	broken        uint64
	displayed     uint64
	width, height int
	decodeTime    time.Duration
	firstAt       time.Time
}

// video takes a packet from the session.
func (l *link) video(p session.VideoPacket) {
	l.mu.Lock()
	if p.HasPlayoutDelay && p.PlayoutDelay != l.delay || p.HasPlayoutDelay && !l.hasDelay {
		l.delay, l.hasDelay = p.PlayoutDelay, true
		if l.s.cfg.MaxDelay == 0 {
			l.buf.SetDelay(p.PlayoutDelay.Min, p.PlayoutDelay.Max)
		}
	}
	l.buf.Insert(jitter.Packet{SequenceNumber: p.SequenceNumber, Timestamp: p.Timestamp, Marker: p.Marker, Payload: p.Payload, Resent: p.Resent}, p.ArrivedAt)
	l.mu.Unlock()
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

func (l *link) videoClock(ntp uint64, rtp uint32) {
	l.mu.Lock()
	l.buf.SenderReport(ntp, rtp)
	l.mu.Unlock()
}

// runPicture decodes and shows frames when they are due, and asks for what is
// missing.
func (l *link) runPicture(ctx context.Context) {
	dec := vp8.NewDecoder(vp8.DecoderOptions{Threads: l.s.cfg.Threads})
	defer dec.Close()
	screen := screen{l: l}
	defer screen.close()
	timer := time.NewTimer(wakeMost)
	defer timer.Stop()
	var lastRTT, lastKey time.Time
	for ctx.Err() == nil {
		now := time.Now()
		client := l.client.Load()
		if client != nil && now.Sub(lastRTT) > time.Second {
			lastRTT = now
			l.mu.Lock()
			l.buf.SetRPSI(client.WantsReferences())
			if rtt := client.RTT(); rtt > 0 {
				l.buf.SetRTT(rtt)
			}
			l.mu.Unlock()
		}
		for ctx.Err() == nil {
			l.mu.Lock()
			f, ok := l.buf.Next(time.Now())
			l.mu.Unlock()
			if !ok {
				break
			}
			if f.Key {
				lastKey = time.Now()
			}
			l.picture(ctx, dec, &f, &screen)
		}
		l.mu.Lock()
		now = time.Now()
		fb := l.buf.Feedback(now)
		wake := l.buf.Wake(now, wakeMost)
		l.mu.Unlock()
		if l.s.rec != nil && !lastKey.IsZero() && now.Sub(lastKey) > recordKeys {
			lastKey, fb.PLI = now, true
		}
		if client != nil {
			client.Ask(fb.NACK, fb.PLI)
			client.HaveReferences(fb.RPSI)
		}
		timer.Reset(max(wake.Sub(now), time.Millisecond))
		select {
		case <-ctx.Done():
		case <-l.kick:
		case <-timer.C:
		}
	}
}

// picture decodes one frame and puts it where it belongs.
func (l *link) picture(ctx context.Context, dec *vp8.Decoder, f *jitter.Frame, screen *screen) {
	start := time.Now()
	p, err := dec.Decode(f.Data)
	took := time.Since(start)
	info := dec.Info()
	l.mu.Lock()
	l.buf.Decoded(err == nil, took, time.Now())
	if err == nil && f.HasPictureID && (info.RefreshGolden || info.RefreshAltRef) {
		l.buf.Stored(f.PictureID)
	}
	l.mu.Unlock()
	st := &l.shown
	st.mu.Lock()
	if err != nil {
		st.broken++
		st.mu.Unlock()
		return
	}
	st.decoded++
	st.decodeTime += took
	if f.Key {
		st.keys++
	}
	first := st.firstAt.IsZero()
	if first {
		st.firstAt = start
	}
	if p != nil {
		st.width, st.height = p.Width, p.Height
	}
	st.mu.Unlock()
	if first {
		l.s.event(Event{Type: "picture", At: start})
	}
	if l.s.rec != nil {
		l.s.rec.video(f.Data, f.Timestamp, start)
	}
	if p != nil && screen.show(ctx, p) {
		st.mu.Lock()
		st.displayed++
		st.mu.Unlock()
	}
}

// screen is the display and the picture that fits it.
type screen struct {
	l       *link
	display hal.Display
	fitted  *media.Picture
	inner   media.Picture // the part of fitted with the picture in it
	tried   time.Time
}

// show scales the picture into the screen's middle, with black around it where
// the shapes differ, and reports whether it is seen.
func (s *screen) show(ctx context.Context, p *media.Picture) bool {
	open := s.l.s.devices.Display
	if open == nil {
		return false
	}
	if s.display == nil {
		if !s.tried.IsZero() && time.Since(s.tried) < displayRetry {
			return false
		}
		s.tried = time.Now()
		d, err := open(ctx)
		if err != nil {
			s.l.s.log.Warn("display not available, trying again", "kind", hal.KindOf(err).String(), "error", err)
			return false
		}
		s.display, s.fitted = d, nil
	}
	w, h := s.display.Size()
	out := p
	if p.Width != w || p.Height != h {
		s.fit(p, w, h)
		pixel.Scale(&s.inner, p)
		out = s.fitted
	}
	if err := s.display.Show(out); err != nil {
		s.l.s.log.Warn("display failed, trying again", "kind", hal.KindOf(err).String(), "error", err)
		s.close()
		return false
	}
	return true
}

// fit lays the picture's shape into w by h pixels, at even places.
func (s *screen) fit(p *media.Picture, w, h int) {
	iw, ih := w, p.Height*w/p.Width
	if ih > h {
		iw, ih = p.Width*h/p.Height, h
	}
	iw, ih = max(iw&^1, min(2, w)), max(ih&^1, min(2, h))
	if s.fitted != nil && s.fitted.Width == w && s.fitted.Height == h && s.inner.Width == iw && s.inner.Height == ih {
		return
	}
	f := media.NewPicture(w, h)
	for i := range f.Y {
		f.Y[i] = 16
	}
	for i := range f.U {
		f.U[i], f.V[i] = 128, 128
	}
	x, y := (w-iw)/2&^1, (h-ih)/2&^1
	c := y/2*f.UVStride + x/2
	s.fitted = f
	s.inner = media.Picture{
		Width: iw, Height: ih, Y: f.Y[y*f.YStride+x:], U: f.U[c:], V: f.V[c:], YStride: f.YStride, UVStride: f.UVStride,
	}
}

func (s *screen) close() {
	if s.display != nil {
		if err := s.display.Close(); err != nil {
			s.l.s.log.Warn("display close failed", "error", err)
		}
		s.display = nil
	}
}
