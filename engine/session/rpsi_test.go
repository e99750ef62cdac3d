package session

import (
	"context"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

func TestRPSI(t *testing.T) {
	p := newRPSI(1, 0x01020304, 96, 0x7abc)
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if m, ok := parseRPSI(b); !ok || m != (rpsi{0x01020304, 96, 0x7abc}) {
		t.Errorf("%+v, %v", m, ok)
	}
	if pkts, err := rtcp.Unmarshal(b); err != nil || len(pkts) != 1 {
		t.Errorf("the library reads %v, %v", pkts, err)
	}
	short := append([]byte(nil), b...)
	short[12], short[14], short[15] = 8, 0x55, 0
	if m, ok := parseRPSI(short); !ok || m.pictureID != 0x55 {
		t.Errorf("one octet: %+v, %v", m, ok)
	}
	for at, v := range map[int]byte{0: 0x82, 1: 205, 3: 4, 12: 8, 13: 0x80 | 96} {
		bad := append([]byte(nil), b...)
		bad[at] = v
		if m, ok := parseRPSI(bad); ok {
			t.Errorf("octet %d is %d: %+v", at, v, m)
		}
	}
}

func FuzzRPSI(f *testing.F) {
	b, _ := newRPSI(1, 2, 96, 0x1234).Marshal()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := parseRPSI(b)
		if !ok || b[12] != 0 {
			return
		}
		again, err := newRPSI(0, m.media, m.payloadType, m.pictureID).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := parseRPSI(again); !ok || n != m {
			t.Fatalf("%+v became %+v", m, n)
		}
	})
}

// TestReferencesAreAcknowledged: a side whose answer wants it is told of
// references; one whose answer does not is not.
func TestReferencesAreAcknowledged(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		me := &webrtc.MediaEngine{}
		video := vp8Codec()
		if wanted {
			video.RTCPFeedback = append(video.RTCPFeedback, feedbackRPSI)
		}
		if err := me.RegisterCodec(video, webrtc.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
		se := webrtc.SettingEngine{}
		se.SetIncludeLoopbackCandidate(true)
		se.SetInterfaceFilter(func(n string) bool { return n == "lo" })
		peer := newClientOf(t, webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(se)))
		track, err := webrtc.NewTrackLocalStaticRTP(video.RTPCodecCapability, "v", "s")
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan struct{}, 1)
		call, err := NewCall(CallConfig{Video: true, Loopback: true}, CallHooks{Video: func(VideoPacket) {
			select {
			case got <- struct{}{}:
			default:
			}
		}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(call.Close)
		offer, err := call.Offer(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := peer.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
			t.Fatal(err)
		}
		sender, err := peer.pc.AddTrack(track)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := peer.pc.CreateAnswer(nil)
		if err != nil {
			t.Fatal(err)
		}
		done := webrtc.GatheringCompletePromise(peer.pc)
		if err := peer.pc.SetLocalDescription(answer); err != nil {
			t.Fatal(err)
		}
		<-done
		if err := call.Accept(peer.pc.LocalDescription().SDP); err != nil {
			t.Fatal(err)
		}
		if call.WantsReferences() != wanted {
			t.Fatalf("wants references: %v, the answer says %v", call.WantsReferences(), wanted)
		}
		// Packets until one arrives: the first are lost before the keys are there.
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for i := range uint16(2000) {
				b := []byte{0x80, 96, byte(i >> 8), byte(i), 0, 0, 0, 1, 0, 0, 0, 0, 0x10, 0, 0, 0}
				if _, err := track.Write(b); err != nil {
					return
				}
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		}()
		select {
		case <-got:
		case <-time.After(patience):
			t.Fatal("no packet arrived")
		}
		call.HaveReferences([]uint16{0x1234})
		call.Ask(nil, true)
		ssrc := uint32(sender.GetParameters().Encodings[0].SSRC)
		seen := false
		for {
			if err := sender.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			pkts, _, err := sender.ReadRTCP()
			if err != nil {
				t.Fatal(err)
			}
			asked := false
			for _, p := range pkts {
				b, err := p.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				if m, ok := parseRPSI(b); ok {
					seen = true
					if m.media != ssrc || m.pictureID != 0x1234 {
						t.Errorf("%+v, the stream is %d", m, ssrc)
					}
				}
				_, pli := p.(*rtcp.PictureLossIndication)
				asked = asked || pli
			}
			if asked { // what was sent before it has arrived
				break
			}
		}
		if seen != wanted {
			t.Errorf("acknowledged: %v, wanted: %v", seen, wanted)
		}
	}
}
