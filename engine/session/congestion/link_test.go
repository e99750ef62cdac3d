package congestion

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// link is a simulated path: a queue that drains at a rate, then a delay with
// jitter, then loss. It carries this sender's packets and, on request, a
// loss-driven download's.
type link struct {
	rate   func(t time.Duration) float64 // bit/s
	buffer time.Duration                 // what the queue holds
	delay  time.Duration                 // one way
	jitter func(t time.Duration, r *rand.Rand) time.Duration
	loss   func(t time.Duration, r *rand.Rand) bool
	report time.Duration // feedback interval
	fps    float64
	demand func(t time.Duration) float64 // what the encoder would send at most
	rivals int                           // downloads that run beside
	skew   float64                       // receiver's clock, ppm
	seed   uint64
	// hold is how long packets are held back before they reach the queue.
	hold func(t time.Duration) time.Duration
}

type outcome struct {
	t                       []time.Duration
	queue                   []float64 // ms, of each packet
	delivered, capacity     []float64 // bits by 100 ms
	target                  []float64
	sendDelay               []float64 // ms in the pacer, of video packets
	share                   float64
	lostPackets, allPackets int
}

// run sends for d and returns what happened.
func (l link) run(tb testing.TB, cfg Config, d time.Duration) outcome {
	tb.Helper()
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(l.seed, 7))
	if l.report == 0 {
		l.report = 50 * time.Millisecond
	}
	if l.fps == 0 {
		l.fps = 30
	}
	type flying struct {
		seq          uint16
		sent, arrive time.Duration
		lost         bool
	}
	const step = time.Millisecond / 2
	var (
		o         outcome
		wait      []int // packets in the pacer
		waitSince []time.Duration
		seq       uint16
		burst     uint32
		budget    float64
		free      time.Duration // when the link's queue is empty
		out       []flying
		acks      []Arrival
		reports   []struct {
			at time.Duration
			as []Arrival
		}
		nextFrame, nextAudio, nextReport time.Duration
		last                             time.Duration // arrival order is kept
		expect                           = 0
		rivals                           = make([]*download, l.rivals)
		rivalBits                        float64
	)
	for i := range rivals {
		rivals[i] = &download{window: 10, ssthresh: 1e9}
	}
	o.delivered = make([]float64, int(d/(100*time.Millisecond))+1)
	o.capacity = make([]float64, len(o.delivered))
	put := func(now time.Duration, bytes int) (arrive time.Duration, queued time.Duration, lost bool) {
		start := max(free, now)
		queued = start - now
		if l.buffer > 0 && queued > l.buffer {
			return 0, queued, true
		}
		free = start + time.Duration(float64(bytes*8)/l.rate(now)*1e9)
		if l.loss != nil && l.loss(now, r) {
			return 0, queued, true
		}
		arrive = free + l.delay
		if l.jitter != nil {
			arrive += l.jitter(now, r)
		}
		return arrive, queued, false
	}
	send := func(now time.Duration, bytes int, b uint32) {
		entry := now
		if l.hold != nil {
			entry += l.hold(now)
		}
		arrive, queued, lost := put(entry, bytes)
		c.Sent(now, seq, bytes, b)
		o.allPackets++
		if lost {
			o.lostPackets++
		} else {
			arrive = max(arrive, last)
			last = arrive
			if i := int(arrive / (100 * time.Millisecond)); i < len(o.delivered) {
				o.delivered[i] += float64(bytes * 8)
			}
			o.t, o.queue = append(o.t, now), append(o.queue, float64(queued)/1e6)
		}
		out = append(out, flying{seq, now, arrive, lost})
		seq++
	}
	for now := time.Duration(0); now < d; now += step {
		o.capacity[int(now/(100*time.Millisecond))] += l.rate(now) * step.Seconds()
		for _, v := range rivals {
			v.run(now, put, l.delay)
			rivalBits = v.bits
		}
		if now >= nextFrame {
			nextFrame += time.Duration(1e9 / l.fps)
			e := c.Estimate()
			bps := max(float64(e.TargetBps)-52e3, 20e3)
			if l.demand != nil {
				bps = min(bps, l.demand(now))
			}
			n := bps / 8 / l.fps * math.Exp(0.15*r.NormFloat64())
			if burst == 0 {
				n *= 5 // the key frame
			}
			burst++
			for left := int(n); left > 0; left -= 1150 {
				wait, waitSince = append(wait, min(left, 1150)+50), append(waitSince, now)
			}
		}
		if now >= nextAudio {
			nextAudio += 20 * time.Millisecond
			send(now, 130, 0)
		}
		budget = min(budget+float64(c.Estimate().PacingBps)/8*step.Seconds(), 1500)
		for len(wait) > 0 && budget > 0 {
			send(now, wait[0], burst)
			budget -= float64(wait[0])
			o.sendDelay = append(o.sendDelay, float64(now-waitSince[0])/1e6)
			wait, waitSince = wait[1:], waitSince[1:]
		}
		if now >= nextReport {
			nextReport += l.report
			acks = acks[:0:0]
			top := -1
			for i := expect; i < len(out); i++ {
				if !out[i].lost && out[i].arrive <= now {
					top = i
				}
			}
			for i := expect; i <= top; i++ {
				f := &out[i]
				at := time.Duration(float64(f.arrive)*(1+l.skew*1e-6)) + 1234*time.Second
				acks = append(acks, Arrival{Seq: f.seq, Received: !f.lost, At: at / 250000 * 250000})
			}
			expect = top + 1
			if top < 0 {
				expect = max(expect, 0)
			}
			if len(acks) > 0 {
				reports = append(reports, struct {
					at time.Duration
					as []Arrival
				}{now + l.delay, acks})
			}
			if top < 0 {
				expect = len(out) - (len(out) - expect)
			}
		}
		for len(reports) > 0 && reports[0].at <= now {
			c.Feedback(now, reports[0].as)
			reports = reports[1:]
		}
		if now%(100*time.Millisecond) == 0 {
			c.Tick(now)
			o.target = append(o.target, float64(c.Estimate().TargetBps))
			if tracing {
				e := c.Estimate()
				tb.Logf("%6.1f s target %7d link %7d queue %5.1f ms %-7s loss %.3f path %.3f noise %.1f base %v proof %.0f",
					now.Seconds(), e.TargetBps, e.LinkBps, float64(e.QueueDelay)/1e6, e.State, e.LossShare, e.PathLoss, float64(c.delay.noise)/1e6, c.delay.base, c.proof)
			}
		}
	}
	o.share = rivalBits
	return o
}

var tracing = false

// download is a loss-driven rival in the manner of TCP Reno.
type download struct {
	window, ssthresh float64
	flying           []time.Duration // when each acknowledgement comes back
	loss             []time.Duration
	cut              time.Duration
	bits             float64
}

func (v *download) run(now time.Duration, put func(time.Duration, int) (time.Duration, time.Duration, bool), back time.Duration) {
	rtt := 2*back + 20*time.Millisecond
	for len(v.flying) > 0 && v.flying[0] <= now {
		v.flying = v.flying[1:]
		v.bits += 1200 * 8
		if v.window < v.ssthresh {
			v.window++
		} else {
			v.window += 1 / v.window
		}
	}
	for len(v.loss) > 0 && v.loss[0] <= now {
		v.loss = v.loss[1:]
		if now-v.cut > rtt {
			v.cut = now
			v.window = max(v.window/2, 2)
			v.ssthresh = v.window
		}
	}
	for float64(len(v.flying)+len(v.loss)) < v.window {
		at, _, lost := put(now, 1200)
		if lost {
			v.loss = append(v.loss, now+rtt)
			break
		}
		v.flying = append(v.flying, at+back)
	}
}

// between sums up what happened between two moments: the part of the capacity
// that was used and the 95th percentile of the queueing delay in ms.
func (o *outcome) between(from, to time.Duration) (used, p95 float64) {
	var have, did float64
	for i := int(from / (100 * time.Millisecond)); i < int(to/(100*time.Millisecond)); i++ {
		have += o.capacity[i]
		did += o.delivered[i]
	}
	var q []float64
	for i, t := range o.t {
		if t >= from && t < to {
			q = append(q, o.queue[i])
		}
	}
	slices.Sort(q)
	if len(q) > 0 {
		p95 = q[len(q)*95/100]
	}
	return did / have, p95
}

func constant(bps float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return bps }
}
