package session

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// TestStartsWithKeyFrame also looks at the header extensions.
func TestStartsWithKeyFrame(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	c := watch(t, n)
	p := next(t, c.video)
	var d codecs.VP8Packet
	payload, err := d.Unmarshal(p.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if d.S != 1 || payload[0]&1 != 0 {
		t.Errorf("first packet: S %d, first octet %#x; want the start of a key frame", d.S, payload[0])
	}
	if n.asked(ReasonJoin) == 0 {
		t.Error("no key frame was asked for")
	}
	values := map[string]bool{}
	for _, id := range p.GetExtensionIDs() {
		values[string(p.GetExtension(id))] = true
	}
	if !values["0"] || !values["\x00\x00\x00"] {
		t.Errorf("header extensions %v: want mid 0 and playout delay 0/0", values)
	}
	// No packet of the stream is missing, and sound comes too.
	last := p.SequenceNumber
	for range 200 {
		if p = next(t, c.video); p.SequenceNumber != last+1 {
			t.Fatalf("packet %d after %d", p.SequenceNumber, last)
		}
		last = p.SequenceNumber
	}
	if a := next(t, c.audio); !bytes.Equal(a.Payload, []byte{0xf8, 1, 2, 3}) {
		t.Errorf("audio payload %x", a.Payload)
	}
}

func TestRecentKeyFrameIsReplayed(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	watch(t, n)
	eventually(t, "first viewer", func() bool { return n.Stats().Connected == 1 })
	// Frames stop right after a key frame: only a replay can start the second.
	n.wantKey.Store(true)
	k := n.Stats().KeyFrames
	eventually(t, "key frame", func() bool { return n.Stats().KeyFrames > k })
	c := watch(t, n)
	var d codecs.VP8Packet
	p := next(t, c.video)
	if b, err := d.Unmarshal(p.Payload); err != nil || b[0]&1 != 0 {
		t.Fatalf("first packet is not of a key frame (%v)", err)
	}
}

func TestNACK(t *testing.T) {
	t.Run("rtx", func(t *testing.T) { testNACK(t, clientAPI(t), true) })
	// Without retransmission streams, packets come again under their old numbers.
	t.Run("plain", func(t *testing.T) {
		me := &webrtc.MediaEngine{}
		if err := me.RegisterCodec(vp8Codec(), webrtc.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
		testNACK(t, loopbackAPI(me), false)
	})
}

func testNACK(t *testing.T, api *webrtc.API, rtx bool) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	c := newClientOf(t, api)
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	c.join(n, watcher)
	want := next(t, c.video)
	if got := strings.Contains(c.answer, "a=ssrc-group:FID"); got != rtx || c.viewer.video.repairs() != rtx {
		t.Errorf("retransmission stream %t, in the answer %t, want %t", c.viewer.video.repairs(), got, rtx)
	}
	for range 20 {
		next(t, c.video)
	}
	nack := &rtcp.TransportLayerNack{MediaSSRC: want.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{want.SequenceNumber})}
	if err := c.pc.WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	for {
		if p := next(t, c.video); p.SequenceNumber == want.SequenceNumber {
			if !bytes.Equal(p.Payload, want.Payload) || p.Timestamp != want.Timestamp || p.Marker != want.Marker {
				t.Errorf("repeated packet differs: %v, was %v", p.Header, want.Header)
			}
			break
		}
	}
	// What was never sent is refused, and nothing breaks.
	nack.Nacks = []rtcp.NackPair{{PacketID: want.SequenceNumber - 500, LostPackets: 0xffff}}
	if err := c.pc.WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "refused NACKs", func() bool { return c.viewer.Info().NACKsRefused >= 17 })
	if i := c.viewer.Info(); i.Resent != 1 || i.NACKs != 18 {
		t.Errorf("resent %d of %d asked for", i.Resent, i.NACKs)
	}
}

func TestPLI(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	c := watch(t, n)
	ssrc := next(t, c.video).SSRC
	time.Sleep(keyFrameTravel + 50*time.Millisecond)
	start := time.Now()
	for range 50 {
		if err := c.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	eventually(t, "a key frame", func() bool { return n.asked(ReasonPLI) > 0 })
	got := n.asked(ReasonPLI)
	if took := time.Since(start); got > int(took/keyFrameInterval)+1 {
		t.Errorf("%d key frames asked for in %v", got, took)
	}
}

func TestTwoViewers(t *testing.T) {
	var changes atomic.Int32
	left := make(chan string, 4)
	n := newNode(t, Hooks{
		ViewersChanged: func(int) { changes.Add(1) },
		ViewerLeft:     func(_ *Viewer, reason string) { left <- reason },
	}, nil)
	n.play()
	a, b := watch(t, n), watch(t, n)
	pa, pb := next(t, a.video), next(t, b.video)
	if pa.SSRC == pb.SSRC {
		t.Error("two viewers share an SSRC")
	}
	eventually(t, "two connected", func() bool { return n.Stats().Connected == 2 })
	a.close()
	next(t, left)
	eventually(t, "one connected", func() bool { return n.Stats().Connected == 1 && len(n.Viewers()) == 1 })
	for len(b.video) > 0 {
		<-b.video
	}
	next(t, b.video)
	eventually(t, "sound", func() bool { return b.viewer.Info().Audio.Packets > 0 })
	i := b.viewer.Info()
	if i.State != "connected" || i.Local != "host/udp" || i.Video.Packets == 0 {
		t.Errorf("info: %+v", i)
	}
	b.viewer.Close("test")
	if reason := next(t, left); reason != "test" {
		t.Errorf("reason %q", reason)
	}
	if changes.Load() != 4 {
		t.Errorf("%d changes of the number of viewers, want 4", changes.Load())
	}
}

func TestICETCP(t *testing.T) {
	n := newNode(t, Hooks{}, func(c *Config) { c.ICETCP = true })
	n.play()
	c := newClient(t)
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	v, answer, err := n.Answer(context.Background(), dropLines(c.offer(), "a=candidate"), watcher)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer, " tcp ") {
		t.Fatalf("answer has no TCP candidate:\n%s", answer)
	}
	var kept []string
	for _, l := range strings.Split(answer, "\r\n") {
		if !strings.HasPrefix(l, "a=candidate") || strings.Contains(l, " tcp ") {
			kept = append(kept, l)
		}
	}
	c.viewer = v
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: strings.Join(kept, "\r\n")}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.video:
		if i := v.Info(); i.Local != "host/tcp" {
			t.Errorf("local candidate %s", i.Local)
		}
	case <-time.After(patience):
		t.Fatal("no video over TCP")
	}
}

func dropLines(s, prefix string) string {
	var kept []string
	for _, l := range strings.Split(s, "\r\n") {
		if !strings.HasPrefix(l, prefix) {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\r\n")
}

// speak adds a microphone to a client and starts talking when connected.
func (c *client) speak() *webrtc.RTPTransceiver {
	c.t.Helper()
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "mic", "mic")
	if err != nil {
		c.t.Fatal(err)
	}
	tr, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv})
	if err != nil {
		c.t.Fatal(err)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	c.t.Cleanup(func() { close(stop); <-done })
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				_ = track.WriteSample(media.Sample{Data: []byte{0xf8, 9, 9}, Duration: 20 * time.Millisecond})
			}
		}
	}()
	return tr
}

func TestTalk(t *testing.T) {
	heard := make(chan TalkPacket, 1000)
	n := newNode(t, Hooks{Talk: func(_ ViewerID, p TalkPacket) {
		p.Payload = bytes.Clone(p.Payload)
		select {
		case heard <- p:
		default:
		}
	}}, nil)
	n.play()
	c := newClient(t)
	tr := c.speak()
	c.join(n, Grant{Subject: "talker", View: true, Talk: true})
	if !strings.Contains(c.answer, "a=sendrecv") {
		t.Errorf("answer to a talker is not sendrecv:\n%s", c.answer)
	}
	first := next(t, heard)
	for i := range uint16(20) {
		p := next(t, heard)
		if !bytes.Equal(p.Payload, []byte{0xf8, 9, 9}) || p.SequenceNumber != first.SequenceNumber+i+1 ||
			p.Timestamp != first.Timestamp+960*uint32(i+1) || p.ArrivedAt.IsZero() {
			t.Fatalf("packet %+v after %+v", p, first)
		}
	}
	// The talker's loss is reported to it.
	eventually(t, "reception report", func() bool {
		b := make([]byte, 1500)
		k, _, err := tr.Sender().Read(b)
		if err != nil {
			return false
		}
		ps, err := rtcp.Unmarshal(b[:k])
		if err != nil {
			return false
		}
		for _, p := range ps {
			if sr, ok := p.(*rtcp.SenderReport); ok && len(sr.Reports) == 1 {
				return sr.Reports[0].SSRC == first.SSRC
			}
		}
		return false
	})
	if i := c.viewer.Info(); i.TalkPackets < 20 || i.TalkLost != 0 {
		t.Errorf("talk statistics: %+v", i)
	}
}

func TestTalkRefused(t *testing.T) {
	var heard atomic.Int32
	n := newNode(t, Hooks{Talk: func(ViewerID, TalkPacket) { heard.Add(1) }}, nil)
	n.play()
	c := newClient(t)
	c.speak()
	c.join(n, watcher)
	if !strings.Contains(c.answer, "a=sendonly") || strings.Contains(c.answer, "a=sendrecv") {
		t.Errorf("answer to a viewer that may not talk:\n%s", c.answer)
	}
	next(t, c.audio)
	time.Sleep(100 * time.Millisecond)
	if heard.Load() != 0 {
		t.Errorf("%d packets of a viewer that may not talk", heard.Load())
	}
}

func TestExpiredGrant(t *testing.T) {
	left := make(chan string, 1)
	n := newNode(t, Hooks{ViewerLeft: func(_ *Viewer, reason string) { left <- reason }}, nil)
	n.play()
	c := newClient(t)
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	c.join(n, Grant{View: true, Expires: time.Now().Add(time.Second)})
	next(t, c.video)
	if reason := next(t, left); reason != "grant expired" {
		t.Errorf("left with reason %q", reason)
	}
	_, _, err := n.Answer(context.Background(), "v=0", Grant{View: true, Expires: time.Now().Add(-time.Second)})
	if !errors.Is(err, ErrForbidden) {
		t.Errorf("expired grant: %v", err)
	}
	if _, _, err = n.Answer(context.Background(), "v=0", Grant{Talk: true}); !errors.Is(err, ErrForbidden) {
		t.Errorf("grant without viewing: %v", err)
	}
}

func TestRoom(t *testing.T) {
	n := newNode(t, Hooks{}, func(c *Config) { c.MaxViewers, c.MaxHalfOpen, c.ConnectTimeout = 3, 2, time.Second })
	offer := func() string {
		c := newClient(t)
		c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
		return c.offer()
	}
	o := offer()
	for range 2 {
		if _, _, err := n.Answer(context.Background(), o, watcher); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := n.Answer(context.Background(), o, watcher); !errors.Is(err, ErrFull) {
		t.Errorf("third half-open session: %v", err)
	}
	eventually(t, "sessions that never connect are dropped", func() bool { return len(n.Viewers()) == 0 })
	if _, _, err := n.Answer(context.Background(), o, watcher); err != nil {
		t.Errorf("after the timeout: %v", err)
	}
}

// TestInStep converts RTP times of picture and sound to NTP with the sender
// reports: what was captured together must come out together.
func TestInStep(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play() // every second picture has the capture time of a sound packet
	c := watch(t, n)
	report := func(ch chan []byte) *rtcp.SenderReport {
		for {
			ps, err := rtcp.Unmarshal(next(t, ch))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range ps {
				if sr, ok := p.(*rtcp.SenderReport); ok {
					return sr
				}
			}
		}
	}
	seconds := func(p rtp.Packet, sr *rtcp.SenderReport, rate float64) float64 {
		return float64(int32(p.Timestamp-sr.RTPTime))/rate + float64(sr.NTPTime>>32) + float64(uint32(sr.NTPTime))/(1<<32)
	}
	v, a := report(c.rtcp), report(c.artcp)
	var pictures []float64
	for range 200 {
		if p := next(t, c.video); p.Marker {
			pictures = append(pictures, seconds(p, v, videoRateHz))
		}
	}
	checked := 0
	for range 20 {
		s := seconds(next(t, c.audio), a, 48000)
		if s < pictures[0]-0.005 || s > pictures[len(pictures)-1]+0.005 {
			continue
		}
		least := 1.0
		for _, p := range pictures {
			least = min(least, max(s-p, p-s))
		}
		checked++
		if least > 0.004 {
			t.Errorf("sound is %.1f ms from the nearest picture, want the same time", least*1000)
		}
	}
	if checked == 0 {
		t.Error("no sound within the pictures' time")
	}
	if drift := time.Since(time.Unix(int64(v.NTPTime>>32)-ntpUnixOffset, 0)); drift < -time.Second || drift > time.Minute {
		t.Errorf("NTP time of the report is %v off", drift)
	}
}

func TestDataChannel(t *testing.T) {
	n := newNode(t, Hooks{Message: func(v *Viewer, msg []byte) {
		if err := v.Send(append([]byte("you said "), msg...)); err != nil {
			t.Error(err)
		}
	}}, nil)
	c := newClient(t)
	dc, err := c.pc.CreateDataChannel(ChannelLabel, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	open := make(chan struct{})
	dc.OnOpen(func() { close(open) })
	dc.OnMessage(func(m webrtc.DataChannelMessage) { got <- string(m.Data) })
	other, err := c.pc.CreateDataChannel("other", nil)
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan struct{})
	other.OnClose(func() { close(refused) })
	c.join(n, watcher)
	if !strings.Contains(c.answer, "a=max-message-size:16384") {
		t.Error("answer does not bound messages")
	}
	next(t, open)
	if err := dc.SendText("hello"); err != nil {
		t.Fatal(err)
	}
	if m := next(t, got); m != "you said hello" {
		t.Errorf("got %q", m)
	}
	n.Broadcast([]byte("ring"))
	if m := next(t, got); m != "ring" {
		t.Errorf("got %q", m)
	}
	next(t, refused)
	if err := c.viewer.Send(make([]byte, MaxMessageBytes+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large message: %v", err)
	}
	for range 3 * messageBurst {
		if err := dc.SendText("flood"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "flood is cut", func() bool {
		i := c.viewer.Info()
		return i.MessagesDropped > 0 && i.MessagesIn+i.MessagesDropped == 3*messageBurst+1
	})
}

func TestICERestart(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	c := watch(t, n)
	next(t, c.video)
	before, err := c.viewer.LocalICE()
	if err != nil {
		t.Fatal(err)
	}
	offer, err := c.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		t.Fatal(err)
	}
	gathered := make(chan struct{})
	var once atomic.Bool
	c.pc.OnICECandidate(func(cand *webrtc.ICECandidate) {
		if cand == nil && once.CompareAndSwap(false, true) {
			close(gathered)
		}
	})
	if err := c.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	next(t, gathered)
	mine, err := localICE(c.pc.LocalDescription().SDP)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.viewer.Restart(context.Background(), mine.Ufrag, mine.Pwd, mine.Candidates)
	if err != nil {
		t.Fatal(err)
	}
	if got.Ufrag == before.Ufrag || len(got.Candidates) == 0 || c.viewer.RemoteUfrag() != mine.Ufrag {
		t.Fatalf("after restart: %+v, before %+v", got, before)
	}
	answer := strings.ReplaceAll(strings.ReplaceAll(c.answer, before.Ufrag, got.Ufrag), before.Pwd, got.Pwd)
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "connected again", func() bool { return c.pc.ICEConnectionState() == webrtc.ICEConnectionStateConnected })
	for len(c.video) > 0 {
		<-c.video
	}
	next(t, c.video)
	if _, err := c.viewer.Restart(context.Background(), "a", "b", nil); !errors.Is(err, ErrBadOffer) {
		t.Errorf("restart with bad credentials: %v", err)
	}
}

func TestPortInUse(t *testing.T) {
	other, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	cfg := Defaults()
	cfg.Loopback, cfg.UDPPort = true, other.LocalAddr().(*net.UDPAddr).Port
	_, err = New(cfg, Hooks{}, nil)
	if !errors.Is(err, ErrPortInUse) || !strings.Contains(err.Error(), "udp_port") {
		t.Errorf("port in use: %v", err)
	}
	cfg.UDPPort = 70000
	if _, err = New(cfg, Hooks{}, nil); err == nil {
		t.Error("port 70000 accepted")
	}
}

func TestCloseWithViewers(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	a, b := watch(t, n), watch(t, n)
	next(t, a.video)
	next(t, b.video)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		t.Fatal(err)
	}
	next(t, a.viewer.Done())
	if _, _, err := n.Answer(ctx, "v=0", watcher); !errors.Is(err, ErrClosed) {
		t.Errorf("malformed offer: %v", err)
	}
	c := newClient(t)
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	if _, _, err := n.Answer(ctx, c.offer(), watcher); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

// After ForgetVideo a viewer starts with a new key frame, however fresh the
// last one is: it may show what must not be seen any more.
func TestForgottenKeyFrameIsNotReplayed(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	watch(t, n)
	eventually(t, "first viewer", func() bool { return n.Stats().Connected == 1 })
	for range 3 {
		n.wantKey.Store(true)
		k := n.Stats().KeyFrames
		eventually(t, "key frame", func() bool { return n.Stats().KeyFrames > k })
		n.ForgetVideo()
		n.fan.Lock()
		kept, replay := len(n.out.recent), n.out.replay
		n.fan.Unlock()
		if kept != 0 || replay {
			t.Fatalf("%d frames are kept", kept)
		}
	}
}
