package session

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/session/congestion"
)

// wireOverhead is what a packet weighs on the network besides its RTP payload:
// RTP with extensions, SRTP tag, UDP and IPv4.
const wireOverhead = packetOverhead + 8 + 20

// The rates of a path, in bits per second.
const (
	// leastRate is kept however bad the path is: a picture every now and then.
	leastRate = 60_000
	// headroom is how far a path's estimate may rise above what is sent to it
	// at most.
	headroom = 1.5
)

// flow says what a packet is for.
type flow uint8

const (
	flowVideo flow = iota
	flowAudio
	flowAgain  // sent once more
	flowParity // forward error correction
	numFlows
)

// path is what a viewer's network carries: transport-wide sequence numbers out,
// feedback in, and the estimate that comes of it.
type path struct {
	epoch   time.Time
	enabled atomic.Bool  // the viewer reports
	pacing  atomic.Int64 // bits per second, 0: as fast as it goes
	video   atomic.Int64 // payload rate for video, bits per second, 0: not known yet

	lossAt atomic.Int64 // when a packet of the picture was last reported lost, 0: never

	mu     sync.Mutex
	cc     *congestion.Controller
	parser congestion.Parser
	seq    uint16
	open   bool // a packet has left: from now on they are recorded
	last   congestion.Estimate
	ledger ledger
	heard  time.Duration // last feedback
	rtt    time.Duration // by reception reports, 0: not known

	// Bytes on the wire by flow since the moment since, payload of video, and
	// the rates before, in bits per second.
	since        time.Duration
	bytes        [numFlows]int
	payload      int
	other, ratio float64
}

func newPath(epoch time.Time, videoBps int) *path {
	p := &path{epoch: epoch, ratio: 0.92}
	most := mostRate(videoBps)
	// The whole stream is tried until the first reports, which come when the
	// first picture has shown what the path carries.
	start := max(videoBps+videoBps/8+50_000, leastRate)
	cc, err := congestion.New(congestion.Config{MinBps: leastRate, MaxBps: most, StartBps: min(start, most)})
	if err != nil {
		panic(err) // the bounds above are in order
	}
	p.cc = cc
	p.last = cc.Estimate()
	return p
}

// enable tells that the viewer has agreed to report.
func (p *path) enable() {
	p.mu.Lock()
	p.pacing.Store(int64(p.last.PacingBps))
	p.mu.Unlock()
	p.enabled.Store(true)
}

// setCeiling tells the rate that the stream has at most.
func (p *path) setCeiling(videoBps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// In order by construction; an error would leave the bounds as they are.
	_ = p.cc.SetLimits(leastRate, mostRate(videoBps))
}

// mostRate is how far the estimate for a stream may rise.
func mostRate(videoBps int) int {
	return max(int(headroom*float64(videoBps))+100_000, 2*leastRate)
}

// number writes the next transport-wide sequence number into a header. what is the
// packet of a picture, nil for all else.
func (p *path) number(ext []byte, payload int, f flow, burst uint32, what *packet) {
	now := time.Since(p.epoch)
	p.mu.Lock()
	binary.BigEndian.PutUint16(ext, p.seq)
	if what != nil && what.frame != 0 {
		p.ledger.packet(p.seq, what)
	}
	if p.open {
		p.cc.Sent(now, p.seq, payload+wireOverhead, burst)
		p.seq++
		p.bytes[f] += payload + wireOverhead
		if f == flowVideo {
			p.payload += payload
		}
	}
	p.mu.Unlock()
}

// opened tells that packets leave. Those before, which did not, have used no
// number.
func (p *path) opened() {
	p.mu.Lock()
	if !p.open {
		p.open = true
		p.seq++
	}
	p.mu.Unlock()
}

// feedback takes a feedback message and reports whether it could be read.
func (p *path) feedback(b []byte) bool {
	now := time.Since(p.epoch)
	p.mu.Lock()
	defer p.mu.Unlock()
	arrivals, err := p.parser.Parse(b)
	if err != nil {
		return false
	}
	p.cc.Feedback(now, arrivals)
	for i := range arrivals {
		if p.ledger.report(arrivals[i].Seq, arrivals[i].Received) {
			p.lossAt.Store(int64(now))
		}
	}
	p.heard = now
	p.publish(now)
	return true
}

// tick lets time pass while nothing is heard.
func (p *path) tick() {
	now := time.Since(p.epoch)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cc.Tick(now); p.video.Load() > 0 {
		p.publish(now)
	}
}

// measureTime is how long bytes are counted before rates are made of them.
const measureTime = 500 * time.Millisecond

// publish makes the estimate known. Called under mu.
func (p *path) publish(now time.Duration) {
	p.last = p.cc.Estimate()
	p.pacing.Store(int64(p.last.PacingBps))
	if d := now - p.since; d >= measureTime {
		other := float64(p.bytes[flowAudio]+p.bytes[flowAgain]+p.bytes[flowParity]) * 8 / d.Seconds()
		p.other += (other - p.other) / 2
		if p.bytes[flowVideo] > 0 {
			p.ratio += (float64(p.payload)/float64(p.bytes[flowVideo]) - p.ratio) / 4
		}
		p.since, p.bytes, p.payload = now, [numFlows]int{}, 0
	}
	video := (float64(p.last.TargetBps) - p.other) * p.ratio
	p.video.Store(int64(max(video, leastRate/2)))
}

func (p *path) estimate() congestion.Estimate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}
