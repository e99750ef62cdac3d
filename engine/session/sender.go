package session

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
)

const (
	// reportInterval is the time between two sender reports.
	reportInterval = time.Second
	// keyWait bounds how long the first packet waits for the SRTP keys, which
	// follow the DTLS handshake by microseconds.
	keyWait = 2 * time.Second
	cname   = "edgecam"
)

// pushAudio queues an audio packet; when the queue is full it is lost.
func (v *Viewer) pushAudio(f *frame) {
	if v.audio == nil {
		return
	}
	f.refs.Add(1)
	select {
	case v.queue <- f:
	default:
		v.m.pool.release(f)
		v.counters.audioDropped.Add(1)
	}
}

// pending is the video that waits for its time to leave, in the hands of the
// goroutine that sends.
type pending struct {
	frames [maxQueuedVideo]*frame
	n      int
	packet int       // next one of the first frame
	due    time.Time // when it may leave
}

// outbox is what a viewer's packets wait in. Either the viewer's own goroutine
// sends them or the pacer does, which holds mu meanwhile.
type outbox struct {
	pending

	mu     sync.Mutex
	shared bool // the pacer sends
	begun  bool // a packet has left: the keys are there
	// Times of what is done now and then.
	videoReport, audioReport, ticked time.Time
	mends                            mendTime
}

const (
	// paceSlack is how much too early packets may leave, so that a small board
	// is not woken for each of them.
	paceSlack = 1500 * time.Microsecond
	// paceDebt is how much time that nobody used may be made up for.
	paceDebt = 5 * time.Millisecond
	// silenceTick is how often a viewer's path is looked at while nothing is
	// heard of it.
	silenceTick = 200 * time.Millisecond
)

// sendLoop is the viewer's own goroutine: it waits for the network so that
// nobody else does. Sound leaves at once; pictures leave at the pace that the
// path bears. Where the network makes nobody wait, the pacer sends.
func (v *Viewer) sendLoop() {
	o := &v.outbox
	defer func() {
		for o.n > 0 {
			v.dropFirst(&o.pending)
		}
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if o.begun && v.direct.Load() {
			v.m.pacer.add(v)
			select {
			case <-v.done:
			case <-v.alone:
			}
			v.m.pacer.remove(v)
		}
		var due <-chan time.Time
		if wait := v.sendPictures(time.Now().Add(paceSlack)); o.n > 0 {
			timer.Reset(wait + paceSlack)
			due = timer.C
		}
		v.look()
		select {
		case <-v.done:
			return
		case <-due:
		case f := <-v.queue:
			v.accept(f)
		}
	}
}

// accept takes a frame from the queue: sound leaves at once.
func (v *Viewer) accept(f *frame) {
	o := &v.outbox
	if f.kind == kindVideo {
		// There is room: videoQueued counts these too.
		o.frames[o.n] = f
		o.n++
		return
	}
	sent := v.sendPacket(v.audio, v.audio.withRedundancy(f, v.counters.audioLoss.fractionQ8.Load()), label{}, 0)
	o.begun = o.begun || sent && v.video == nil
	v.report(v.audio, &o.audioReport)
	v.m.pool.release(f)
}

// sendPictures sends what may leave until a time, and returns how long the rest has
// to wait after that.
func (v *Viewer) sendPictures(until time.Time) time.Duration {
	o := &v.outbox
	if o.n == 0 {
		return 0
	}
	wait := v.sendDue(&o.pending, until)
	v.report(v.video, &o.videoReport)
	return wait
}

// look does what is to be done now and then.
func (v *Viewer) look() {
	if now := time.Now(); v.path.enabled.Load() && now.Sub(v.outbox.ticked) > silenceTick {
		v.outbox.ticked = now
		v.path.tick()
		v.m.adaptVideo(false)
		v.tryMore()
		v.protect()
		v.mendInTime(now)
	}
}

// sendDue sends what may leave until a time, and returns how much later the rest
// may. The time is a little ahead.
func (v *Viewer) sendDue(q *pending, until time.Time) time.Duration {
	for q.n > 0 {
		f := q.frames[0]
		if f.number < v.flushBefore.Load() {
			v.counters.framesDropped.Add(1)
			v.dropFirst(q)
			continue
		}
		if wait := q.due.Sub(until); wait > 0 {
			return wait
		}
		now := time.Now()
		if q.packet == 0 {
			v.begin(f)
		}
		p := f.pkts[q.packet]
		// The number of a picture is never 0, which is sound's.
		if !v.sendPacket(v.video, p, v.label, uint32(f.number)<<1|1) {
			// The rest of the frame cannot be decoded any more.
			v.m.fan.Lock()
			v.overrun(f.number + 1)
			v.m.fan.Unlock()
			continue
		}
		v.outbox.begun = true
		if bps := v.path.pacing.Load(); bps > 0 && v.path.enabled.Load() {
			if q.due.Before(now.Add(-paceDebt)) {
				q.due = now.Add(-paceDebt)
			}
			q.due = q.due.Add(time.Duration(p.n+wireOverhead) * 8 * time.Second / time.Duration(bps))
		}
		if q.packet++; q.packet < len(f.pkts) {
			continue
		}
		if n, err := v.video.sendParity(uint32(f.number)<<1 | 1); err != nil {
			v.counters.sendErrors.Add(1)
		} else if bps := v.path.pacing.Load(); n > 0 && bps > 0 {
			v.counters.parity.Add(1)
			q.due = q.due.Add(time.Duration(n) * 8 * time.Second / time.Duration(bps))
		}
		v.counters.framesSent.Add(1)
		switch now := max(int64(time.Since(v.m.clock.epoch)), 1); {
		case f.key:
			v.keySentNs.Store(now)
		case f.base != 0:
			v.mendSentNs.Store(now)
		}
		v.dropFirst(q)
	}
	return 0
}

// dropFirst lets go of the first frame.
func (v *Viewer) dropFirst(q *pending) {
	if f := q.frames[0]; q.packet < len(f.pkts) {
		v.path.cut(f.number)
	}
	v.m.pool.release(q.frames[0])
	copy(q.frames[:], q.frames[1:q.n])
	q.n--
	q.frames[q.n] = nil
	q.packet = 0
	v.videoQueued.Add(-1)
}

// sendPacket sends one packet and reports whether it left.
func (v *Viewer) sendPacket(t *outTrack, p *packet, l label, burst uint32) bool {
	var give time.Time
	for {
		ready, err := t.send(p, l, burst)
		if err != nil {
			v.counters.sendErrors.Add(1)
			return false
		}
		if ready {
			return true
		}
		now := time.Now()
		if v.outbox.shared {
			return false // the pacer does not wait
		}
		if give.IsZero() {
			give = now.Add(keyWait)
		}
		if now.After(give) {
			return false
		}
		select {
		case <-v.done:
			return false
		case <-time.After(200 * time.Microsecond):
		}
	}
}

// report sends a sender report with the first packet and then every second
// (RFC 3550 section 6.4.1). Its two times belong to the same moment of the
// media clock.
func (v *Viewer) report(t *outTrack, last *time.Time) {
	now := time.Now()
	if now.Sub(*last) < reportInterval {
		return
	}
	*last = now
	packets, octets := t.totals()
	if packets == 0 {
		return
	}
	var ticks int64
	if t == v.video {
		ticks = v.m.clock.ticks(now, videoRateHz)
	} else if s := v.stream.Load(); s != nil {
		ticks = s.ticks(v.m.clock, now)
	}
	sr := &rtcp.SenderReport{
		SSRC: t.ssrc(), NTPTime: v.m.clock.ntp(now), RTPTime: uint32(ticks) + t.tsOffset,
		PacketCount: uint32(packets), OctetCount: uint32(octets),
	}
	if t == v.audio {
		if r, ok := v.mic.report(now); ok {
			sr.Reports = []rtcp.ReceptionReport{r}
		}
	}
	sdes := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: sr.SSRC, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: cname}},
	}}}
	if err := v.pc.WriteRTCP([]rtcp.Packet{sr, sdes}); err != nil {
		v.counters.sendErrors.Add(1)
	}
}
