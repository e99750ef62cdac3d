package session

import (
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
)

// ViewerID names a viewer in logs, metrics and maps. It is not secret and gives
// no access to the session.
type ViewerID string

// Grant says what a viewer may do. The zero value allows nothing.
type Grant struct {
	// Subject is who the viewer is, for logs ("owner", "token door-tablet").
	Subject string
	// View allows to see and hear, Talk to speak, Open to release the door,
	// Admin to change the node. This package checks View and Talk; Open and
	// Admin are for whoever receives Hooks.Message.
	View, Talk, Open, Admin bool
	// Expires ends the session at that time; zero means never.
	Expires time.Time
}

// Hooks are called by the manager. All are optional. They are called from the
// session's goroutines: they return soon, and do not call Manager.Close.
type Hooks struct {
	// KeyFrameNeeded asks the encoder of a stream for a key frame at once.
	// Requests are rate limited already. The reason is one of the Reason
	// constants.
	KeyFrameNeeded func(s media.Stream, reason string)
	// Mend asks for the next frame of the main stream to build on a long-term
	// reference that all its viewers have (Manager.Received), and returns the
	// number of the frame that it will build on; 0: there is none. Without it,
	// what viewers have lost for good is mended by key frames alone.
	Mend func() (base uint64)
	// VideoPlan tells which streams are to be coded from the next frame on, and
	// at which rates. Calls do not overlap. Without it the main stream is sent
	// to all.
	VideoPlan func(VideoPlan)
	// NetworkChanged tells that addresses of this machine came or went. Viewers
	// reach it at the new ones after an ICE restart.
	NetworkChanged func(m *Manager)
	// ViewersChanged tells how many viewers are connected, readers too.
	ViewersChanged func(connected int)
	// ViewerJoined is called when media flows, ViewerLeft when a viewer that
	// had joined is gone, with a reason for people.
	ViewerJoined func(v *Viewer)
	ViewerLeft   func(v *Viewer, reason string)
	// ConnectionFailed tells of a session that did not connect, or whose
	// connection was lost.
	ConnectionFailed func(f Failure)
	// ChannelOpened is called when a viewer's data channel can be sent on.
	ChannelOpened func(v *Viewer)
	// Talk receives one RTP packet of a viewer's microphone, in order of
	// arrival, calls for one viewer never overlapping.
	Talk func(id ViewerID, p TalkPacket)
	// Message receives a text message of the data channel, at most
	// MaxMessageBytes long, valid until it returns. Answer with v.Send.
	Message func(v *Viewer, msg []byte)
}

// TalkPacket is one RTP packet of a viewer's voice (RFC 3550).
type TalkPacket struct {
	// Format is the codec, the same for all packets of a viewer.
	Format codec.Format
	// PayloadType says what of Types the payload is.
	PayloadType uint8
	Types       codec.Types
	// Payload is one packet of it, valid until the hook returns.
	Payload        []byte
	SequenceNumber uint16
	// Timestamp counts at the codec's clock rate (codec.Format.ClockHz).
	Timestamp uint32
	SSRC      uint32
	// Marker is set on the first packet after silence.
	Marker    bool
	ArrivedAt time.Time
}

// Reasons for a key frame, as Hooks.KeyFrameNeeded and Stats name them.
const (
	ReasonJoin    = "join"    // a viewer starts
	ReasonPLI     = "pli"     // picture loss indication (RFC 4585 section 6.3.1)
	ReasonFIR     = "fir"     // full intra request (RFC 5104 section 4.3.1)
	ReasonSwitch  = "switch"  // a viewer changes streams
	ReasonOverrun = "overrun" // a viewer's queue was full, pictures were dropped
	ReasonReader  = "reader"  // a recording is to have one every few seconds
)
