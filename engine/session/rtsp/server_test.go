package rtsp

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
)

// reader is the library's client, which reads everything.
type reader struct {
	*gortsplib.Client
	video, voice *description.Media
	mu           sync.Mutex
	pictures     []rtp.Packet // all packets of the picture
	sounds       []rtp.Packet
	names        int // sender reports with a source's name
	reports      map[*description.Media]rtcp.SenderReport
}

func at(s *Server, who string) string {
	return fmt.Sprintf("rtsp://%s127.0.0.1:%d%s", who, s.Port(), Path)
}

func newReader(t *testing.T, s *Server, transport gortsplib.Transport) (*reader, error) {
	t.Helper()
	r := &reader{Client: &gortsplib.Client{Transport: &transport}, reports: map[*description.Media]rtcp.SenderReport{}}
	u, err := base.ParseURL(at(s, user+":"+pass+"@"))
	if err != nil {
		t.Fatal(err)
	}
	r.Scheme, r.Host = u.Scheme, u.Host
	if err := r.Start2(); err != nil {
		return nil, err
	}
	t.Cleanup(r.Close)
	d, _, err := r.Describe(u)
	if err != nil {
		return nil, err
	}
	if err := r.SetupAll(d.BaseURL, d.Medias); err != nil {
		return nil, err
	}
	for _, m := range d.Medias {
		r.OnPacketRTCP(m, func(p rtcp.Packet) {
			r.mu.Lock()
			defer r.mu.Unlock()
			switch p := p.(type) {
			case *rtcp.SourceDescription:
				r.names++
			case *rtcp.SenderReport:
				r.reports[m] = *p
			}
		})
		if m.Type == description.MediaTypeVideo {
			r.video = m
		} else {
			r.voice = m
		}
	}
	r.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if c := *p; m == r.video {
			r.pictures = append(r.pictures, c)
		} else {
			r.sounds = append(r.sounds, c)
		}
	})
	_, err = r.Play(nil)
	return r, err
}

func (r *reader) counts() (pictures, sounds int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pictures), len(r.sounds)
}

// TestReader reads picture and sound over both transports: from a key frame on,
// without a gap, in step to the millisecond.
func TestReader(t *testing.T) {
	for _, transport := range []gortsplib.Transport{gortsplib.TransportTCP, gortsplib.TransportUDP} {
		t.Run(transport.String(), func(t *testing.T) {
			s := newSource(t, true)
			srv := newServer(t, s, func(o *Options) { o.UDPPort = freePair(t) })
			time.Sleep(400 * time.Millisecond) // the stream's own key frame is long past
			r, err := newReader(t, srv, transport)
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "a viewer more, and a rate for it", func() bool { return s.viewers.Load() == 1 && s.plan.Load() > 0 })
			eventually(t, "two seconds of packets", func() bool { p, a := r.counts(); return p > 60 && a > 60 })
			// What is lost is not sent again: a key frame helps.
			r.mu.Lock()
			first := r.pictures[0]
			r.mu.Unlock()
			if err := r.WritePacketRTCP(r.video, &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: first.SSRC, FractionLost: 3}}}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "a key frame after a loss", func() bool { return s.asked(session.ReasonPLI) > 0 })
			r.mu.Lock()
			defer r.mu.Unlock()
			var d codecs.VP8Packet
			if b, err := d.Unmarshal(first.Payload); err != nil || d.S != 1 || b[0]&1 != 0 {
				t.Errorf("the first packet does not begin a key frame (%v)", err)
			}
			for _, list := range [][]rtp.Packet{r.pictures, r.sounds} {
				missing := 0
				for i := 1; i < len(list); i++ {
					missing += int(list[i].SequenceNumber - list[i-1].SequenceNumber - 1)
				}
				// A busy machine's kernel may lose datagrams.
				if missing > 0 && (transport == gortsplib.TransportTCP || missing > len(list)/50) {
					t.Errorf("%d packets are missing between %d", missing, len(list))
				}
			}
			r.inStep(t, s, r.video, r.pictures[len(r.pictures)-1], 0, time.Second/fps)
			r.inStep(t, s, r.voice, r.sounds[len(r.sounds)-1], voiceOffset, 20*time.Millisecond)
			if r.names < 2 {
				t.Errorf("%d source descriptions, want one with each report", r.names)
			}
			r.Close()
			eventually(t, "the end of the reader", func() bool { return s.viewers.Load() == 0 && s.Stats().Readers == 0 })
		})
	}
}

// inStep checks that the time that a reader finds for a packet is one at which
// something was captured.
func (r *reader) inStep(t *testing.T, s *source, m *description.Media, p rtp.Packet, offset, period time.Duration) {
	t.Helper()
	sr, ok := r.reports[m]
	if !ok || sr.SSRC != p.SSRC {
		t.Fatalf("%s: no sender report for source %x", m.Type, p.SSRC)
	}
	// The client's own PacketNTP takes the fraction of a second for nanoseconds.
	ntp := time.Unix(int64(sr.NTPTime>>32)-2208988800, int64(sr.NTPTime&0xffffffff*uint64(time.Second)>>32))
	ntp = ntp.Add(time.Duration(int32(p.Timestamp-sr.RTPTime)) * time.Second / time.Duration(m.Formats[0].ClockRate()))
	off := (ntp.Sub(s.start) - offset) % period
	if off > period/2 {
		off -= period
	}
	if off < -period/2 {
		off += period
	}
	if off.Abs() > 1500*time.Microsecond {
		t.Errorf("%s: %v beside the time of capture", m.Type, off)
	}
}

// TestRefused holds that nothing is told without a credential.
func TestRefused(t *testing.T) {
	s := newSource(t, true)
	srv := newServer(t, s, nil)
	for _, c := range []struct{ who, path string }{{"", Path}, {user + ":wrong@", Path}, {"NOBODY00:" + pass + "@", Path}, {user + ":" + pass + "@", "/other"}} {
		u, err := base.ParseURL(strings.TrimSuffix(at(srv, c.who), Path) + c.path)
		if err != nil {
			t.Fatal(err)
		}
		client := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host}
		if err := client.Start2(); err != nil {
			t.Fatal(err)
		}
		if d, _, err := client.Describe(u); err == nil {
			t.Errorf("%q %s: told %+v", c.who, c.path, d)
		}
		client.Close()
	}
	// SETUP without DESCRIBE, and a session that nobody has set up.
	for _, ask := range []string{
		"SETUP rtsp://h/live/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
		"PLAY rtsp://h/live RTSP/1.0\r\nCSeq: 1\r\nSession: 1\r\n\r\n",
		"ANNOUNCE rtsp://h/live RTSP/1.0\r\nCSeq: 1\r\n\r\n",
	} {
		if got := exchange(t, srv, ask); strings.HasPrefix(got, "RTSP/1.0 200") || got == "" {
			t.Errorf("%q: answer %q", ask, got)
		}
	}
	if got := exchange(t, srv, "DESCRIBE rtsp://h/live RTSP/1.0\r\nCSeq: 1\r\n\r\n"); !strings.HasPrefix(got, "RTSP/1.0 401") || !strings.Contains(got, `Digest realm="test"`) || strings.Contains(got, "Basic") {
		t.Errorf("answer %q, want a challenge for digest alone", got)
	}
	if s.viewers.Load() != 0 || s.Stats().Readers != 0 {
		t.Error("somebody reads")
	}
}

// exchange sends a request on a connection of its own and returns the answer.
func exchange(t *testing.T, s *Server, ask string) string {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, ask); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 4096)
	n, _ := c.Read(b)
	return string(b[:n])
}

// TestSlowReader: one that takes nothing is ended, and another misses nothing. The
// third place stays usable all the time, a fourth reader is refused.
func TestSlowReader(t *testing.T) {
	s := newSource(t, false)
	var log logBuffer
	srv := newServer(t, s, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	slow, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", srv.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	_ = slow.(*net.TCPConn).SetReadBuffer(4096)
	startSlow(t, srv, slow)
	good, err := newReader(t, srv, gortsplib.TransportTCP)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newReader(t, srv, gortsplib.TransportTCP); err != nil {
		t.Fatal(err)
	}
	if _, err := newReader(t, srv, gortsplib.TransportTCP); err == nil {
		t.Error("a fourth reader was let in")
	}
	if n := s.Stats().Readers; n != 3 {
		t.Fatalf("%d readers", n)
	}
	// 600 kB/s: more than any queue holds after some seconds.
	f := media.EncodedVideo{Data: make([]byte, 20_000), Key: true}
	eventually(t, "the end of a reader that takes nothing", func() bool {
		f.CapturedAt = time.Now()
		s.WriteVideo(&f)
		time.Sleep(time.Second / fps)
		return s.Stats().Readers == 2
	})
	if !log.contains("does not keep up") {
		t.Error("the reader was not ended because its queue was full")
	}
	sent := f.CapturedAt
	eventually(t, "the last frame", func() bool {
		good.mu.Lock()
		defer good.mu.Unlock()
		last := good.pictures[len(good.pictures)-1]
		return last.Marker && time.Since(sent) > 100*time.Millisecond
	})
	good.mu.Lock()
	defer good.mu.Unlock()
	for i := 1; i < len(good.pictures); i++ {
		if good.pictures[i].SequenceNumber != good.pictures[i-1].SequenceNumber+1 {
			t.Fatal("the other reader misses packets")
		}
	}
}

// TestConnections: who only occupies connections is bounded, and let go.
func TestConnections(t *testing.T) {
	s := newSource(t, false)
	srv := newServer(t, s, func(o *Options) { o.authTime = 5 * time.Second })
	open := 0
	for range 3 + spareConnections + 5 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", srv.Port()))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"); err != nil {
			continue
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 512)); err == nil {
			open++
		}
	}
	if open != 3+spareConnections {
		t.Errorf("%d connections are served, want %d", open, 3+spareConnections)
	}
	began := time.Now()
	eventually(t, "an answer, when strangers' time is over", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", srv.Port()))
		if err != nil {
			return false
		}
		defer c.Close()
		_, _ = io.WriteString(c, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		n, _ := c.Read(make([]byte, 512))
		return n > 0
	})
	if since := time.Since(began); since > 9*time.Second {
		t.Errorf("served again after %v", since)
	}
}

// TestExpiry: a reader is ended when its token's time is over, and when the node
// stops.
func TestExpiry(t *testing.T) {
	s := newSource(t, true)
	srv := newServer(t, s, func(o *Options) {
		o.Authorize = func(remote string, c *Credential) (session.Grant, error) {
			g, err := authorize(remote, c)
			g.Expires = time.Now().Add(time.Second)
			return g, err
		}
	})
	r, err := newReader(t, srv, gortsplib.TransportTCP)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the reader goes on after its token's time")
	}
	eventually(t, "the end of the reader", func() bool { return s.viewers.Load() == 0 })
	if p, _ := r.counts(); p == 0 {
		t.Error("the reader has seen nothing")
	}
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) contains(s string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(b.text.String(), s)
}
