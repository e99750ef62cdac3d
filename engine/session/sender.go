package session

import (
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

// pushVideo queues a frame and reports whether the viewer waits for a key frame
// that should be asked for. Called under Manager.fan; never blocks.
func (v *Viewer) pushVideo(f *frame) (ask bool) {
	if v.video == nil {
		return false
	}
	if v.waitKey {
		if !f.key {
			if v.overran {
				v.counters.framesDropped.Add(1)
			}
			// A viewer that is still stuck gets no key frame asked for: it
			// would cost all others quality and help nobody.
			return v.videoQueued.Load() == 0
		}
		v.waitKey, v.overran = false, false
	}
	if v.videoQueued.Load() < maxQueuedVideo {
		f.refs.Add(1)
		select {
		case v.queue <- f:
			v.videoQueued.Add(1)
			return false
		default:
			v.m.pool.release(f)
		}
	}
	v.overrun(f.number + 1)
	v.counters.framesDropped.Add(1)
	return false
}

// overrun gives up the queued video up to a frame number, until the next key
// frame. Called under Manager.fan.
func (v *Viewer) overrun(before uint64) {
	v.waitKey, v.overran = true, true
	v.flushBefore.Store(before)
	v.counters.overruns.Add(1)
}

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

// sendLoop is the viewer's own goroutine: it waits for the network so that
// nobody else does.
func (v *Viewer) sendLoop() {
	var videoReport, audioReport time.Time
	for {
		select {
		case <-v.done:
			return
		case f := <-v.queue:
			if f.kind == kindVideo {
				v.videoQueued.Add(-1)
				if f.number < v.flushBefore.Load() {
					v.counters.framesDropped.Add(1)
				} else {
					v.sendVideo(f)
					v.report(v.video, videoRateHz, &videoReport)
				}
			} else {
				v.sendPacket(v.audio, f.pkts[0])
				v.report(v.audio, audioRateHz, &audioReport)
			}
			v.m.pool.release(f)
		}
	}
}

func (v *Viewer) sendVideo(f *frame) {
	for _, p := range f.pkts {
		if !v.sendPacket(v.video, p) {
			// The rest of the frame cannot be decoded any more.
			v.m.fan.Lock()
			v.overrun(f.number + 1)
			v.m.fan.Unlock()
			return
		}
	}
	v.counters.framesSent.Add(1)
	if f.key {
		v.keySentNs.Store(max(int64(time.Since(v.m.clock.epoch)), 1))
	}
}

// sendPacket sends one packet and reports whether it left.
func (v *Viewer) sendPacket(t *outTrack, p *packet) bool {
	var give time.Time
	for {
		ready, err := t.send(p)
		if err != nil {
			v.counters.sendErrors.Add(1)
			return false
		}
		if ready {
			return true
		}
		now := time.Now()
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
func (v *Viewer) report(t *outTrack, rateHz int64, last *time.Time) {
	now := time.Now()
	if now.Sub(*last) < reportInterval {
		return
	}
	*last = now
	packets, octets := t.totals()
	if packets == 0 {
		return
	}
	ticks := v.m.clock.ticks(now, rateHz)
	if t == v.audio {
		ticks = v.m.audioTicks(ticks)
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
