package neteq

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/red"
)

// ErrConfig is wrapped by errors about settings and codecs that cannot be.
var ErrConfig = errors.New("neteq: bad configuration")

// Decoder is the voice codec behind the buffer. Calls write mono samples at RateHz
// (8, 16, 24, 32 or 48 kHz) to pcm, which has room for MaxSamples, and return how
// many. Methods are called under the NetEQ's lock.
type Decoder interface {
	RateHz() int
	MaxSamples() int
	// Samples returns the length of a packet, 0 if it is malformed.
	Samples(packet []byte) int
	Decode(packet []byte, pcm []int16) (int, error)
	// Conceal continues the signal over a missing packet.
	Conceal(pcm []int16) (int, error)
}

// FECDecoder is a Decoder whose packets may carry the one before once more. One that
// has a method HasFEC(packet []byte) bool as well is only asked for what is there.
type FECDecoder interface {
	// DecodeFEC reconstructs the packet before this one, or returns an error.
	DecodeFEC(packet []byte, pcm []int16) (int, error)
}

// ComfortNoise makes noise after descriptions that come in place of voice
// (RFC 3389).
type ComfortNoise interface {
	RateHz() int
	Update(payload []byte) error
	Generate(pcm []int16)
}

// Resampler changes the rate of a stream; it returns how many samples it wrote to
// dst.
type Resampler interface {
	Process(dst, src []int16) int
}

// Codec registers a decoder.
type Codec struct {
	Decoder Decoder
	// ClockHz is the rate of RTP timestamps; 0: the decoder's rate.
	ClockHz int
	// OwnConcealment prefers the decoder's Conceal to extrapolation of the signal.
	OwnConcealment bool
}

// Config sets a NetEQ up. Zero fields mean the defaults.
type Config struct {
	// MinDelay and MaxDelay bound the target delay: 10 ms and 1 s. BaseMinDelay is
	// a second lower bound for the application: the larger of the two holds.
	MinDelay, MaxDelay, BaseMinDelay time.Duration
	// OwnConcealment is that of the decoder given to New.
	OwnConcealment bool
	// NewResampler makes what brings codecs of other rates to Pull's 48 kHz. Without
	// one samples are interpolated.
	NewResampler func(fromHz, toHz int) (Resampler, error)
	// OnEvent, unless nil, is told of telephone events (RFC 4733): once when one
	// begins and once when it ends. It is called by InsertPacket's goroutine and may
	// call the NetEQ.
	OnEvent func(Event)
	// NoTones keeps telephone events from being heard.
	NoTones bool
}

const (
	defaultMin = 10 * time.Millisecond
	defaultMax = time.Second
	// historyMs is how much of what was played is kept to go on from.
	historyMs = 60
	// aheadMs bounds what is decoded before its time, beside a packet.
	aheadMs = 80
	// jump is how far from the others a packet is taken for one of another stream.
	jump = 5 * unitHz
	// seenPackets is how many packets back it is known whether they have arrived.
	seenPackets = 64
)

// NetEQ is the receive buffer of one talker.
type NetEQ struct {
	mu      sync.Mutex
	cfg     Config
	any     *codec // for payload types that are not registered; may be nil
	codecs  [128]*codec
	packets packetBuffer
	delay   delayTracker
	events  eventQueue
	blocks  [red.MaxBlocks]red.Block
	stats   Stats
	sums    sums

	// Mapping from RTP to places in the stream.
	anchored            bool
	anchorTS            uint32
	anchorPos           int64
	anchorClockHz       int
	lastLength          int64
	firstSeq            int64 // of the stream's first packet, extended
	highestSeq          int64
	streamPackets       uint64
	seen                uint64 // bit i: the packet i before the newest has arrived
	earlierLost         int64
	suspect             bool
	suspectSeq          uint16
	suspectTS           uint32
	clock               int64 // blocks pulled, in units
	cur                 *codec
	rateHz              int
	unit                int64 // units per sample
	buf                 []int16
	start               int   // of what is still to be played
	end                 int64 // place of the end of buf
	content             int64 // place up to which the stream was really played
	playing             bool
	lastSeq             uint16
	concealed           int // samples since the last good one
	quietTicks          int // blocks since anything but background was played
	noise               *codec
	noiseTicks          int
	sinceStretch        int
	above               bool  // the playout is to come down to its target
	aimed               int64 // the target of the last block
	heldTicks           int
	scrap, back         []int16
	forward             expander
	backward            expander
	expanding           bool
	background          background
	out                 [media.BlockSamples]int16
	resampler           Resampler
	resampleIn, carried int
	carry               [2 * media.BlockSamples]int16
}

// New returns a NetEQ that decodes with dec, which it alone uses from now on:
// packets of all payload types that nothing was registered for. It panics if dec
// has a rate that is not a multiple of 8 kHz up to 48 kHz; Register reports that.
func New(dec Decoder, cfg Config) *NetEQ {
	q := NewMulti(cfg)
	c, err := newCodec(Codec{Decoder: dec, OwnConcealment: cfg.OwnConcealment})
	if err != nil {
		panic(err)
	}
	q.any = c
	q.use(c)
	return q
}

// NewMulti returns a NetEQ without a decoder: Register adds them.
func NewMulti(cfg Config) *NetEQ {
	if cfg.MinDelay == 0 {
		cfg.MinDelay = defaultMin
	}
	if cfg.MaxDelay == 0 {
		cfg.MaxDelay = defaultMax
	}
	q := &NetEQ{cfg: cfg}
	q.packets.init()
	q.delay.reset()
	q.background.reset()
	q.setRate(8000)
	return q
}

// SetDelay changes the bounds of the target delay (playout-delay); zero fields mean
// the defaults. Errors wrap ErrConfig.
func (q *NetEQ) SetDelay(least, most, base time.Duration) error {
	if least == 0 {
		least = defaultMin
	}
	if most == 0 {
		most = defaultMax
	}
	if least < 0 || base < 0 || most < least || most > 10*time.Second {
		return fmt.Errorf("%w: delay from %v to %v, base %v: must be from 0 to 10 s and in order", ErrConfig, least, most, base)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cfg.MinDelay, q.cfg.MaxDelay, q.cfg.BaseMinDelay = least, most, base
	return nil
}

// target is the target delay in units.
func (q *NetEQ) target() int64 {
	t := max(int64(q.delay.targetTick)*tick, unitsOf(max(q.cfg.MinDelay, q.cfg.BaseMinDelay)))
	// No more than three quarters of what the buffer holds.
	if q.lastLength > 0 {
		t = min(t, maxPackets*3/4*q.lastLength)
	}
	return min(t, unitsOf(q.cfg.MaxDelay))
}

// future is how many samples wait to be played.
func (q *NetEQ) future() int { return len(q.buf) - q.start }

// playoutDelay is how long after the fastest packets of late the next sample is
// played.
func (q *NetEQ) playoutDelay() int64 {
	return q.clock - (q.end - int64(q.future())*q.unit) - q.delay.base
}

// Pull writes the next 10 ms to b and reports whether anybody is heard: false means
// that b is silence.
func (q *NetEQ) Pull(b *media.Block) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.rateHz == media.EngineRateHz && q.carried == 0 {
		n, heard := q.pull(b.Samples[:])
		if n == media.BlockSamples {
			return heard
		}
		q.carried = q.convert(q.carry[:], b.Samples[:n])
	}
	heard := false
	for q.carried < media.BlockSamples {
		n, h := q.pull(q.out[:])
		heard = heard || h
		q.carried += q.convert(q.carry[q.carried:], q.out[:n])
	}
	copy(b.Samples[:], q.carry[:])
	q.carried = copy(q.carry[:], q.carry[media.BlockSamples:q.carried])
	return heard
}

// PullSamples writes the next 10 ms to pcm, which has room for those at 48 kHz, as
// they come from the codec, and returns their number, 1/100 of the rate, and
// whether anybody is heard. It is not to be mixed with Pull.
func (q *NetEQ) PullSamples(pcm []int16) (n int, heard bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pull(pcm)
}

func (q *NetEQ) pull(out []int16) (n int, heard bool) {
	heard = true
	if !q.playing {
		q.begin()
	}
	if q.playing {
		q.fill()
	}
	if !q.playing {
		heard = q.idle()
	} else {
		q.stretch()
	}
	n = q.rateHz / 100
	copy(out[:n], q.buf[q.start:q.start+n])
	at := q.clock - q.delay.base - q.target()
	if q.playing {
		at = q.end - int64(q.future())*q.unit
	}
	if q.events.sound(out[:n], at, q.clock, q.rateHz, q.cfg.NoTones) {
		heard = true
	}
	q.advance(n)
	return n, heard
}

// advance counts a block as played.
func (q *NetEQ) advance(n int) {
	q.start += n
	q.clock += tick
	q.stats.TotalSamplesReceived += uint64(n)
	if q.concealed == 0 && q.playing {
		q.background.observe(q.buf[:q.start], n)
	}
	history := historyMs * q.rateHz / 1000
	if q.start > 2*history {
		cut := q.start - history
		q.buf = q.buf[:copy(q.buf, q.buf[cut:])]
		q.start = history
	}
}

// idle plays what is heard while nothing is to be played: comfort noise, the
// background, or nothing.
func (q *NetEQ) idle() (heard bool) {
	n := q.rateHz / 100
	at := len(q.buf)
	missing := n - q.future()
	q.buf = q.buf[:at+missing]
	dst := q.buf[at:]
	q.quietTicks++
	switch {
	case q.noise != nil && q.noiseTicks < maxNoiseTicks:
		q.noiseTicks++
		q.noise.noise.Generate(dst)
		q.stats.GeneratedNoiseSamples += uint64(missing)
	case !q.muted():
		q.background.generate(dst)
		left := int32(quietFor - q.quietTicks)
		for i := range dst {
			dst[i] = int16(int32(dst[i]) * left / quietFor)
		}
		q.conceals(missing, true)
	default:
		clear(dst)
		q.conceals(missing, true)
		return false
	}
	return true
}

const (
	// quietFor is how many blocks the background is heard after the voice ended.
	quietFor = 100
	// maxNoiseTicks is how many blocks comfort noise goes on without news: 30 s.
	maxNoiseTicks = 3000
)

// muted says whether nothing is heard any more.
func (q *NetEQ) muted() bool {
	return !q.playing && (q.noise == nil || q.noiseTicks >= maxNoiseTicks) && q.quietTicks >= quietFor
}

// conceals counts samples that nobody sent.
func (q *NetEQ) conceals(n int, silent bool) {
	if q.stats.JitterBufferEmittedCount == 0 {
		return // nobody has spoken yet
	}
	q.stats.ConcealedSamples += uint64(n)
	if silent {
		q.stats.SilentConcealedSamples += uint64(n)
	}
}
