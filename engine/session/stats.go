package session

import (
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/session/congestion"
)

type lossCounters struct {
	fractionQ8  atomic.Uint32
	total       atomic.Int64
	jitterTicks atomic.Uint32
}

type viewerCounters struct {
	framesSent, framesDropped, overruns       atomic.Uint64
	framesThinned, switches, probes, parity   atomic.Uint64
	audioDropped, sendErrors, badRTCP, badRTP atomic.Uint64
	nacks, nacksRefused, resent, plis, firs   atomic.Uint64
	rpsis                                     atomic.Uint64
	talkDropped                               atomic.Uint64
	messagesIn, messagesOut, messagesDropped  atomic.Uint64
	rttNs                                     atomic.Int64
	videoLoss, audioLoss                      lossCounters
}

// TrackInfo describes one stream to a viewer.
type TrackInfo struct {
	// Packets and PayloadBytes sent, retransmissions not counted.
	Packets, PayloadBytes uint64
	// LossFraction is that of the viewer's last report, 0 to 1; PacketsLost
	// its total (below 0 when duplicates arrived); Jitter its estimate.
	LossFraction float64
	PacketsLost  int64
	Jitter       time.Duration
}

// ViewerInfo is a snapshot of a session.
type ViewerInfo struct {
	ID      ViewerID
	Subject string
	// State is the peer connection's: new, connecting, connected,
	// disconnected, failed or closed.
	State       string
	CreatedAt   time.Time
	ConnectedAt time.Time // zero while half open
	Expires     time.Time
	// Local and Remote describe the selected candidates, like "host/udp";
	// RemoteAddr is the viewer's address.
	Local, Remote, RemoteAddr string
	RTT                       time.Duration
	HasVideo, HasAudio        bool
	// Voice is the codec of the sound, in both directions; empty without sound.
	Voice                     codec.Format
	Video, Audio              TrackInfo
	FramesSent, FramesDropped uint64
	// Probes are packets sent again to see whether more fits; ProtectedFrames
	// were sent with parity packets.
	Probes, ProtectedFrames uint64
	// Stream is the one that is sent, Switches how often it changed.
	// FramesThinned were left out because the path does not carry all pictures:
	// nothing is missing without them.
	Stream                  media.Stream
	Switches, FramesThinned uint64
	// Overruns counts how often the viewer fell behind.
	Overruns, AudioDropped, SendErrors uint64
	// NACKs counts packets asked for again, Resent those that were sent, and
	// NACKsRefused those that were not (too old, or asked for too often).
	NACKs, NACKsRefused, Resent, PLIs, FIRs uint64
	// RPSIs counts long-term references that the viewer said to have decoded.
	RPSIs                                         uint64
	TalkAllowed                                   bool
	TalkPackets, TalkBytes, TalkLost, TalkDropped uint64
	HasChannel                                    bool
	MessagesIn, MessagesOut, MessagesDropped      uint64
	MalformedRTP, MalformedRTCP                   uint64
	// Path is what the viewer's network carries, as far as it reports on it.
	Path       congestion.Estimate
	HasReports bool
}

// Info returns a snapshot of the session.
func (v *Viewer) Info() ViewerInfo {
	c := &v.counters
	i := ViewerInfo{
		ID: v.id, Subject: v.grant.Subject, CreatedAt: v.created, Expires: v.grant.Expires,
		RTT: time.Duration(c.rttNs.Load()), HasVideo: v.video != nil, HasAudio: v.audio != nil,
		FramesSent: c.framesSent.Load(), FramesDropped: c.framesDropped.Load(), Overruns: c.overruns.Load(),
		Voice: v.plan.voice, AudioDropped: c.audioDropped.Load(), SendErrors: c.sendErrors.Load(),
		NACKs: c.nacks.Load(), NACKsRefused: c.nacksRefused.Load(), Resent: c.resent.Load(),
		PLIs: c.plis.Load(), FIRs: c.firs.Load(), RPSIs: c.rpsis.Load(),
		TalkAllowed: v.grant.Talk, TalkDropped: c.talkDropped.Load(),
		MessagesIn: c.messagesIn.Load(), MessagesOut: c.messagesOut.Load(), MessagesDropped: c.messagesDropped.Load(),
		MalformedRTP: c.badRTP.Load(), MalformedRTCP: c.badRTCP.Load(),
	}
	i.Path, i.HasReports = v.path.estimate(), v.path.enabled.Load()
	i.TalkPackets, i.TalkBytes, i.TalkLost = v.mic.snapshot()
	i.Video = trackInfo(v.video, &c.videoLoss, videoRateHz)
	i.Audio = trackInfo(v.audio, &c.audioLoss, max(int64(v.plan.params.ClockHz), 1))
	i.Probes, i.ProtectedFrames = c.probes.Load(), c.parity.Load()
	i.Switches, i.FramesThinned = c.switches.Load(), c.framesThinned.Load()
	v.m.fan.Lock()
	i.Stream = v.forward.stream
	v.m.fan.Unlock()
	v.mu.Lock()
	i.ConnectedAt, i.HasChannel = v.connectedAt, v.channel != nil
	v.mu.Unlock()
	i.State = v.pc.ConnectionState().String()
	if pair, err := v.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair(); err == nil && pair != nil {
		describe := func(c *webrtc.ICECandidate) string { return c.Typ.String() + "/" + c.Protocol.String() }
		i.Local, i.Remote, i.RemoteAddr = describe(pair.Local), describe(pair.Remote), pair.Remote.Address
	}
	return i
}

func trackInfo(t *outTrack, l *lossCounters, rateHz int64) TrackInfo {
	if t == nil {
		return TrackInfo{}
	}
	var i TrackInfo
	i.Packets, i.PayloadBytes = t.totals()
	i.LossFraction = float64(l.fractionQ8.Load()) / 256
	i.PacketsLost = l.total.Load()
	i.Jitter = time.Duration(l.jitterTicks.Load()) * time.Second / time.Duration(rateHz)
	return i
}

// Stats are totals since the manager was made.
type Stats struct {
	// Connected and HalfOpen sessions now. Readers are counted as connected, too.
	Connected, HalfOpen, Readers int
	// Accepted and Refused sessions.
	Accepted, Refused uint64
	// VideoFrames, KeyFrames and AudioPackets written by the engine.
	VideoFrames, KeyFrames, AudioPackets uint64
	// Speaking says that somebody speaks at the node.
	Speaking bool
	// KeyFrameRequests that reached the encoder, by reason.
	KeyFrameRequests map[string]uint64
	// VideoRateBps, ThumbRateBps and H264RateBps are the rates that the encoder was asked
	// for, 0 for a stream that nobody takes; TemporalLayers are the main
	// stream's.
	VideoRateBps, ThumbRateBps, H264RateBps, TemporalLayers int
	// KeyFramesReplayed counts viewers that started with a recent key frame.
	KeyFramesReplayed uint64
	// Mended counts losses that a frame built on a long-term reference was asked
	// for, instead of a key frame.
	Mended uint64
}
