package session

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
)

// TestVoiceCodecs: every viewer gets the codec that it and the node prefer, the
// node knows who listens to what, and nothing is to be coded when nobody does.
func TestVoiceCodecs(t *testing.T) {
	var want []codec.Name
	n := newNode(t, Hooks{}, func(c *Config) { c.VoiceCodecs = []codec.Name{codec.G722, codec.PCMU, codec.Opus} })
	if got := n.VoiceFormats(nil); len(got) != 0 {
		t.Fatalf("formats %v without a viewer", got)
	}
	clients := map[codec.Name]*client{}
	for _, c := range []struct {
		name codec.Name
		hide []string
	}{{codec.G722, nil}, {codec.PCMU, []string{"G722/", "X722/"}}, {codec.Opus, []string{"G722/", "X722/", "PCMU/", "XCMU/"}}} {
		cl := newClient(t)
		cl.add(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverDirectionRecvonly)
		v, answer, err := n.Answer(context.Background(), strings.NewReplacer(c.hide...).Replace(cl.offer()), watcher)
		if err != nil {
			t.Fatal(err)
		}
		p, err := codec.Lookup(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(answer, " "+p.RTPMap()) || strings.Count(answer, "a=rtpmap") != 1 {
			t.Fatalf("answer to %s:\n%s", c.name, answer)
		}
		if v.Info().Voice.Name != c.name {
			t.Errorf("the viewer's codec is %v, want %s", v.Info().Voice, c.name)
		}
		cl.viewer = v
		if err := cl.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
			t.Fatal(err)
		}
		clients[c.name] = cl
		want = append(want, c.name)
	}
	deadline := time.Now().Add(patience)
	for len(n.VoiceFormats(nil)) < len(want) {
		if time.Now().After(deadline) {
			t.Fatalf("formats %v, want %v", n.VoiceFormats(nil), want)
		}
		time.Sleep(5 * time.Millisecond)
	}
	// Each gets its own packets, with timestamps of its clock.
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		start := time.Now()
		for i := 0; ; i++ {
			at := start.Add(time.Duration(i) * 20 * time.Millisecond)
			select {
			case <-stop:
				return
			case <-time.After(time.Until(at)):
				for k, name := range want {
					n.WriteAudio(codec.Format{Name: name}, &media.EncodedAudio{Data: []byte{byte(k), 1, 2}, CapturedAt: at, Duration: 20 * time.Millisecond})
				}
			}
		}
	}()
	for k, name := range want {
		step := uint32((codec.Format{Name: name}).ClockHz() / 50)
		a := next(t, clients[name].audio)
		b := next(t, clients[name].audio)
		if a.Payload[0] != byte(k) || b.Timestamp-a.Timestamp != step {
			t.Errorf("%s: packet % x, timestamps %d apart, want %d", name, a.Payload, b.Timestamp-a.Timestamp, step)
		}
	}
	close(stop)
	<-done
	clients[codec.PCMU].viewer.Close("test")
	deadline = time.Now().Add(patience)
	for f := n.VoiceFormats(nil); len(f) != 2; f = n.VoiceFormats(nil) {
		if time.Now().After(deadline) {
			t.Fatalf("formats %v after one left", f)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
