package node

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/h264"
	"github.com/edgecam/edgecam/test/x264"
)

// hardViewer takes H.264 and VP8.
type hardViewer struct {
	*viewer
	ssrc uint32

	lock   sync.Mutex
	stream []byte // of H.264, from the first packet on
	units  int
	keys   int
	vp8    int // frames
	kinds  map[byte]int
}

// joinH264 joins a viewer that knows both codecs.
func joinH264(t *testing.T, url, without string) *hardViewer {
	h := &hardViewer{kinds: map[byte]int{}}
	h.viewer = joinSeeing(t, url, without, h.see)
	return h
}

func (h *hardViewer) see(track *webrtc.TrackRemote) {
	var un codecs.H264Packet
	var unit []byte
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		h.lock.Lock()
		h.ssrc = p.SSRC
		if !strings.EqualFold(track.Codec().MimeType, webrtc.MimeTypeH264) {
			if p.Marker {
				h.vp8++
			}
			h.lock.Unlock()
			continue
		}
		h.kinds[p.Payload[0]&0x1f]++
		b, err := un.Unmarshal(p.Payload)
		if err != nil {
			h.t.Errorf("H.264 payload: %v", err)
		}
		unit = append(unit, b...)
		if p.Marker {
			if h264.Inspect(unit).Key {
				h.keys++
			}
			h.stream = append(h.stream, unit...)
			h.units++
			unit = unit[:0]
		}
		h.lock.Unlock()
	}
}

func (h *hardViewer) counts() (units, keys, vp8 int) {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.units, h.keys, h.vp8
}

// TestH264: who knows H.264 gets what the board's encoder makes, which is the
// picture; who does not gets VP8 beside. A lost picture is mended by a key frame, and
// when the encoder fails VP8 goes on in the same stream, until it works again.
func TestH264(t *testing.T) {
	x := x264.New(t)
	x.Keep()
	b := start(t, func(c *engine.Config, b *bench) {
		c.Video.BitrateBps = 300_000 // that an overloaded machine bears, too
		b.devices = func(d *engine.Devices) { d.VideoEncoder = x.Open }
	})
	defer func() {
		if t.Failed() {
			t.Logf("%+v", b.engine.Sessions().Stats())
			for _, v := range b.engine.Sessions().Viewers() {
				t.Logf("%+v", v)
			}
		}
	}()
	eventually(t, 5*time.Second, "the encoder is offered", b.engine.OffersH264)
	h := joinH264(t, b.url, "")
	eventually(t, 15*time.Second, "pictures in H.264", func() bool { units, keys, _ := h.counts(); return units > 20 && keys > 0 })
	if stats := b.engine.Sessions().Stats(); stats.VideoRateBps != 0 || stats.H264RateBps == 0 {
		t.Errorf("VP8 is coded for nobody: %+v", stats)
	}
	plain := joinVP8(t, b.url)
	eventually(t, 15*time.Second, "pictures in VP8", func() bool { frames, _, _, _ := plain.seen(); return frames > 10 })
	if i := b.engine.Sessions().Viewers(); i[0].Stream != media.StreamH264 || i[1].Stream != media.StreamMain {
		t.Errorf("streams %v and %v", i[0].Stream, i[1].Stream)
	}

	_, keys, vp8 := h.counts()
	if vp8 != 0 {
		t.Errorf("%d pictures in VP8", vp8)
	}
	h.lock.Lock()
	ssrc := h.ssrc
	h.lock.Unlock()
	h.must(nil, h.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}))
	eventually(t, 10*time.Second, "a key frame for a lost picture", func() bool { _, k, _ := h.counts(); return k > keys })
	inputs := x.Kept()
	h.lock.Lock()
	stream, kinds := h.stream, h.kinds
	if kinds[24] == 0 || kinds[28] == 0 {
		t.Errorf("kinds of packets %v, want parameter sets together (24) and parts (28)", kinds)
	}
	h.lock.Unlock()
	comparePictures(t, x, stream, inputs)

	x.SetBroken(true)
	before, _, vp8 := h.counts()
	eventually(t, 10*time.Second, "VP8 after the encoder has failed", func() bool { _, _, n := h.counts(); return n > vp8+10 })
	x.SetBroken(false)
	eventually(t, 20*time.Second, "H.264 again", func() bool { units, _, _ := h.counts(); return units > before+20 })
	if x.Opened() < 2 {
		t.Errorf("opened %d times", x.Opened())
	}
}

// joinVP8 joins a viewer that knows no H.264.
func joinVP8(t *testing.T, url string) *viewer { return joinSeeing(t, url, "H264", nil) }

// comparePictures decodes what a viewer has got, and finds the pictures that it was made of,
// in their order.
func comparePictures(t *testing.T, x *x264.Board, stream []byte, inputs []*media.Picture) {
	t.Helper()
	w, hgt := inputs[0].Width, inputs[0].Height
	pictures, complaints := x.Decode(stream, w, hgt)
	if complaints != "" {
		t.Errorf("ffmpeg complains: %s", complaints)
	}
	if len(pictures) < 20 {
		t.Fatalf("%d pictures", len(pictures))
	}
	at, least := 0, 99.0
	for n, p := range pictures {
		best, where := 0.0, -1
		for i := at; i < min(at+20, len(inputs)); i++ {
			if q := x264.PSNR(p, x264.I420(inputs[i]), w*hgt); q > best {
				best, where = q, i
			}
		}
		if best < 24 || where < 0 {
			t.Fatalf("picture %d of %d is none of those coded (%.1f dB)", n, len(pictures), best)
		}
		at, least = where, min(least, best)
	}
	t.Logf("%d pictures of %d, at least %.1f dB", len(pictures), len(inputs), least)
}
