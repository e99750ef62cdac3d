package session

import (
	"context"
	"fmt"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/session/codec"
)

// Publish makes a session whose offer comes from this node, for a server that
// passes picture and sound on to many: VP8 and Opus, in one direction. The server
// takes a viewer's place. Accept takes its answer; the session is given up if it
// does not connect within Config.ConnectTimeout. Errors: ErrFull, ErrClosed.
func (m *Manager) Publish(ctx context.Context, subject string) (_ *Viewer, offer string, err error) {
	voice, params, _, ok := codec.Choose([]codec.Offered{opusOffered()}, []codec.Name{codec.Opus})
	if !ok {
		return nil, "", fmt.Errorf("session: publish: Opus is not available")
	}
	p := &plan{
		offer: &sdp.SessionDescription{}, video: "0", audio: "1",
		voice: voice, params: params, types: codec.Types{Voice: params.PayloadType},
	}
	v, err := m.reserve(Grant{Subject: subject, View: true}, p)
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			v.close("offer could not be made")
		}
	}()
	pcfg, err := m.peerConfig(subject)
	if err != nil {
		return nil, "", err
	}
	pc, err := m.api.NewPeerConnection(pcfg)
	if err != nil {
		return nil, "", fmt.Errorf("session: make peer connection: %w", err)
	}
	v.video = newOutTrack(webrtc.RTPCodecTypeVideo, webrtc.MimeTypeVP8, p.video)
	v.video.delay = playoutDelayExtension(m.cfg.PlayoutDelay)
	v.audio = newOutTrack(webrtc.RTPCodecTypeAudio, params.MimeType(), p.audio)
	v.audio.types = p.types
	v.video.path, v.audio.path = v.path, v.path
	m.mu.Lock()
	v.pc = pc // from here on others see the session
	m.mu.Unlock()
	select {
	case <-v.done:
		_ = pc.GracefulClose()
		return nil, "", ErrClosed
	default:
	}
	v.observe()
	vp8 := vp8Codec()
	vp8.RTCPFeedback = append(vp8.RTCPFeedback, webrtc.RTCPFeedback{Type: "transport-cc"})
	for _, t := range []struct {
		track  *outTrack
		codecs []webrtc.RTPCodecParameters
	}{{v.video, []webrtc.RTPCodecParameters{vp8, rtxCodec(vp8.PayloadType)}}, {v.audio, []webrtc.RTPCodecParameters{voiceCodec(params)}}} {
		tr, err := pc.AddTransceiverFromTrack(t.track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err == nil {
			err = tr.SetCodecPreferences(t.codecs)
		}
		if err != nil {
			return nil, "", fmt.Errorf("session: offer %s: %w", t.track.kind, err)
		}
		v.start(func() { v.readFeedback(tr.Sender(), t.track) })
	}
	offer, err = v.gatherOffer(ctx)
	return v, offer, err
}

// opusOffered is Opus as a server's answer names it.
func opusOffered() codec.Offered {
	p, err := codec.Lookup(codec.Opus)
	if err != nil {
		return codec.Offered{}
	}
	o, _ := codec.ParseRTPMap(fmt.Sprintf("%d %s", p.PayloadType, p.RTPMap()))
	o.FMTP = p.FMTP
	return o
}

func (v *Viewer) gatherOffer(ctx context.Context) (string, error) {
	offer, err := v.pc.CreateOffer(nil)
	if err != nil {
		return "", fmt.Errorf("session: make offer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(v.pc)
	if err := v.pc.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("session: make offer: %w", err)
	}
	return v.gathered(ctx, gathered, time.Time{})
}

// Accept takes the answer to an offer of Publish. Errors wrap ErrBadAnswer.
func (v *Viewer) Accept(answer string) error {
	v.negotiate.Lock()
	defer v.negotiate.Unlock()
	if len(answer) > maxOfferBytes {
		return fmt.Errorf("%w: %d bytes are more than the limit of %d", ErrBadAnswer, len(answer), maxOfferBytes)
	}
	if err := v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("%w: %w", ErrBadAnswer, err)
	}
	return nil
}
