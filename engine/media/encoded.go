package media

import "time"

// Stream names one of the sizes in which a camera's picture is coded.
type Stream uint8

// The streams of a camera, each coded at most once however many watch.
const (
	StreamMain  Stream = iota // the whole picture
	StreamThumb               // the picture made smaller, for slow networks
	StreamH264                // the whole picture in H.264, by the board's encoder or a camera's
	NumStreams
)

// String returns the stream's name as statistics show it.
func (s Stream) String() string {
	switch s {
	case StreamThumb:
		return "thumb"
	case StreamH264:
		return "h264"
	}
	return "main"
}

// EncodedVideo is one coded video frame on its way to the viewers. Data is
// valid until the call that received it returns: who needs it longer copies.
type EncodedVideo struct {
	// Data is a VP8 frame, or of StreamH264 an access unit in the byte stream format
	// (ITU-T H.264, Annex B).
	Data []byte
	// Stream is the one that the frame belongs to.
	Stream        Stream
	Key           bool
	Width, Height int
	CapturedAt    time.Time
	// TemporalID is the temporal layer, 0 the base; LayerSync says that the
	// frame refers to the base layer alone; NonReference that no later frame
	// refers to it (RFC 7741 section 4.2: TID, Y, N).
	TemporalID   uint8
	LayerSync    bool
	NonReference bool
	// Base is not 0 where the frame builds on an earlier one than that before it,
	// and on nothing since: the number of that frame, as who sends them counts.
	Base uint64
}

// EncodedAudio is one packet of coded voice. Data is valid until the call that
// received it returns.
type EncodedAudio struct {
	Data       []byte
	CapturedAt time.Time
	Duration   time.Duration
	// Start marks the first packet of speech after silence in which packets were
	// left out.
	Start bool
	// Speech says that somebody speaks in the packet, LevelDBov how loud it is, -127
	// to -1 dB of a full-scale square wave; 0: not known (RFC 6464).
	Speech    bool
	LevelDBov int
	// ComfortNoise says that Data describes the background instead of being coded
	// voice (RFC 3389).
	ComfortNoise bool
}
