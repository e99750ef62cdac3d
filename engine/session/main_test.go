package session

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests.
const patience = 10 * time.Second

var watcher = Grant{Subject: "test", View: true}

// node is a manager with a source that obeys key frame requests.
type node struct {
	*Manager
	mu      sync.Mutex
	reasons []string
	wantKey atomic.Bool
	held    atomic.Bool // nothing is sent
	// wantThumbKey is the thumbnail's.
	wantThumbKey atomic.Bool
	wantH264Key  atomic.Bool
	frames       atomic.Uint64
	stop         chan struct{}
	wg           sync.WaitGroup
}

// newNode starts a node on loopback. hooks.KeyFrameNeeded is replaced.
func newNode(t *testing.T, hooks Hooks, change func(*Config)) *node {
	t.Helper()
	n := &node{stop: make(chan struct{})}
	cfg := Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, false
	if change != nil {
		change(&cfg)
	}
	hooks.KeyFrameNeeded = func(s media.Stream, reason string) {
		n.mu.Lock()
		n.reasons = append(n.reasons, reason)
		n.mu.Unlock()
		switch s {
		case media.StreamThumb:
			n.wantThumbKey.Store(true)
			return
		case media.StreamH264:
			n.wantH264Key.Store(true)
			return
		}
		n.wantKey.Store(true)
	}
	m, err := New(cfg, hooks, nil)
	if err != nil {
		t.Fatal(err)
	}
	n.Manager = m
	t.Cleanup(func() {
		close(n.stop)
		n.wg.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return n
}

func (n *node) asked(reason string) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.reasons {
		if r == reason {
			count++
		}
	}
	return count
}

// vp8Frame makes bytes that begin like a VP8 frame and carry a number.
func vp8Frame(key bool, number uint64, size int) []byte {
	b := make([]byte, size)
	if !key {
		b[0] = 1
	}
	binary.BigEndian.PutUint64(b[3:], number)
	for i := 11; i < size; i++ {
		b[i] = byte(number) + byte(i)
	}
	return b
}

// play writes a picture every 10 ms and sound every 20 ms until the test ends.
func (n *node) play() {
	n.wg.Add(1)
	go func() {
		defer n.wg.Done()
		start := time.Now()
		for i := uint64(0); ; i++ {
			// Capture times are those of an even camera, however late the test runs.
			now := start.Add(time.Duration(i) * 10 * time.Millisecond)
			select {
			case <-n.stop:
				return
			case <-time.After(time.Until(now)):
				if n.held.Load() {
					continue
				}
				key, size := n.wantKey.Swap(false), 3000
				if key {
					size = 9000
				}
				n.WriteVideo(&media.EncodedVideo{Data: vp8Frame(key, i, size), Key: key, CapturedAt: now})
				n.frames.Add(1)
				if i%2 == 0 {
					n.WriteAudio(codec.Format{Name: codec.Opus}, &media.EncodedAudio{Data: []byte{0xf8, 1, 2, 3}, CapturedAt: now, Duration: 20 * time.Millisecond})
				}
			}
		}
	}()
}

// client is a viewer made of the WebRTC library.
type client struct {
	t      *testing.T
	pc     *webrtc.PeerConnection
	viewer *Viewer
	answer string
	video  chan rtp.Packet
	audio  chan rtp.Packet
	rtcp   chan []byte // of the video receiver
	artcp  chan []byte
	closed sync.Once
}

func clientAPI(t *testing.T) *webrtc.API {
	t.Helper()
	me := &webrtc.MediaEngine{}
	if err := me.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{"urn:ietf:params:rtp-hdrext:sdes:mid", playoutDelayURI} {
		for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
			if err := me.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, k); err != nil {
				t.Fatal(err)
			}
		}
	}
	return loopbackAPI(me)
}

// loopbackAPI makes clients that connect over loopback alone.
func loopbackAPI(me *webrtc.MediaEngine) *webrtc.API {
	se := webrtc.SettingEngine{}
	se.SetIncludeLoopbackCandidate(true)
	se.SetInterfaceFilter(func(n string) bool { return n == "lo" })
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	se.DisableSRTPReplayProtection(true) // repeated packets shall be seen
	return webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(se))
}

func newClient(t *testing.T) *client {
	t.Helper()
	return newClientOf(t, clientAPI(t))
}

func newClientOf(t *testing.T, api *webrtc.API) *client {
	t.Helper()
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{
		t: t, pc: pc, video: make(chan rtp.Packet, 4096), audio: make(chan rtp.Packet, 4096),
		rtcp: make(chan []byte, 64), artcp: make(chan []byte, 64),
	}
	t.Cleanup(c.close)
	pc.OnTrack(func(tr *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		media, control := c.video, c.rtcp
		if tr.Kind() == webrtc.RTPCodecTypeAudio {
			media, control = c.audio, c.artcp
		}
		go func() {
			for {
				b := make([]byte, 1500)
				n, _, err := r.Read(b)
				if err != nil {
					return
				}
				select {
				case control <- b[:n]:
				default:
				}
			}
		}()
		for {
			p, _, err := tr.ReadRTP()
			if err != nil {
				return
			}
			select {
			case media <- *p:
			default:
			}
		}
	})
	return c
}

func (c *client) close() {
	c.closed.Do(func() {
		if err := c.pc.GracefulClose(); err != nil {
			c.t.Error(err)
		}
	})
}

// offer makes a complete offer of what was added to the connection.
func (c *client) offer() string {
	c.t.Helper()
	o, err := c.pc.CreateOffer(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	done := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(o); err != nil {
		c.t.Fatal(err)
	}
	<-done
	return c.pc.LocalDescription().SDP
}

func (c *client) add(kind webrtc.RTPCodecType, dir webrtc.RTPTransceiverDirection) {
	c.t.Helper()
	if _, err := c.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: dir}); err != nil {
		c.t.Fatal(err)
	}
}

// join connects to the node.
func (c *client) join(n *node, g Grant) *client {
	c.t.Helper()
	offer := c.offer()
	v, answer, err := n.Answer(context.Background(), offer, g)
	if err != nil {
		c.t.Fatal(err)
	}
	c.viewer, c.answer = v, answer
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		c.t.Fatalf("%v\n%s", err, answer)
	}
	return c
}

// watch connects a viewer of picture and sound.
func watch(t *testing.T, n *node) *client {
	t.Helper()
	c := newClient(t)
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	c.add(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverDirectionRecvonly)
	return c.join(n, watcher)
}

// next takes the next value of a channel.
func next[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// settles repeats a measurement that a busy machine may spoil, until one is good.
func settles(t *testing.T, what string, measure func() (good bool, got string)) {
	t.Helper()
	for end := time.Now().Add(6 * patience); ; {
		good, got := measure()
		if good {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %s", what, got)
		}
		t.Logf("%s: %s so far", what, got)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not happen: %s", what)
		}
	}
}
