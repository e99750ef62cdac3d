package neteq

import "time"

// Stats counts since the start. Names follow W3C webrtc-stats for inbound audio;
// samples are at the rate of the codec they came from.
type Stats struct {
	PacketsReceived  uint64 `json:"packetsReceived"`
	PacketsLost      int64  `json:"packetsLost"`      // expected by sequence number, less received
	PacketsDiscarded uint64 `json:"packetsDiscarded"` // too late, twice, or not to be decoded
	DecodeErrors     uint64 `json:"decodeErrors"`

	FECPacketsReceived  uint64 `json:"fecPacketsReceived"`  // redundancy that came
	FECPacketsDiscarded uint64 `json:"fecPacketsDiscarded"` // and was not needed
	FECPacketsUsed      uint64 `json:"fecPacketsUsed"`      // packets mended by it

	// JitterBufferDelay is the sum, in seconds, over all JitterBufferEmittedCount
	// samples of their time in the buffer, JitterBufferTargetDelay that of the target
	// and JitterBufferMinimumDelay that of what the arrivals alone would make it.
	JitterBufferDelay        float64 `json:"jitterBufferDelay"`
	JitterBufferTargetDelay  float64 `json:"jitterBufferTargetDelay"`
	JitterBufferMinimumDelay float64 `json:"jitterBufferMinimumDelay"`
	JitterBufferEmittedCount uint64  `json:"jitterBufferEmittedCount"`

	TotalSamplesReceived           uint64  `json:"totalSamplesReceived"` // played, whatever they were
	ConcealedSamples               uint64  `json:"concealedSamples"`
	SilentConcealedSamples         uint64  `json:"silentConcealedSamples"` // of them, background noise
	ConcealmentEvents              uint64  `json:"concealmentEvents"`
	InsertedSamplesForDeceleration uint64  `json:"insertedSamplesForDeceleration"`
	RemovedSamplesForAcceleration  uint64  `json:"removedSamplesForAcceleration"`
	GeneratedNoiseSamples          uint64  `json:"generatedNoiseSamples"`     // comfort noise, by request of the sender
	InterruptionCount              uint64  `json:"interruptionCount"`         // concealments of 150 ms and more
	TotalInterruptionDuration      float64 `json:"totalInterruptionDuration"` // seconds
	BufferResets                   uint64  `json:"bufferResets"`              // a new stream began

	// Of the moment.
	PlayoutDelay time.Duration `json:"playoutDelayNs"` // behind the fastest packets of late
	TargetDelay  time.Duration `json:"targetDelayNs"`
	BufferLevel  time.Duration `json:"bufferLevelNs"` // what waits
	Concealing   bool          `json:"concealing"`
	Muted        bool          `json:"muted"`
}

// sums are the delays of Stats in units times samples.
type sums struct{ waited, target, minimum int64 }

// Stats returns the counters and the state of the moment.
func (q *NetEQ) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.JitterBufferDelay = float64(q.sums.waited) / unitHz
	s.JitterBufferTargetDelay = float64(q.sums.target) / unitHz
	s.JitterBufferMinimumDelay = float64(q.sums.minimum) / unitHz
	if q.anchored {
		expected := q.highestSeq - q.firstSeq + 1
		s.PacketsLost = expected - int64(q.streamPackets) + q.earlierLost
	}
	s.TargetDelay = duration(q.target())
	s.BufferLevel = duration(int64(q.future()) * q.unit)
	for _, p := range q.packets.order {
		s.BufferLevel += duration(p.length)
	}
	if q.playing {
		s.PlayoutDelay = duration(q.playoutDelay())
	}
	s.Concealing = q.playing && q.concealed > 0
	s.Muted = q.muted()
	return s
}

// duration of a number of units.
func duration(units int64) time.Duration {
	return time.Duration(units) * (time.Second / 32000) / (unitHz / 32000)
}

func unitsOf(d time.Duration) int64 { return int64(d) * (unitHz / 1000) / int64(time.Millisecond) }
