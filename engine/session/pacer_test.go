package session

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/media"
)

var (
	ownPair   = &webrtc.ICECandidatePair{Local: &webrtc.ICECandidate{Protocol: webrtc.ICEProtocolUDP, Typ: webrtc.ICECandidateTypeHost}}
	relayPair = &webrtc.ICECandidatePair{Local: &webrtc.ICECandidate{Protocol: webrtc.ICEProtocolUDP, Typ: webrtc.ICECandidateTypeRelay}}
	tcpPair   = &webrtc.ICECandidatePair{Local: &webrtc.ICECandidate{Protocol: webrtc.ICEProtocolTCP, Typ: webrtc.ICECandidateTypeHost}}
)

// paced reports whether the pacer sends for a viewer.
func paced(v *Viewer) bool { return slices.Contains(v.m.pacer.list(), v) }

// TestPacer: a viewer at the node's own socket is the pacer's, and its own
// goroutine's while it is reached otherwise; nothing is lost in between.
func TestPacer(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	c := newClient(t)
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	c.add(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverDirectionRecvonly)
	c.join(n, watcher)
	v := c.viewer
	last := map[bool]uint16{}
	follow := func(video bool, count int) {
		t.Helper()
		ch := c.audio
		if video {
			ch = c.video
		}
		for range count {
			p := next(t, ch)
			if before, ok := last[video]; ok && p.SequenceNumber != before+1 {
				t.Fatalf("video %v: packet %d after %d", video, p.SequenceNumber, before)
			}
			last[video] = p.SequenceNumber
		}
	}
	follow(true, 1)
	eventually(t, "the pacer has it", func() bool { return paced(v) })
	for _, pair := range []*webrtc.ICECandidatePair{relayPair, tcpPair, nil} {
		v.routed(pair)
		eventually(t, "it is on its own", func() bool { return !paced(v) })
		follow(true, 20)
		follow(false, 5)
		v.routed(ownPair)
		eventually(t, "the pacer has it again", func() bool { return paced(v) })
		follow(true, 20)
		follow(false, 5)
	}
	if runtime.GOOS == "linux" {
		held := uint64(0)
		for _, s := range n.sockets.udp.senders() {
			held += s.Stats().Held
		}
		if held < 40 {
			t.Errorf("%d packets left in batches", held)
		}
	}
	v.Close("test")
	eventually(t, "it is gone", func() bool { return !paced(v) })
	if n.pacer.some.Load() {
		t.Error("the pacer has viewers")
	}
}

// orderly notes in which order packets of several viewers leave.
type orderly struct {
	name string
	log  *[]string
	mu   *sync.Mutex
	then func() // after the first packet
}

func (w *orderly) WriteRTP(_ *rtp.Header, p []byte) (int, error) {
	w.mu.Lock()
	*w.log = append(*w.log, w.name)
	w.mu.Unlock()
	if f := w.then; f != nil {
		w.then = nil
		f()
	}
	return len(p) + 12, nil
}

func (w *orderly) Write(b []byte) (int, error) { return len(b), nil }

// TestPacerSound: sound that is queued while pictures leave waits for those of one
// viewer at most.
func TestPacerSound(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	var log []string
	var mu sync.Mutex
	var viewers []*Viewer
	for _, name := range []string{"0", "1", "2"} {
		v := fakeViewer(n.Manager, nil)
		v.outbox.videoReport, v.outbox.audioReport = time.Now().Add(time.Hour), time.Now().Add(time.Hour)
		v.video.stream = &orderly{name: "picture " + name, log: &log, mu: &mu}
		v.audio = newOutTrack(webrtc.RTPCodecTypeAudio, webrtc.MimeTypeOpus, "1")
		v.audio.stream, v.audio.bound = &orderly{name: "sound " + name, log: &log, mu: &mu}, true
		n.join(v)
		viewers = append(viewers, v)
	}
	viewers[0].video.stream.(*orderly).then = func() {
		for _, v := range viewers {
			fr := n.Manager.pool.frame(kindAudio)
			p := n.Manager.pool.packet()
			p.n = 10
			fr.pkts = append(fr.pkts, p)
			v.pushAudio(fr)
			n.Manager.pool.release(fr)
		}
		n.pacer.signal(true)
	}
	n.WriteVideo(&media.EncodedVideo{Data: vp8Frame(true, 1, 3000), Key: true, CapturedAt: time.Now()})
	for _, v := range viewers {
		n.pacer.add(v)
	}
	eventually(t, "everything has left", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(log) == 3*3+3
	})
	want := []string{
		"picture 0", "picture 0", "picture 0", "sound 0", "sound 1", "sound 2",
		"picture 1", "picture 1", "picture 1", "picture 2", "picture 2", "picture 2",
	}
	mu.Lock()
	// Viewers are added one after the other: who comes late may be served by
	// another pass, but sound goes before pictures in each.
	if i := slices.Index(log, "sound 0"); i != slices.Index(want, "sound 0") {
		t.Errorf("order: %v", log)
	}
	mu.Unlock()
	for _, v := range viewers {
		n.pacer.remove(v)
		n.leave(v)
		close(v.done)
	}
}

// TestPacerAllocations: a frame to viewers of the pacer's allocates nothing.
func TestPacerAllocations(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	var viewers []*Viewer
	for range 10 {
		v := fakeViewer(n.Manager, &writer{})
		v.outbox.videoReport = time.Now().Add(time.Hour)
		n.join(v)
		n.pacer.add(v)
		viewers = append(viewers, v)
	}
	n.WriteVideo(&media.EncodedVideo{Data: vp8Frame(true, 1, 5000), Key: true, CapturedAt: time.Now()})
	f := &media.EncodedVideo{Data: vp8Frame(false, 1, 5000)}
	send := func() {
		f.CapturedAt = time.Now()
		n.WriteVideo(f)
		for _, v := range viewers {
			for v.videoQueued.Load() > 0 {
				time.Sleep(50 * time.Microsecond)
			}
		}
	}
	for range historyPackets {
		send()
	}
	if a := testing.AllocsPerRun(200, send); a >= 1 {
		t.Errorf("%.1f allocations per frame", a)
	}
	for _, v := range viewers {
		n.pacer.remove(v)
		n.leave(v)
		close(v.done)
	}
}

// TestPacerPace: pictures of a viewer that reports leave at the pace of its path,
// early by one point of the grid at most.
func TestPacerPace(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	v := fakeViewer(n.Manager, &writer{})
	v.outbox.videoReport, v.outbox.ticked = time.Now().Add(time.Hour), time.Now().Add(time.Hour)
	v.path.enabled.Store(true)
	const bps = 1_000_000
	v.path.pacing.Store(bps)
	n.join(v)
	n.pacer.add(v)
	began := time.Now()
	const size = 25_000 // 200 ms of the path
	n.WriteVideo(&media.EncodedVideo{Data: vp8Frame(true, 1, size), Key: true, CapturedAt: began})
	eventually(t, "the picture has left", func() bool { return v.counters.framesSent.Load() == 1 })
	least := time.Duration(size)*8*time.Second/bps - paceDebt - paceTick - 20*time.Millisecond
	if took := time.Since(began); took < least {
		t.Errorf("200 ms of the path left in %v", took)
	}
	n.pacer.remove(v)
	n.leave(v)
	close(v.done)
}
