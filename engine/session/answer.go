package session

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
)

// hostGather bounds the wait for the candidates of the node's own sockets,
// which are open already: it takes a millisecond.
const hostGather = 500 * time.Millisecond

// hostLook is how often they are looked for while there is none, for lateGather at
// most.
const (
	hostLook   = 10 * time.Millisecond
	lateGather = 3 * time.Second
)

// Answer makes a session out of an SDP offer. The answer contains the node's
// candidates; the session is given up if the viewer does not connect within
// Config.ConnectTimeout. Errors: ErrForbidden, ErrBadOffer (also ErrNoVP8),
// ErrFull, ErrClosed.
func (m *Manager) Answer(ctx context.Context, offer string, g Grant) (_ *Viewer, answer string, err error) {
	if !g.View {
		return nil, "", fmt.Errorf("%w: the grant does not include viewing", ErrForbidden)
	}
	if !g.Expires.IsZero() && !time.Now().Before(g.Expires) {
		return nil, "", fmt.Errorf("%w: the grant expired at %s", ErrForbidden, g.Expires.UTC().Format(time.RFC3339))
	}
	// Refusing costs little: the offer is not even read.
	m.mu.Lock()
	err = m.room()
	m.mu.Unlock()
	if err != nil {
		return nil, "", err
	}
	p, err := planOffer(offer, g.Talk, m.OffersH264(), m.cfg.VoiceCodecs)
	if err != nil {
		return nil, "", err
	}
	v, err := m.reserve(g, p)
	if err != nil {
		return nil, "", err
	}
	defer func() {
		// The offer comes from outside and the library behind it is large:
		// whatever it does, the node goes on serving the others.
		if r := recover(); r != nil {
			m.log.Error("answering an offer panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = bad("it could not be processed")
		}
		if err != nil {
			v.close("offer could not be answered")
		}
	}()
	answer, err = v.negotiateFirst(ctx)
	if err != nil {
		return nil, "", err
	}
	if !g.Expires.IsZero() {
		v.setExpiry(g.Expires)
	}
	return v, answer, nil
}

// setExpiry ends the session when its grant does.
func (v *Viewer) setExpiry(at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closed {
		v.expiry = time.AfterFunc(time.Until(at), func() { v.close("grant expired") })
	}
}

func (v *Viewer) negotiateFirst(ctx context.Context) (string, error) {
	m, p := v.m, v.plan
	if p.video != "" {
		v.video = newOutTrack(webrtc.RTPCodecTypeVideo, webrtc.MimeTypeVP8, p.video)
		v.video.delay = playoutDelayExtension(m.cfg.PlayoutDelay)
		v.video.path = v.path
		v.video.useH264(p)
	}
	if p.audio != "" {
		v.audio = newOutTrack(webrtc.RTPCodecTypeAudio, p.params.MimeType(), p.audio)
		v.audio.path = v.path
		v.audio.types = p.types
	}
	pc, since := m.takeSpare()
	if pc == nil {
		since = time.Time{}
		pcfg, err := m.peerConfig(v.grant.Subject)
		if err != nil {
			return "", err
		}
		if pc, err = m.api.NewPeerConnection(pcfg); err != nil {
			return "", fmt.Errorf("session: make peer connection: %w", err)
		}
	}
	m.mu.Lock()
	v.pc = pc // from here on others see the viewer
	m.mu.Unlock()
	select {
	case <-v.done: // closed meanwhile, perhaps before there was a connection to close
		_ = pc.GracefulClose()
		return "", ErrClosed
	default:
	}
	v.observe()
	return v.exchange(ctx, true, since)
}

// playoutUnit is the resolution of the playout-delay header extension.
const playoutUnit = 10 * time.Millisecond

// playoutDelayExtension packs minimum and maximum, 12 bits each.
func playoutDelayExtension(d PlayoutDelay) []byte {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(d.Min/playoutUnit)<<12|uint32(d.Max/playoutUnit))
	return b[1:]
}

// exchange sets the plan's offer, answers it and returns the answer to the
// original offer. The node's addresses have been looked for since a time; zero:
// that begins now.
func (v *Viewer) exchange(ctx context.Context, first bool, since time.Time) (string, error) {
	raw, err := v.plan.offer.Marshal()
	if err != nil {
		return "", bad("not SDP: %v", err)
	}
	offer := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(raw)}
	if err := v.pc.SetRemoteDescription(offer); err != nil {
		return "", bad("%v", err)
	}
	if first {
		for _, t := range []*outTrack{v.video, v.audio} {
			if t == nil {
				continue
			}
			s, err := v.pc.AddTrack(t)
			if err != nil {
				return "", bad("%s: %v", t.kind, err)
			}
			v.start(func() { v.readFeedback(s, t) })
		}
	}
	answer, err := v.pc.CreateAnswer(nil)
	if err != nil {
		return "", bad("%v", err)
	}
	gathered := webrtc.GatheringCompletePromise(v.pc)
	if err := v.pc.SetLocalDescription(answer); err != nil {
		return "", bad("%v", err)
	}
	local, err := v.gathered(ctx, gathered, since)
	if err != nil {
		return "", err
	}
	return v.plan.answer(local)
}

// gathered returns the node's own description once all its addresses are known or
// the wait for them is over. It never has none for want of time: a slow board needs
// a second to get here, and a viewer that is told no address has nothing to try.
func (v *Viewer) gathered(ctx context.Context, all <-chan struct{}, since time.Time) (string, error) {
	now := time.Now()
	if since.IsZero() {
		since = now
	}
	wait := time.NewTimer(time.Until(since.Add(max(hostGather, v.m.cfg.GatherWait))))
	defer wait.Stop()
	for waiting := true; waiting; {
		select {
		case <-all:
			waiting = false
		case <-wait.C:
			waiting = !v.hasCandidate() && time.Since(now) < lateGather
			wait.Reset(hostLook)
		case <-v.done:
			return "", ErrClosed
		case <-ctx.Done():
			return "", fmt.Errorf("session: wait for addresses: %w", ctx.Err())
		}
	}
	local := v.pc.LocalDescription()
	if local == nil {
		return "", ErrClosed
	}
	return withReflexive(local.SDP, v.m.keeper.Public()), nil
}

// hasCandidate reports whether an address of the node is known.
func (v *Viewer) hasCandidate() bool {
	local := v.pc.LocalDescription()
	return local != nil && strings.Contains(local.SDP, "a=candidate:")
}
