package jitter

import "time"

// Stats are counts since New. The names are those of W3C webrtc-stats, inbound
// RTP streams; durations are sums unless said otherwise.
type Stats struct {
	PacketsReceived   uint64 `json:"packetsReceived"`
	PacketsDiscarded  uint64 `json:"packetsDiscarded"`  // too late or too many
	PacketsDuplicated uint64 `json:"packetsDuplicated"` // were there already
	PacketsMalformed  uint64 `json:"packetsMalformed"`
	PacketsReordered  uint64 `json:"packetsReordered"` // filled a gap unasked
	// RetransmittedPacketsReceived filled a gap after they were asked for.
	RetransmittedPacketsReceived uint64 `json:"retransmittedPacketsReceived"`
	// PacketsLost never came: given up, or passed over.
	PacketsLost uint64 `json:"packetsLost"`

	// FramesReceived counts complete frames, KeyFramesReceived those of them that
	// are key frames, FramesDropped those that were not handed out, and
	// FramesIncomplete what was given up with packets missing.
	FramesReceived                   uint64 `json:"framesReceived"`
	KeyFramesReceived                uint64 `json:"keyFramesReceived"`
	FramesDropped                    uint64 `json:"framesDropped"`
	FramesIncomplete                 uint64 `json:"framesIncomplete"`
	FramesAssembledFromMultiplePacks uint64 `json:"framesAssembledFromMultiplePackets"`
	// FramesLate were handed out after they were due.
	FramesLate        uint64        `json:"framesLate"`
	TotalAssemblyTime time.Duration `json:"totalAssemblyTime"`

	// NACKCount counts packets asked for, PLICount key frames, RPSICount
	// acknowledged references.
	NACKCount uint64 `json:"nackCount"`
	PLICount  uint64 `json:"pliCount"`
	RPSICount uint64 `json:"rpsiCount"`

	// JitterBufferEmittedCount frames have waited JitterBufferDelay in all; the
	// target delays add up to JitterBufferTargetDelay, what jitter alone asked
	// for to JitterBufferMinimumDelay.
	JitterBufferEmittedCount uint64        `json:"jitterBufferEmittedCount"`
	JitterBufferDelay        time.Duration `json:"jitterBufferDelay"`
	JitterBufferTargetDelay  time.Duration `json:"jitterBufferTargetDelay"`
	JitterBufferMinimumDelay time.Duration `json:"jitterBufferMinimumDelay"`

	// A freeze is a pause between two frames longer than three mean ones and
	// longer than the mean by 150 ms.
	FreezeCount          uint64        `json:"freezeCount"`
	TotalFreezesDuration time.Duration `json:"totalFreezesDuration"`
	TotalInterFrameDelay time.Duration `json:"totalInterFrameDelay"`
	// TotalSquaredInterFrameDelay is in square seconds.
	TotalSquaredInterFrameDelay float64 `json:"totalSquaredInterFrameDelay"`

	// Jitter is RFC 3550's estimate, Delay the playout delay, SyncSkew by how
	// much the picture is behind the sound: values of the moment.
	Jitter   time.Duration `json:"jitter"`
	Delay    time.Duration `json:"playoutDelay"`
	SyncSkew time.Duration `json:"syncSkew"`
}

// freezeFrames is over how many frames the mean interval is taken.
const freezeFrames = 30

// freezes follows the intervals between frames.
type freezes struct {
	last time.Time
	ring [freezeFrames]time.Duration
	n    int
	sum  time.Duration
}

func (f *freezes) frame(now time.Time, s *Stats) {
	if f.last.IsZero() {
		f.last = now
		return
	}
	d := now.Sub(f.last)
	f.last = now
	s.TotalInterFrameDelay += d
	s.TotalSquaredInterFrameDelay += d.Seconds() * d.Seconds()
	if count := min(f.n, freezeFrames); count > 0 {
		if mean := f.sum / time.Duration(count); d > max(3*mean, mean+150*time.Millisecond) {
			s.FreezeCount++
			s.TotalFreezesDuration += d
		}
	}
	i := f.n % freezeFrames
	f.sum += d - f.ring[i]
	f.ring[i] = d
	f.n++
}

// Stats returns the counts.
func (b *Buffer) Stats() Stats {
	s := b.stats
	s.Jitter = time.Duration(b.jitterQ4>>4) * time.Second / RateHz
	s.Delay, s.SyncSkew = b.timing.current, b.clocks.skew
	return s
}
