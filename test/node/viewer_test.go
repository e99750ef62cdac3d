package node

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
	pionmedia "github.com/pion/webrtc/v4/pkg/media"

	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/engine/voice/opus"
)

// viewer is a WHEP client by pion that decodes what it sees with our decoder.
type viewer struct {
	t       *testing.T
	pc      *webrtc.PeerConnection
	channel *webrtc.DataChannel
	mic     *webrtc.TrackLocalStaticSample

	mu       sync.Mutex
	decoder  *vp8.Decoder
	frames   int // decoded
	keys     int
	broken   int // that could not be decoded
	width    int
	firstKey time.Time
	luma     int     // mean of the last picture
	audio    int     // packets
	level    byte    // the last packet's audio level (RFC 6464)
	pcm      []int16 // decoded voice, if keepVoice was called
	keep     bool
	messages []map[string]any
	closed   bool
}

// join posts an offer and returns the viewer once its answer is applied.
func join(t *testing.T, url string) *viewer {
	t.Helper()
	return joinSeeing(t, url, "", nil)
}

// joinSeeing is join with a reader of its own for the picture's track, if see is not
// nil, which ends with the track; without is a codec that the viewer does not know.
func joinSeeing(t *testing.T, url, without string, see func(*webrtc.TrackRemote)) *viewer {
	t.Helper()
	var se webrtc.SettingEngine
	se.SetIncludeLoopbackCandidate(true)
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.AudioLevelURI}, webrtc.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(se), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{t: t, pc: pc, decoder: vp8.NewDecoder(vp8.DecoderOptions{})}
	t.Cleanup(v.leave)
	v.must(pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}))
	v.mic, err = webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "mic", "mic")
	if err != nil {
		t.Fatal(err)
	}
	v.must(pc.AddTransceiverFromTrack(v.mic, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv}))
	if v.channel, err = pc.CreateDataChannel("edgecam", nil); err != nil {
		t.Fatal(err)
	}
	v.channel.OnMessage(func(msg webrtc.DataChannelMessage) {
		var m map[string]any
		if err := json.Unmarshal(msg.Data, &m); err != nil {
			t.Errorf("message %q: %v", msg.Data, err)
			return
		}
		v.mu.Lock()
		v.messages = append(v.messages, m)
		v.mu.Unlock()
	})
	pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		if track.Kind() == webrtc.RTPCodecTypeVideo && see != nil {
			see(track)
		} else if track.Kind() == webrtc.RTPCodecTypeVideo {
			v.readVideo(track)
		} else {
			v.readAudio(track, receiver)
		}
	})
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	resp, err := http.Post(url, "application/sdp", strings.NewReader(strings.ReplaceAll(pc.LocalDescription().SDP, " "+without+"/90000", " NONE/90000")))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("WHEP answered %s: %s", resp.Status, answer)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *viewer) must(_ any, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *viewer) leave() {
	v.pc.Close()
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closed {
		v.closed = true
		v.decoder.Close()
	}
}

// readVideo puts frames together from in-order packets; on loopback none is
// lost unless the node loses it.
func (v *viewer) readVideo(track *webrtc.TrackRemote) {
	var frame []byte
	var depacketizer codecs.VP8Packet
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		payload, err := depacketizer.Unmarshal(p.Payload)
		if err != nil {
			v.t.Errorf("payload descriptor: %v", err)
			return
		}
		if depacketizer.S == 1 && depacketizer.PID == 0 {
			frame = frame[:0]
		}
		frame = append(frame, payload...)
		if p.Marker {
			v.decode(p, frame)
		}
	}
}

func (v *viewer) decode(_ *rtp.Packet, frame []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || len(frame) == 0 {
		return
	}
	key := frame[0]&1 == 0
	if key {
		v.keys++
		if v.firstKey.IsZero() {
			v.firstKey = time.Now()
		}
	}
	p, err := v.decoder.Decode(frame)
	if err != nil {
		v.broken++
		return
	}
	if p == nil {
		return
	}
	v.frames++
	v.width = p.Width
	sum := 0
	for y := range p.Height {
		for _, s := range p.Y[y*p.YStride : y*p.YStride+p.Width] {
			sum += int(s)
		}
	}
	v.luma = sum / (p.Width * p.Height)
}

func (v *viewer) readAudio(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	dec, err := opus.NewDecoder()
	if err != nil {
		v.t.Error(err)
		return
	}
	pcm := make([]int16, dec.MaxSamples())
	levelID := uint8(0)
	for _, e := range receiver.GetParameters().HeaderExtensions {
		if e.URI == sdp.AudioLevelURI {
			levelID = uint8(e.ID)
		}
	}
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		n, err := dec.Decode(p.Payload, pcm)
		if err != nil {
			v.t.Errorf("voice packet: %v", err)
			return
		}
		v.mu.Lock()
		v.audio++
		if x := p.GetExtension(levelID); len(x) == 1 {
			v.level = x[0]
		}
		if v.keep {
			v.pcm = append(v.pcm, pcm[:n]...)
		}
		v.mu.Unlock()
	}
}

// speak sends voice packets for as long as ctx lives.
func (v *viewer) speak(ctx context.Context, packet func() []byte) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := v.mic.WriteSample(pionmedia.Sample{Data: packet(), Duration: 20 * time.Millisecond}); err != nil {
				return
			}
		}
	}
}

// hear returns what is heard in the next d.
func (v *viewer) hear(d time.Duration) []int16 {
	v.mu.Lock()
	v.keep, v.pcm = true, nil
	v.mu.Unlock()
	time.Sleep(d)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keep = false
	return v.pcm
}

// seen returns what the viewer has got so far.
func (v *viewer) seen() (frames, keys, broken, audio int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.frames, v.keys, v.broken, v.audio
}

// message waits for a message for which match is true.
func (v *viewer) message(what string, match func(map[string]any) bool) map[string]any {
	v.t.Helper()
	var found map[string]any
	eventually(v.t, 20*time.Second, "message: "+what, func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, m := range v.messages {
			if match(m) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %v: %s", within, what)
}
