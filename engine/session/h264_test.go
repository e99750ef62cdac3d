package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/h264"
)

// accessUnit makes bytes that are cut like H.264 and carry a number.
func accessUnit(key bool, number uint64, size int) []byte {
	var b []byte
	slice := byte(0x41)
	if key {
		b = append(b, 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 9, 0, 0, 0, 1, 0x68, 0xce)
		slice = 0x65
	}
	b = append(b, 0, 0, 0, 1, slice)
	for i := range size {
		b = append(b, 1+byte(uint64(i)*7+number)%250)
	}
	binary.BigEndian.PutUint32(b[len(b)-4:], uint32(number)|0x40404040)
	return b
}

// playH264 writes both codecs, as far as the plan asks for them, every 10 ms.
func (s *planned) playH264(n *node) {
	n.wg.Go(func() {
		start := time.Now()
		for i := uint64(0); ; i++ {
			now := start.Add(time.Duration(i) * 10 * time.Millisecond)
			select {
			case <-n.stop:
				return
			case <-time.After(time.Until(now)):
			}
			plan := s.now()
			if plan.MainBps > 0 {
				key := n.wantKey.Swap(false)
				n.WriteVideo(&media.EncodedVideo{Data: vp8Frame(key, i, 3000), Key: key, CapturedAt: now})
			}
			if plan.H264Bps > 0 {
				key := n.wantH264Key.Swap(false)
				n.WriteVideo(&media.EncodedVideo{Data: accessUnit(key, i, 3000), Key: key, Stream: media.StreamH264, CapturedAt: now})
			}
		}
	})
}

// fmtp gives formats of a section, the first of which is 100, their parameters.
func fmtp(section string, lines ...string) string {
	for i, l := range lines {
		if l != "" {
			section += "a=fmtp:" + strconv.Itoa(100+i) + " " + l + "\r\n"
		}
	}
	return section
}

// TestH264Offers: H.264 is in the answer where there is such a stream and the offer
// has a format that suits, in front, and of its formats no other.
func TestH264Offers(t *testing.T) {
	n := newNode(t, Hooks{}, func(c *Config) { c.MaxHalfOpen = 32 })
	const vp8, h264, rtx = "VP8/90000", "H264/90000", "rtx/90000"
	p := func(mode, profile string) string {
		return "level-asymmetry-allowed=1;packetization-mode=" + mode + ";profile-level-id=" + profile
	}
	formats := regexp.MustCompile(`m=video \d+ UDP/TLS/RTP/SAVPF ([\d ]+)`)
	for _, c := range []struct {
		name, offer string
		on          bool
		want        string // formats of the answer's picture
		h264        uint8
		codecs      videoCodecs
		err         error
	}{
		{"no such stream", fmtp(section("video", "0", "recvonly", vp8, rtx, h264), "", "apt=100", p("1", "42e01f")), false, "100 101", 0, codecsVP8, nil},
		{"both", fmtp(section("video", "0", "recvonly", vp8, rtx, h264, rtx), "", "apt=100", p("1", "42e01f"), "apt=102"), true, "102 100 101 103", 102, codecsBoth, nil},
		{"the better profile", fmtp(section("video", "0", "recvonly", h264, vp8, h264, rtx), p("1", "64001f"), "", p("1", "42e01f"), "apt=102"), true, "102 101 103", 102, codecsBoth, nil},
		{"high alone", fmtp(section("video", "0", "recvonly", h264, vp8), p("1", "640C1F"), ""), true, "100 101", 100, codecsBoth, nil},
		{"single NAL units only", fmtp(section("video", "0", "recvonly", h264, rtx, vp8), p("0", "42e01f"), "apt=100"), true, "102", 0, codecsVP8, nil},
		{"unknown profile", fmtp(section("video", "0", "recvonly", h264, vp8), p("1", "f4001f"), ""), true, "101", 0, codecsVP8, nil},
		{"broken profile", fmtp(section("video", "0", "recvonly", h264, vp8), p("1", "42"), ""), true, "101", 0, codecsVP8, nil},
		{"H.264 alone", fmtp(section("video", "0", "recvonly", h264, rtx), p("1", "42001f"), "apt=100"), true, "100 101", 100, codecsH264, nil},
		{"H.264 alone and no such stream", fmtp(section("video", "0", "recvonly", h264), p("1", "42001f")), false, "", 0, 0, ErrNoVP8},
	} {
		n.SetH264(c.on)
		v, answer, err := n.Answer(context.Background(), offerOf(c.offer), watcher)
		if !errors.Is(err, c.err) || c.err != nil {
			if c.err == nil || !errors.Is(err, c.err) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		m := formats.FindStringSubmatch(answer)
		// The library's order of retransmission formats is any.
		if m == nil || !slices.Equal(slices.Sorted(strings.FieldsSeq(m[1])), slices.Sorted(strings.FieldsSeq(c.want))) || m[1][:3] != c.want[:3] {
			t.Errorf("%s: formats %q, want %q:\n%s", c.name, m, c.want, answer)
		}
		if v.plan.codecs != c.codecs || v.plan.h264 != c.h264 {
			t.Errorf("%s: codecs %d, payload type %d", c.name, v.plan.codecs, v.plan.h264)
		}
		if c.h264 != 0 && !strings.Contains(answer, "packetization-mode=1") {
			t.Errorf("%s: answer without packetization-mode:\n%s", c.name, answer)
		}
		v.Close("test")
	}
}

// knows makes a fake viewer one that has agreed on H.264 as payload type 102, beside
// VP8 as 96 or alone.
func (v *Viewer) knows(c videoCodecs) *Viewer {
	v.plan = &plan{codecs: c, h264: 102}
	v.video.h264 = 102
	v.video.payloadTypes = [roles]uint8{96, 0, 0, 0, 102}
	return v
}

// TestH264Places: the stream in H.264 has the rate of the slowest who gets it, within
// half of the best; who is below that gets the thumbnail, and none of them decides
// what others get in VP8.
func TestH264Places(t *testing.T) {
	const ceiling = 1_000_000
	const m, th, hd = media.StreamMain, media.StreamThumb, media.StreamH264
	for _, c := range []struct {
		name              string
		codecs            []videoCodecs
		paths             []int
		streams           []media.Stream
		main, thumb, hard int
		off               bool
	}{
		{"one", []videoCodecs{codecsBoth}, []int{3_000_000}, []media.Stream{hd}, 0, 0, ceiling, false},
		{"no such stream any more", []videoCodecs{codecsBoth}, []int{3_000_000}, []media.Stream{m}, ceiling, 0, 0, true},
		{"the slower decides", []videoCodecs{codecsBoth, codecsBoth}, []int{3_000_000, 600_000}, []media.Stream{hd, hd}, 0, 0, 600_000, false},
		{"the bad one does not", []videoCodecs{codecsBoth, codecsBoth}, []int{3_000_000, 210_000}, []media.Stream{hd, th}, 0, 210_000, ceiling, false},
		{"bad and alone", []videoCodecs{codecsBoth}, []int{100_000}, []media.Stream{th}, 0, 100_000, 0, false},
		{"VP8 beside", []videoCodecs{codecsBoth, codecsVP8, codecsVP8}, []int{500_000, 3_000_000, 150_000}, []media.Stream{hd, m, th}, ceiling, 150_000, 500_000, false},
		{"H.264 alone stays", []videoCodecs{codecsH264, codecsBoth}, []int{100_000, 3_000_000}, []media.Stream{hd, hd}, 0, 0, 500_000, false},
	} {
		n := newNode(t, Hooks{}, nil)
		n.SetH264(true)
		var now time.Duration
		for i, bps := range c.paths {
			v := fakeViewer(n.Manager, &writer{}).knows(c.codecs[i])
			n.join(v)
			v.carries(bps)
		}
		n.SetH264(!c.off)
		for range 3 {
			n.place(&now, 2*time.Second, ceiling)
			for _, v := range n.out.watchers {
				v.forward.stream = v.forward.want
			}
		}
		p, _ := n.place(&now, time.Second, ceiling)
		for i, v := range n.out.watchers {
			if v.forward.stream != c.streams[i] {
				t.Errorf("%s: viewer %d has %v, want %v", c.name, i, v.forward.stream, c.streams[i])
			}
		}
		if p.MainBps != c.main || p.ThumbBps != c.thumb || p.H264Bps != c.hard {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

// TestH264Change: who gets H.264 goes on in VP8 with its first key frame when the
// stream ends, and back, in one RTP stream without a gap, each packet under its
// codec's payload type and only VP8's with a label.
func TestH264Change(t *testing.T) {
	n := newNode(t, Hooks{VideoPlan: func(VideoPlan) {}}, nil)
	n.SetH264(true)
	w := &writer{keep: true}
	v := fakeViewer(n.Manager, w).knows(codecsBoth)
	n.join(v)
	go v.loop()
	defer close(v.done)
	wrote := 0
	write := func(s media.Stream, key bool) {
		i := uint64(wrote)
		f := &media.EncodedVideo{Data: vp8Frame(key, i, 3000), Key: key, Stream: s, CapturedAt: time.Now()}
		if s == media.StreamH264 {
			f.Data = accessUnit(key, i, 3000)
		}
		n.WriteVideo(f)
		wrote++
		eventually(t, "an empty queue", func() bool { return v.videoQueued.Load() == 0 })
	}
	write(media.StreamH264, false) // nobody can begin with it
	write(media.StreamH264, true)
	write(media.StreamMain, true) // others'
	write(media.StreamH264, false)
	n.SetH264(false)
	if !n.wantKey.Load() {
		t.Error("no key frame of VP8 is asked for at once")
	}
	write(media.StreamMain, false)
	write(media.StreamMain, true)
	write(media.StreamH264, true)
	write(media.StreamMain, false)
	n.SetH264(true)
	write(media.StreamMain, false)
	write(media.StreamH264, true)
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []string
	var un codecs.H264Packet
	pictures := map[uint16]bool{}
	for i, h := range w.got {
		if i > 0 && h.SequenceNumber != w.got[i-1].SequenceNumber+1 {
			t.Errorf("number %d after %d", h.SequenceNumber, w.got[i-1].SequenceNumber)
		}
		name := "h264"
		if h.PayloadType == 96 {
			name = "vp8"
			pictures[binary.BigEndian.Uint16(w.data[i][2:])] = true
		} else if _, err := un.Unmarshal(w.data[i]); err != nil {
			t.Errorf("packet %d: %v", i, err)
		}
		if h.Marker {
			got = append(got, name)
		}
	}
	if want := "h264 h264 vp8 vp8 vp8 h264"; strings.Join(got, " ") != want {
		t.Errorf("frames %v, want %s", got, want)
	}
	if len(pictures) != 3 || pictures[0] {
		t.Errorf("picture ids %v", pictures)
	}
}

// TestH264Late: an encoder that is slower than VP8's has key frames that are older
// than what was sent. No viewer is sent back in time: it gets nothing more of VP8,
// and goes on with the next key frame, which is asked for; or with one of VP8 if there
// is no stream in H.264 any more.
func TestH264Late(t *testing.T) {
	n := newNode(t, Hooks{VideoPlan: func(VideoPlan) {}}, nil)
	w := &writer{keep: true}
	v := fakeViewer(n.Manager, w).knows(codecsBoth)
	n.join(v)
	go v.loop()
	defer close(v.done)
	begin := time.Now()
	write := func(s media.Stream, key bool, at int) {
		f := &media.EncodedVideo{Data: vp8Frame(key, uint64(at), 500), Key: key, Stream: s, CapturedAt: begin.Add(time.Duration(at) * time.Millisecond)}
		if s == media.StreamH264 {
			f.Data = accessUnit(key, uint64(at), 500)
		}
		n.WriteVideo(f)
		eventually(t, "an empty queue", func() bool { return v.videoQueued.Load() == 0 })
	}
	for round := range 2 {
		from := 1000 * round
		write(media.StreamMain, true, from)
		write(media.StreamMain, false, from+100)
		n.SetH264(true)
		n.wantH264Key.Store(false)
		write(media.StreamH264, true, from+50)
		if !n.wantH264Key.Load() {
			t.Error("no other key frame is asked for")
		}
		write(media.StreamMain, false, from+200)
		write(media.StreamH264, false, from+150)
		if round == 1 {
			n.SetH264(false)
			write(media.StreamMain, false, from+300)
			write(media.StreamMain, true, from+400)
			break
		}
		write(media.StreamH264, true, from+250)
		write(media.StreamH264, false, from+350)
		n.SetH264(false)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []int
	for i, h := range w.got {
		if i > 0 && int32(h.Timestamp-w.got[i-1].Timestamp) < 0 {
			t.Errorf("packet %d goes back in time", i)
		}
		if h.Marker {
			got = append(got, int(h.Timestamp-w.got[0].Timestamp)/90, int(h.PayloadType))
		}
	}
	if want := []int{0, 96, 100, 96, 250, 102, 350, 102, 1000, 96, 1100, 96, 1400, 96}; !slices.Equal(got, want) {
		t.Errorf("times and payload types %v, want %v", got, want)
	}
}

// TestH264Viewer: a real client gets H.264; a packet that it asks for comes again in
// the retransmission stream, unchanged; a lost picture brings a key frame of this
// stream and of no other.
func TestH264Viewer(t *testing.T) {
	s := &planned{}
	n := newNode(t, Hooks{VideoPlan: s.told}, nil)
	n.SetH264(true)
	s.playH264(n)
	c := newClient(t)
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	c.join(n, watcher)
	first := next(t, c.video)
	if first.Payload[0]&0x1f != 24 || first.PayloadType != c.viewer.plan.h264 {
		t.Errorf("the first packet is %x of type %d, want parameter sets of type %d", first.Payload[:4], first.PayloadType, c.viewer.plan.h264)
	}
	var unit []byte
	var un codecs.H264Packet
	var whole []rtp.Packet
	for len(whole) < 20 {
		p := next(t, c.video)
		whole = append(whole, p)
		if kind := p.Payload[0] & 0x1f; kind == 28 && p.Marker != (p.Payload[1]&0x40 != 0) {
			t.Errorf("marker %v on a part that begins %x", p.Marker, p.Payload[:2])
		}
		b, err := un.Unmarshal(p.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if unit = append(unit, b...); p.Marker {
			if got := h264.Inspect(unit); got.Slices != 1 {
				t.Errorf("%+v", got)
			}
			unit = nil
		}
	}
	want := whole[3]
	nack := &rtcp.TransportLayerNack{MediaSSRC: want.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{want.SequenceNumber})}
	if err := c.pc.WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	for {
		if p := next(t, c.video); p.SequenceNumber == want.SequenceNumber {
			if !bytes.Equal(p.Payload, want.Payload) || p.Timestamp != want.Timestamp || p.Marker != want.Marker || p.PayloadType != want.PayloadType {
				t.Errorf("repeated packet differs: %v, was %v", p.Header, want.Header)
			}
			break
		}
	}
	if r := &c.viewer.video.repair; r.h264 == 0 || r.h264 == c.viewer.plan.h264 || r.h264 == r.vp8 {
		t.Errorf("H.264 is sent again as type %d, sent as %d; VP8 is sent again as %d", r.h264, c.viewer.plan.h264, r.vp8)
	}
	eventually(t, "it is counted", func() bool { return c.viewer.Info().Resent == 1 })
	if i := c.viewer.Info(); i.Stream != media.StreamH264 || !c.viewer.video.repairs() {
		t.Errorf("%+v", i)
	}
	time.Sleep(2 * keyFrameTravel)
	keys := n.Stats().KeyFrames
	asked := time.Time{}
	eventually(t, "a key frame", func() bool {
		// Where the machine is slow the first request may pass for one that the last
		// key frame answers.
		if time.Since(asked) > 2*keyFrameTravel {
			asked = time.Now()
			if err := c.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: want.SSRC}}); err != nil {
				t.Fatal(err)
			}
		}
		return n.Stats().KeyFrames > keys
	})
	if n.wantKey.Load() || n.Stats().VideoRateBps != 0 {
		t.Error("VP8 is asked for")
	}
}

// TestH264Allocations: packets of access units come from the pool.
func TestH264Allocations(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.SetH264(true)
	v := fakeViewer(n.Manager, &writer{}).knows(codecsBoth)
	n.join(v)
	go v.loop()
	defer close(v.done)
	f := &media.EncodedVideo{Data: accessUnit(true, 1, 5000), Key: true, Stream: media.StreamH264}
	send := func() {
		f.CapturedAt = time.Now()
		n.WriteVideo(f)
		for v.videoQueued.Load() > 0 {
			time.Sleep(50 * time.Microsecond)
		}
	}
	for range historyPackets {
		send()
	}
	if a := testing.AllocsPerRun(200, send); a >= 1 {
		t.Errorf("%.1f allocations per access unit", a)
	}
	// A unit with nothing for receivers goes nowhere.
	sent := v.counters.framesSent.Load()
	f.Data = []byte{0, 0, 0, 1, 9, 0x10}
	send()
	f.Data = []byte{1, 2, 3}
	send()
	if got := v.counters.framesSent.Load(); got != sent {
		t.Errorf("%d frames of nothing", got-sent)
	}
}
