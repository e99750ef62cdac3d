// Package neteq turns packets that arrive when they please into a steady stream
// of 10 ms blocks: it reorders, waits just long enough, conceals what is
// missing and shortens the wait when it has become too long.
//
// A NetEQ holds the packets of one talker. Insert may be called from the
// network's goroutine while Pull is called, every 10 ms of the sound card's
// clock, from the playout's.
//
// The wait (target delay) follows the 95th percentile of the packets' relative
// delay, a histogram of 20 ms buckets that forgets; the buffer is brought down
// to it by taking out whole pitch periods (accelerate), and filled up to it by
// waiting after an underrun. The decoder's own concealment bridges losses, and
// its in-band FEC where the next packet is already there.
package neteq

import (
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// Decoder is the voice codec behind the buffer. All calls write 48 kHz mono
// samples to pcm, which has room for MaxSamples, and return how many.
type Decoder interface {
	MaxSamples() int
	// Samples returns the length of a packet, 0 if it is malformed.
	Samples(packet []byte) int
	Decode(packet []byte, pcm []int16) (int, error)
	// DecodeFEC reconstructs the packet before this one from its redundancy.
	DecodeFEC(packet []byte, pcm []int16) (int, error)
	// Conceal continues the signal over a missing packet.
	Conceal(pcm []int16) (int, error)
}

const (
	// slots is how many packets are kept: 2.5 s of 20 ms packets. A power of
	// two, so that a sequence number's slot is its low bits.
	slots = 128
	// MaxPayloadBytes is the largest payload accepted; larger ones are counted
	// and dropped.
	MaxPayloadBytes = 1500
	// concealLimit is how many packets in a row are concealed before the
	// output falls silent until packets come again.
	concealLimit = 6
	// excess is how far the buffer may be above the target before samples are
	// taken out.
	excess = 30 * time.Millisecond
)

// Config sets a NetEQ up. Zero fields mean the defaults.
type Config struct {
	// MinDelay and MaxDelay bound the target delay: 20 ms and 400 ms.
	MinDelay, MaxDelay time.Duration
}

// Stats counts since the start. The names follow W3C webrtc-stats for inbound
// audio; sample counts are at 48 kHz.
type Stats struct {
	PacketsReceived      uint64
	PacketsDiscarded     uint64 // late, duplicate, oversized or malformed
	PacketsLost          uint64 // never there when their turn came
	FECPacketsUsed       uint64
	ConcealedSamples     uint64
	ConcealmentEvents    uint64
	RemovedSamples       uint64 // removedSamplesForAcceleration
	EmittedSamples       uint64
	SilentSamples        uint64
	JitterBufferDelay    time.Duration // now: packets and samples waiting
	JitterBufferTarget   time.Duration
	DecodeErrors         uint64
	CurrentlyConcealing  bool
	LastPacketAge        time.Duration
	RebufferingsUnderrun uint64
}

type slot struct {
	seq     uint16
	filled  bool
	samples int
	n       int
	data    [MaxPayloadBytes]byte
}

// NetEQ is the receive buffer of one talker.
type NetEQ struct {
	mu      sync.Mutex
	dec     Decoder
	cfg     Config
	ring    [slots]slot
	next    uint16 // sequence number whose turn it is
	newest  uint16
	started bool // next and newest are valid
	playing bool // false while filling up to the target

	pcm    []int16 // decoded and not yet played
	scrap  []int16
	lost   int // packets concealed in a row
	lastAt time.Time
	delay  delayTracker
	stats  Stats
}

// New returns a NetEQ that decodes with dec, which it alone uses from now on.
func New(dec Decoder, cfg Config) *NetEQ {
	if cfg.MinDelay == 0 {
		cfg.MinDelay = 20 * time.Millisecond
	}
	if cfg.MaxDelay == 0 {
		cfg.MaxDelay = 400 * time.Millisecond
	}
	return &NetEQ{
		dec: dec, cfg: cfg,
		pcm:   make([]int16, 0, 2*dec.MaxSamples()+media.BlockSamples),
		scrap: make([]int16, dec.MaxSamples()),
	}
}

// Insert takes a packet off the network: RTP sequence number, RTP timestamp
// (48 kHz) and payload, which is copied.
func (q *NetEQ) Insert(seq uint16, timestamp uint32, payload []byte, arrival time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.PacketsReceived++
	samples := 0
	if len(payload) > 0 && len(payload) <= MaxPayloadBytes {
		samples = q.dec.Samples(payload)
	}
	if samples == 0 {
		q.stats.PacketsDiscarded++
		return
	}
	switch ahead := int16(seq - q.next); {
	case !q.started:
		q.restart(seq)
	case ahead < -slots || ahead >= slots:
		// A jump: the sender restarted, or was away for long.
		q.clear()
		q.restart(seq)
	case ahead < 0:
		q.stats.PacketsDiscarded++
		return
	}
	q.delay.add(timestamp, arrival)
	q.lastAt = arrival
	s := &q.ring[seq%slots]
	if s.filled && s.seq == seq {
		q.stats.PacketsDiscarded++
		return
	}
	s.seq, s.filled, s.samples, s.n = seq, true, samples, copy(s.data[:], payload)
	if int16(seq-q.newest) > 0 {
		q.newest = seq
	}
}

func (q *NetEQ) restart(seq uint16) {
	q.started, q.playing, q.next, q.newest, q.lost = true, false, seq, seq, 0
	q.delay = delayTracker{}
}

func (q *NetEQ) clear() {
	for i := range q.ring {
		q.ring[i].filled = false
	}
	q.pcm = q.pcm[:0]
}

// Pull writes the next 10 ms to b and reports whether anybody is heard: false
// means that b is silence.
func (q *NetEQ) Pull(b *media.Block) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ready() {
		clear(b.Samples[:])
		q.stats.SilentSamples += media.BlockSamples
		return false
	}
	for len(q.pcm) < media.BlockSamples {
		if !q.decodeNext() {
			q.playing = false
			q.stats.RebufferingsUnderrun++
			break
		}
	}
	q.accelerate()
	n := copy(b.Samples[:], q.pcm)
	clear(b.Samples[n:])
	q.pcm = q.pcm[:copy(q.pcm, q.pcm[n:])]
	q.stats.EmittedSamples += uint64(n)
	return true
}

// ready says whether to play: after a start or an underrun not before the
// target delay has gathered.
func (q *NetEQ) ready() bool {
	if q.playing {
		return true
	}
	if !q.started || q.level() < q.target() {
		return false
	}
	// Begin with a packet that is there.
	for !q.ring[q.next%slots].holds(q.next) && q.next != q.newest {
		q.next++
	}
	q.playing, q.lost = q.ring[q.next%slots].holds(q.next), 0
	return q.playing
}

func (s *slot) holds(seq uint16) bool { return s.filled && s.seq == seq }

// level is how much waits: decoded samples and packets from the next one on.
func (q *NetEQ) level() time.Duration {
	samples := len(q.pcm)
	if q.started {
		for seq := q.next; int16(q.newest-seq) >= 0; seq++ {
			if s := &q.ring[seq%slots]; s.holds(seq) {
				samples += s.samples
			}
		}
	}
	return time.Duration(samples) * time.Second / media.EngineRateHz
}

func (q *NetEQ) target() time.Duration {
	return min(max(q.delay.target(), q.cfg.MinDelay), q.cfg.MaxDelay)
}

// decodeNext appends the next packet's samples, or what stands in for them. It
// reports false when the talker has fallen silent.
func (q *NetEQ) decodeNext() bool {
	s := &q.ring[q.next%slots]
	if s.holds(q.next) {
		n, err := q.dec.Decode(s.data[:s.n], q.scrap)
		s.filled = false
		q.next++
		if err == nil {
			q.lost = 0
			q.pcm = append(q.pcm, q.scrap[:n]...)
			return true
		}
		q.stats.DecodeErrors++
		return q.conceal(nil)
	}
	if int16(q.newest-q.next) <= 0 {
		// Nothing newer is there: late or ended. Keep the place.
		return q.conceal(nil)
	}
	q.stats.PacketsLost++
	after := &q.ring[(q.next+1)%slots]
	q.next++
	if after.holds(q.next) {
		return q.conceal(after.data[:after.n])
	}
	return q.conceal(nil)
}

// conceal bridges one packet, from the redundancy in following if there is any.
func (q *NetEQ) conceal(following []byte) bool {
	if q.lost++; q.lost > concealLimit && following == nil {
		return false
	}
	if q.lost == 1 {
		q.stats.ConcealmentEvents++
	}
	var n int
	var err error
	if following != nil {
		if n, err = q.dec.DecodeFEC(following, q.scrap); err == nil {
			q.stats.FECPacketsUsed++
		}
	}
	if following == nil || err != nil {
		n, err = q.dec.Conceal(q.scrap)
	}
	if err != nil || n == 0 {
		q.stats.DecodeErrors++
		return false
	}
	q.stats.ConcealedSamples += uint64(n)
	q.pcm = append(q.pcm, q.scrap[:n]...)
	return true
}

// Stats returns the counters and the state of the moment.
func (q *NetEQ) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.JitterBufferDelay, s.JitterBufferTarget = q.level(), q.target()
	s.CurrentlyConcealing = q.playing && q.lost > 0
	if !q.lastAt.IsZero() {
		s.LastPacketAge = time.Since(q.lastAt)
	}
	return s
}
