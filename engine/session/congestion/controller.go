package congestion

import (
	"errors"
	"fmt"
	"time"
)

// ErrConfig is wrapped by all errors about a Config.
var ErrConfig = errors.New("congestion: configuration")

// Config bounds the rate of one path, in bits per second. All rates count whole
// packets as the caller gives their size.
type Config struct {
	// MinBps is honoured whatever the path carries; MaxBps is never exceeded.
	MinBps, MaxBps int
	// StartBps is assumed until the path has shown what it carries.
	StartBps int
}

// Validate reports the first value that cannot work.
func (c Config) Validate() error {
	switch {
	case c.MinBps < 1000 || c.MaxBps > 1_000_000_000 || c.MinBps > c.MaxBps:
		return fmt.Errorf("%w: rates %d to %d bit/s are not inside 1000 to 1000000000", ErrConfig, c.MinBps, c.MaxBps)
	case c.StartBps < c.MinBps || c.StartBps > c.MaxBps:
		return fmt.Errorf("%w: start rate %d is outside %d to %d bit/s", ErrConfig, c.StartBps, c.MinBps, c.MaxBps)
	}
	return nil
}

// Arrival is what the receiver reports of one packet.
type Arrival struct {
	Seq      uint16 // transport-wide sequence number
	Received bool
	At       time.Duration // by the receiver's clock, valid when Received
}

// State says what the controller is about.
type State uint8

// The states.
const (
	StateGrow    State = iota // nothing stands in the way
	StateDrain                // a queue has built up and is let run empty
	StateShare                // somebody else keeps the queue full
	StateSilence              // nothing is heard of the receiver
)

// String returns the state's name as statistics show it.
func (s State) String() string {
	return [...]string{"grow", "drain", "share", "silence"}[s&3]
}

// Estimate is what a path carries.
type Estimate struct {
	TargetBps int // what to send on average
	PacingBps int // how fast to send what waits
	State     State
	// LinkBps is the rate at which the path was last seen full, 0 when it was
	// not lately.
	LinkBps int
	// QueueDelay is the standing queue, RTT the round trip with the
	// receiver's reporting delay.
	QueueDelay, RTT time.Duration
	// LossShare is the part of packets lost lately, 0 to 1; PathLoss the part
	// that is lost whatever the rate.
	LossShare, PathLoss float64
}

// Controller estimates what one path carries. It is not safe for concurrent
// use.
type Controller struct {
	cfg     Config
	history history
	delay   delayTrack
	arrived delivery // by the receiver's clock
	sent    delivery // by the sender's
	train   train
	loss    lossTrack

	target float64
	link   float64
	state  State
	queue  time.Duration
	rtt    time.Duration

	now          time.Duration // of the last call
	lastArrival  time.Duration
	clockShift   time.Duration // from the receiver's clock to one of our own
	heard        time.Duration // last feedback
	sentSince    bool          // something was sent since then
	grown        time.Duration // last step up
	jumped       time.Duration // last step up that a train had proven
	distrust     time.Duration // trains prove nothing until then
	proof        float64
	proofAt      time.Duration
	quickest     float64 // rate of the quickest trains that were not held up
	hinted       bool    // a first long train has told the path's capacity
	surpassed    int     // trains in a row that were faster than link
	beforeTry    float64
	mostSent     float64 // rate at which most was sent lately
	mostSentAt   time.Duration
	shallow      time.Duration // last loss that the rate had caused
	episode      episode
	rival        rival
	stall        stall
	burst        uint32
	burstAt      time.Duration
	pictureSpace time.Duration // longest usual distance of two pictures
}

// episode is the time while a queue drains.
type episode struct {
	began  time.Duration
	ended  time.Duration
	before float64 // target
	peak   time.Duration
}

// New returns a controller. The error wraps ErrConfig.
func New(cfg Config) (*Controller, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Controller{cfg: cfg, target: float64(cfg.StartBps)}, nil
}

// SetLimits changes the bounds; the start rate plays no part any more.
func (c *Controller) SetLimits(minBps, maxBps int) error {
	cfg := Config{MinBps: minBps, MaxBps: maxBps, StartBps: minBps}
	if err := cfg.Validate(); err != nil {
		return err
	}
	c.cfg = cfg
	c.setTarget(c.target)
	return nil
}

// Sent tells of a packet that leaves at now with the given transport-wide
// sequence number, which counts upwards by one. bytes is its whole size. burst
// is the same for the packets of one picture and differs from the one before; 0
// stands for packets that belong to none, such as sound.
func (c *Controller) Sent(now time.Duration, seq uint16, bytes int, burst uint32) {
	c.now = max(c.now, now)
	c.history.put(now, seq, bytes, burst)
	c.sent.add(now, int32(bytes))
	if !c.sentSince {
		c.sentSince = true
		c.heard = max(c.heard, now) // silence begins with the first packet
	}
	if burst != 0 && burst != c.burst {
		if gap := now - c.burstAt; c.burst != 0 {
			c.pictureSpace = max(gap, c.pictureSpace-c.pictureSpace/16)
		}
		c.burst, c.burstAt = burst, now
	}
}

// Feedback takes one feedback message, in order of sequence numbers.
func (c *Controller) Feedback(now time.Duration, arrivals []Arrival) {
	c.now = max(c.now, now)
	news := false
	for i := range arrivals {
		news = c.report(now, &arrivals[i]) || news
	}
	if !news {
		return
	}
	if c.state == StateSilence {
		c.state = StateGrow
	}
	c.heard, c.sentSince = now, false
	c.decide(now)
}

// report takes what is said of one packet.
func (c *Controller) report(now time.Duration, a *Arrival) bool {
	p := c.history.get(a.Seq)
	if p == nil || p.state == packetArrived {
		return false
	}
	if !a.Received {
		if p.state == packetFlying {
			p.state = packetLost
			c.loss.add(true)
		}
		return false
	}
	if p.state == packetLost {
		c.loss.arrivedLate()
	}
	p.state = packetArrived
	c.loss.add(false)
	at := c.receiverTime(a.At)
	c.delay.add(at-p.at, at, p.bytes)
	c.stall.arrived(now, p.at, at)
	c.lastArrival = max(c.lastArrival, at)
	c.arrived.add(c.lastArrival, p.bytes)
	if bps, unhindered, packets := c.train.add(p, at); bps > 0 {
		c.proven(now, bps, unhindered, packets)
	}
	if rtt := now - p.at; c.rtt == 0 || rtt < c.rtt {
		c.rtt = rtt
	} else {
		c.rtt += (rtt - c.rtt) / 16
	}
	return true
}

// receiverTime puts the receiver's clock in order: it begins at an hour, and
// does not jump by more than a minute, whatever is reported.
func (c *Controller) receiverTime(t time.Duration) time.Duration {
	const begin, most = time.Hour, time.Minute
	at := t + c.clockShift
	if c.lastArrival == 0 {
		c.clockShift = begin - t
		return begin
	}
	if d := at - c.lastArrival; d > most || d < -most {
		c.clockShift = c.lastArrival + time.Second - t
		c.delay = delayTrack{noise: c.delay.noise}
		return c.lastArrival + time.Second
	}
	return at
}

// proven takes what trains of packets have shown.
func (c *Controller) proven(now time.Duration, bps float64, unhindered bool, packets int) {
	if !unhindered {
		c.surpassed = 0
		c.quickest = min(c.quickest, bps)
		if c.link == 0 && !c.hinted && packets >= hintPackets {
			// The first long train came in at the path's own pace.
			c.hinted = true
			c.link = bps
			c.setTarget(min(c.target, bps*afterDrain))
		}
		return
	}
	c.proof, c.proofAt = bps, now
	c.quickest = max(bps, c.quickest*0.9)
	if c.link == 0 || bps < beyondLink*c.link || c.state != StateGrow {
		c.surpassed = 0
		return
	}
	// One train may be lucky.
	if c.surpassed++; c.surpassed >= 4 {
		c.link, c.surpassed = 0, 0
	}
}

// Tick lets time pass; call it a few times per second, also while nothing is
// sent.
func (c *Controller) Tick(now time.Duration) {
	c.now = max(c.now, now)
	if !c.sentSince || now-c.heard < max(silenceAfter, 3*c.rtt) {
		return
	}
	if c.state != StateSilence {
		c.state = StateSilence
		c.grown = now
		return
	}
	if now-c.grown >= silenceStep {
		c.grown = now
		c.setTarget(c.target / 2)
	}
}

const (
	// silenceAfter is how long the receiver may be silent before the rate is
	// cut, by half every silenceStep.
	silenceAfter = 700 * time.Millisecond
	silenceStep  = 300 * time.Millisecond
	// shallowTime is how long a queue that has overflowed without having
	// delayed anything is remembered.
	shallowTime = 30 * time.Second
)

func (c *Controller) setTarget(bps float64) {
	c.target = min(max(bps, float64(c.cfg.MinBps)), float64(c.cfg.MaxBps))
}

// Estimate returns what is known now.
func (c *Controller) Estimate() Estimate {
	return Estimate{
		TargetBps: int(c.target), PacingBps: int(c.pacing()), State: c.state, LinkBps: int(c.link),
		QueueDelay: c.queue, RTT: c.rtt, LossShare: c.loss.share, PathLoss: c.loss.path,
	}
}

const (
	// Before anything is known of the path, a picture leaves at burstBps: on a
	// quick path it is there at once, on a slow one its packets line up and
	// show what the path carries.
	burstBps = 20e6
	// hintPackets is how long a train must be for that.
	hintPackets = 8
)

// pacing is how fast a picture leaves: much faster than the mean while that is
// how the path shows what it carries, little faster when that is known.
func (c *Controller) pacing() float64 {
	switch {
	case c.state == StateDrain || c.state == StateSilence:
		return c.target * 1.1
	case c.shallow != 0 && c.now-c.shallow < shallowTime:
		return c.target * 1.15
	case c.arrived.n == 0:
		return max(burstBps, c.target)
	case c.link == 0 || c.target < 0.7*c.link:
		return max(c.target*2.5, min(c.quickest*0.8, burstBps))
	default:
		return c.target * 1.3
	}
}
