package session

import (
	"bytes"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/media"
)

func TestKeyFrameGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var asked []string
		g := newKeyFrameGate(func(r string) {
			mu.Lock()
			asked = append(asked, r)
			mu.Unlock()
		})
		want := func(step string, n int) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if len(asked) != n {
				t.Fatalf("%s: asked %v, want %d requests", step, asked, n)
			}
		}
		g.request(ReasonPLI)
		want("first request", 1)
		g.request(ReasonPLI)
		g.request(ReasonJoin)
		want("while one is under way", 1)
		time.Sleep(30 * time.Millisecond)
		g.served()
		g.request(ReasonFIR)
		want("another cause", 2)
		g.served()
		g.request(ReasonPLI)
		want("same cause too early", 2)
		time.Sleep(keyFrameInterval)
		synctest.Wait()
		want("kept until the interval is over", 3)
		g.served()
		g.request(ReasonJoin)
		g.served()
		g.request(ReasonJoin)
		want("joining does not wait", 5)
		g.served()
		g.request(ReasonPLI) // too early: kept
		g.request(ReasonJoin)
		g.served() // helps the one that lost its picture
		time.Sleep(2 * keyFrameInterval)
		synctest.Wait()
		want("a key frame cancels what was kept", 6)
		g.request(ReasonJoin)
		time.Sleep(keyFrameInterval)
		g.request(ReasonOverrun)
		want("an encoder that does not answer is asked again", 8)
		g.served()
		g.request(ReasonOverrun)
		g.close()
		time.Sleep(2 * keyFrameInterval)
		synctest.Wait()
		want("closed", 8)
	})
}

func TestMediaClock(t *testing.T) {
	epoch := time.Date(2026, 3, 1, 12, 0, 0, 999_999_999, time.UTC)
	c := newMediaClock(epoch)
	if got := c.ticks(epoch.Add(100*time.Hour+time.Second/90000*45), 90000); got != 100*3600*90000+44 && got != 100*3600*90000+45 {
		t.Errorf("ticks after 100 h: %d", got)
	}
	for _, d := range []time.Duration{-3 * time.Hour, -1, 0, 1, time.Second, 49 * time.Hour} {
		n := c.ntp(epoch.Add(d))
		at := time.Unix(int64(n>>32)-ntpUnixOffset, int64(n&0xffffffff*1e9>>32))
		if e := at.Sub(epoch.Add(d)); e < -2 || e > 2 {
			t.Errorf("NTP time %v off by %v", d, e)
		}
	}
}

func TestSampleClock(t *testing.T) {
	s := sampleClock{rateHz: 48000}
	at := int64(1000)
	last := s.stamp(at, 960)
	// 100 ppm drift with jitter: timestamps stay exact multiples, and the lag
	// follows the drift.
	for i := range int64(50 * 60 * 20) {
		at = 1000 + (i+1)*960 + (i+1)*960*100/1_000_000
		jitter := (i*7919)%480 - 240
		ts := s.stamp(at+jitter, 960)
		if ts != last+960 {
			t.Fatalf("packet %d: timestamp went %d", i, ts-last)
		}
		last = ts
	}
	if d := s.at(at) - last; d < -240 || d > 240 {
		t.Errorf("after 20 minutes a report is %d samples off", d)
	}
	// A real gap shows.
	if ts := s.stamp(at+960+48000, 960); ts < last+48000 || ts > last+49500 {
		t.Errorf("gap of a second: timestamp went %d", ts-last)
	} else {
		last = ts
	}
	if ts := s.stamp(at-96000, 960); ts != last+960 {
		t.Errorf("clock went back: timestamp went %d", ts-last)
	}
}

func TestPacketizer(t *testing.T) {
	pl := &pool{}
	pz := packetizer{pool: pl}
	at := label{picture: 0x7ffd, tl0: 254}
	var picture []uint16
	for i, size := range []int{1, 10, maxPayload - 6, maxPayload - 5, 40_000} {
		in := &media.EncodedVideo{
			Data: vp8Frame(i == 0, uint64(i), max(size, 11))[:size], Key: i == 0,
			TemporalID: uint8(i & 1), LayerSync: i == 1, NonReference: i&1 == 1,
		}
		f := pz.frame(in, 1234)
		at = at.follow(f.tid)
		var out []byte
		for k, p := range f.pkts {
			var d codecs.VP8Packet
			payload := bytes.Clone(p.payload())
			at.write(payload)
			b, err := d.Unmarshal(payload)
			if err != nil {
				t.Fatal(err)
			}
			if (d.S == 1) != (k == 0) || p.marker != (k == len(f.pkts)-1) || d.PID != 0 || p.n > maxPayload {
				t.Errorf("size %d packet %d of %d: %+v marker %v", size, k, len(f.pkts), d, p.marker)
			}
			if d.T != 1 || d.L != 1 || d.TID != in.TemporalID || d.TL0PICIDX != []uint8{255, 255, 0, 0, 1}[i] ||
				(d.Y == 1) != in.LayerSync || (d.N == 1) != in.NonReference {
				t.Errorf("frame %d: layers %+v", i, d)
			}
			if k == 0 {
				picture = append(picture, d.PictureID)
			}
			out = append(out, b...)
		}
		if !bytes.Equal(out, in.Data) {
			t.Errorf("size %d: data differs", size)
		}
		pl.release(f)
	}
	if want := []uint16{0x7ffe, 0x7fff, 0, 1, 2}; !slices.Equal(picture, want) {
		t.Errorf("picture IDs %x, want %x", picture, want)
	}
}

// writer is the transport of a viewer that tests control.
type writer struct {
	mu   sync.Mutex
	got  []rtp.Header
	data [][]byte // payloads, if kept
	keep bool
	gate chan struct{} // receive from it per packet when not nil
	n    atomic.Int64
}

func (w *writer) WriteRTP(h *rtp.Header, p []byte) (int, error) {
	if w.gate != nil {
		<-w.gate
	}
	w.n.Add(1)
	if w.keep {
		w.mu.Lock()
		w.got = append(w.got, *h)
		w.data = append(w.data, bytes.Clone(p))
		w.mu.Unlock()
	}
	return len(p) + 12, nil
}

func (w *writer) Write(b []byte) (int, error) { return len(b), nil }

// fakeViewer watches through w instead of a network.
func fakeViewer(m *Manager, w *writer) *Viewer {
	v := &Viewer{
		m: m, queue: make(chan *frame, maxQueuedVideo+maxQueuedAudio), done: make(chan struct{}),
		video: newOutTrack(webrtc.RTPCodecTypeVideo, webrtc.MimeTypeVP8, "0"), connectedAt: time.Now(),
		connect: time.NewTimer(time.Hour), log: m.log, path: newPath(m.clock.epoch, 1_000_000),
	}
	v.video.stream, v.video.bound = w, true
	return v
}

// loop is sendLoop without reports, which need a peer connection.
func (v *Viewer) loop() {
	var q pending
	for {
		select {
		case <-v.done:
			v.drain()
			return
		case f := <-v.queue:
			q.frames[q.n] = f
			q.n++
			v.sendDue(&q, time.Now().Add(paceSlack))
		}
	}
}

func TestStalledViewer(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	slow, fast := &writer{gate: make(chan struct{})}, &writer{}
	s, f := fakeViewer(n.Manager, slow), fakeViewer(n.Manager, fast)
	var wg sync.WaitGroup
	for _, v := range []*Viewer{s, f} {
		n.join(v)
		wg.Go(v.loop)
	}
	write := func(i uint64) {
		key := n.wantKey.Swap(false)
		n.WriteVideo(&media.EncodedVideo{Data: vp8Frame(key, i, 3000), Key: key, CapturedAt: time.Now()})
	}
	const frames = 200
	for i := range uint64(frames) {
		write(i)
		eventually(t, "fast viewer gets each frame", func() bool { return f.counters.framesSent.Load() == i+1 })
	}
	if got := s.counters.framesDropped.Load(); got < frames-maxQueuedVideo-2 {
		t.Errorf("stalled viewer dropped %d of %d frames", got, frames)
	}
	if s.counters.overruns.Load() != 1 || n.asked(ReasonOverrun) != 0 {
		t.Errorf("%d overruns, %d key frames asked for a viewer that takes none", s.counters.overruns.Load(), n.asked(ReasonOverrun))
	}
	// It recovers with a key frame when its network does.
	close(slow.gate)
	eventually(t, "stalled frames are gone", func() bool { return s.videoQueued.Load() == 0 })
	sent := s.counters.framesSent.Load()
	write(frames)
	write(frames + 1)
	eventually(t, "frames again", func() bool { return s.counters.framesSent.Load() > sent })
	if n.asked(ReasonOverrun) != 1 {
		t.Errorf("%d key frames asked for", n.asked(ReasonOverrun))
	}
	for _, v := range []*Viewer{s, f} {
		n.leave(v)
		close(v.done)
	}
	wg.Wait()
}

func TestSentTable(t *testing.T) {
	w := &writer{keep: true}
	tr := newOutTrack(webrtc.RTPCodecTypeVideo, webrtc.MimeTypeVP8, "0")
	tr.stream, tr.bound = w, true
	tr.seq = 0xff00 // wraps
	tr.sent.first = tr.seq
	for i := range uint64(3000) {
		if ok, err := tr.send(&packet{index: i*3 + 7, n: 10}, label{picture: uint16(i)}, 1); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	last := w.got[2999].SequenceNumber
	for back := range uint16(2000) {
		index, l, _, ok := tr.lookup(last-back, 1, 0)
		if want := uint32(2999-int(back))*3 + 7; ok != (back < sentEntries) || ok && (index != want || l.picture != 2999-back) {
			t.Fatalf("%d back: %d %v, want %d", back, index, ok, want)
		}
	}
	if _, _, _, ok := tr.lookup(last+1, 1, 0); ok {
		t.Error("a packet not sent yet was found")
	}
	// A packet is repeated once per gap, and a budget bounds all of them.
	tr.lookup(last, 1000, 10)
	if _, _, _, ok := tr.lookup(last, 1009, 10); ok {
		t.Error("repeated too soon")
	}
	if _, _, _, ok := tr.lookup(last, 1010, 10); !ok {
		t.Error("not repeated after the gap")
	}
	for range resendBurst/1000 + 1 {
		_ = tr.resend(&packet{n: 1000}, last, label{}, 0)
	}
	if _, _, _, ok := tr.lookup(last, 5000, 10); ok {
		t.Error("budget has no end")
	}
}

// TestAllocations: sending a frame to viewers allocates nothing.
func TestAllocations(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	var viewers []*Viewer
	var wg sync.WaitGroup
	for range 10 {
		v := fakeViewer(n.Manager, &writer{})
		viewers = append(viewers, v)
		n.join(v)
		wg.Go(v.loop)
	}
	data := vp8Frame(false, 1, 5000)
	key := vp8Frame(true, 1, 5000)
	n.WriteVideo(&media.EncodedVideo{Data: key, Key: true, CapturedAt: time.Now()})
	f := &media.EncodedVideo{Data: data}
	send := func() {
		f.CapturedAt = time.Now()
		n.WriteVideo(f)
		for _, v := range viewers {
			for v.videoQueued.Load() > 0 {
				time.Sleep(50 * time.Microsecond)
			}
		}
	}
	for range historyPackets { // fill history and pools
		send()
	}
	if a := testing.AllocsPerRun(200, send); a >= 1 {
		t.Errorf("%.1f allocations per frame", a)
	}
	for _, v := range viewers {
		n.leave(v)
		close(v.done)
	}
	wg.Wait()
}

// FuzzFeedback feeds a viewer's RTCP with whatever comes.
func FuzzFeedback(f *testing.F) {
	nack := &rtcp.TransportLayerNack{MediaSSRC: 7, Nacks: []rtcp.NackPair{{PacketID: 1, LostPackets: 0xffff}}}
	report := &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 7, LastSenderReport: 1, TotalLost: 1 << 23}}}
	for _, p := range []rtcp.Packet{nack, report, &rtcp.PictureLossIndication{MediaSSRC: 7}, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: 7}}}} {
		b, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	m := &Manager{clock: newMediaClock(time.Now()), log: slog.New(slog.DiscardHandler)}
	m.out.packets.pool = &m.pool
	for i := range m.gates {
		m.gates[i] = newKeyFrameGate(nil)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v := fakeViewer(m, &writer{})
		v.video.header.SSRC = 7
		m.join(v)
		fr := m.out.packets.frame(&media.EncodedVideo{Data: make([]byte, 5000), Key: true}, 0)
		m.history.add(&m.pool, fr)
		q := pending{n: 1}
		q.frames[0] = fr
		v.videoQueued.Add(1)
		v.sendDue(&q, time.Now().Add(paceSlack))
		v.handleCompound(v.video, b)
		m.leave(v)
		if n := v.counters.resent.Load(); n > 5 {
			t.Errorf("%d packets repeated of 5 sent", n)
		}
	})
}
