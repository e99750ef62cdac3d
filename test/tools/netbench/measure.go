package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/edgecam/edgecam/test/netlab"
)

// figures are those of one span of one run.
type figures struct {
	Used     float64 `json:"used"`     // share of the path's capacity, all that has arrived
	Download float64 `json:"download"` // the same of the download
	P50      float64 `json:"p50_ms"`   // of the delay in the queue
	P95      float64 `json:"p95_ms"`
	Dropped  float64 `json:"dropped"`    // share of the packets that the queue had no room for
	Picture  float64 `json:"kbps"`       // of the picture, without what was sent again and parity
	FPS      float64 `json:"fps"`        // frames decoded
	Freezes  int     `json:"freezes"`    // as the watcher counts them
	Frozen   float64 `json:"frozen_s"`   // seconds of it
	PSNR     float64 `json:"psnr_db"`    // of what was shown, against the scene without its noise: median
	QP       float64 `json:"qp"`         // mean quantizer index, VP8's 0 to 127
	Height   int     `json:"height"`     // of the picture at the end
	Buffer   float64 `json:"buffer_ms"`  // mean time in the jitter buffer
	PLI      int     `json:"pli"`        // requests of a key frame
	Recovery float64 `json:"recovery_s"` // until the queue was gone after the capacity fell, with the span after it
}

// result is one run.
type result struct {
	Trace  string    `json:"trace"`
	Sender string    `json:"sender"`
	Round  int       `json:"round"`
	Error  string    `json:"error,omitempty"`
	Late   float64   `json:"late"` // share of packets that the relay itself sent more than 5 ms late
	Spans  []figures `json:"spans"`
}

// sample is what the watcher told at a time since the path's first packet.
type sample struct {
	at time.Duration
	v  videoStats
	// shown is the picture on the watcher's screen, if it was asked for.
	shown         []byte
	width, height int
}

// run has one sender send over one trace.
func (be *bench) run(ctx context.Context, tr *trace, s sender, round int) (res result, err error) {
	res = result{Trace: tr.name, Sender: s.name, Round: round}
	ctx, cancel := context.WithTimeout(ctx, tr.length+time.Minute)
	defer cancel()
	offer, err := be.b.do("offer", nil)
	if err != nil {
		return res, err
	}
	defer func() {
		_, closeErr := be.b.do("close", nil)
		err = errors.Join(err, closeErr)
	}()
	answer, err := s.answer(ctx, netlab.StripCandidates(offer.SDP))
	if err != nil {
		return res, err
	}
	target, err := udpCandidate(answer)
	if err != nil {
		return res, err
	}
	var passages []netlab.Passage // under the relay's lock until it is closed
	relay, err := netlab.NewRelay(netlab.RelayConfig{
		Target: target, ToServer: tr.back(), ToClient: tr.script, Seed: uint64(round), Shared: true, Download: tr.download,
		Record: func(p netlab.Passage) { passages = append(passages, p) },
	})
	if err != nil {
		return res, err
	}
	defer relay.Close()
	begin := time.Now() // of the path, but for some ms
	if _, err := be.b.do("accept", map[string]any{"sdp": netlab.RewriteAnswer(answer, relay.Addr())}); err != nil {
		return res, err
	}
	samples, state := []sample{{}}, ""
	for time.Since(begin) < tr.length {
		select {
		case <-ctx.Done():
			return res, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
		r, err := be.b.do("stats", nil)
		if err != nil {
			return res, err
		}
		now := sample{at: time.Since(begin), v: r.Video}
		if len(samples)%4 == 0 {
			if r, err := be.b.do("frame", nil); err == nil { // between two frames there may be none
				now.shown, now.width, now.height = r.Luma, r.Width, r.Height
			}
		}
		samples = append(samples, now)
		state = r.State
	}
	res.Late = relay.Late()
	if err := relay.Close(); err != nil {
		return res, err
	}
	if v := samples[len(samples)-1].v; v.FramesDecoded == 0 {
		return res, fmt.Errorf("the watcher has seen no picture: %s, %d bytes received, %d packets on the path, %d requests of a key frame", state, v.BytesReceived, len(passages), v.PLICount)
	}
	for _, sp := range tr.spans {
		f := tr.passed(passages, sp)
		f.watched(samples, sp)
		f.PSNR = be.psnr(samples, sp)
		if tr.drop > 0 && sp.from > tr.drop && (len(res.Spans) == 0 || tr.spans[len(res.Spans)-1].from < tr.drop) {
			f.Recovery = recovered(passages, tr.drop).Seconds()
		}
		res.Spans = append(res.Spans, f)
	}
	return res, nil
}

// udpCandidate is where an answer's media is received, loopback before others.
func udpCandidate(sdp string) (best netip.AddrPort, err error) {
	for line := range strings.Lines(sdp) {
		f := strings.Fields(line)
		if len(f) < 8 || !strings.HasPrefix(f[0], "a=candidate:") || !strings.EqualFold(f[2], "udp") {
			continue
		}
		a, err := netip.ParseAddrPort(f[4] + ":" + f[5])
		if err == nil && (!best.IsValid() || a.Addr().IsLoopback()) {
			best = a
		}
	}
	if !best.IsValid() {
		return best, fmt.Errorf("the answer has no UDP candidate of IPv4:\n%s", sdp)
	}
	return best, nil
}

// passed is what the path shows of a span.
func (tr *trace) passed(passages []netlab.Passage, sp span) (f figures) {
	var queue []float64
	bits, download, all, dropped := 0.0, 0.0, 0, 0
	for _, p := range passages {
		in := func(at time.Duration) bool { return at >= sp.from && at < sp.to }
		if !p.Download && in(p.At) {
			all++
			if p.Fate.Overflowed {
				dropped++
			}
		}
		if !p.Fate.Arrived || !in(p.Fate.Arrival) {
			continue
		}
		if p.Download {
			download += float64(p.Bytes) * 8
			continue
		}
		bits += float64(p.Bytes) * 8
		queue = append(queue, p.Fate.Queue.Seconds()*1000)
	}
	capacity := 0.0
	const dt = 10 * time.Millisecond
	for at := sp.from; at < sp.to; at += dt {
		// What a path loses at random it loses before its queue.
		capacity += float64(tr.conditions(at).RateBps) * dt.Seconds()
	}
	f.Used, f.Download, f.Dropped = bits/capacity, download/capacity, float64(dropped)/float64(max(all, 1))
	slices.Sort(queue)
	if n := len(queue); n > 0 {
		f.P50, f.P95 = queue[n/2], queue[n*95/100]
	}
	return f
}

// watched adds what the watcher shows.
func (f *figures) watched(samples []sample, sp span) {
	at := func(t time.Duration) sample {
		best := samples[0]
		for _, s := range samples {
			if (s.at - t).Abs() < (best.at - t).Abs() {
				best = s
			}
		}
		return best
	}
	a, b := at(sp.from), at(sp.to)
	seconds := (b.at - a.at).Seconds()
	frames := float64(b.v.FramesDecoded - a.v.FramesDecoded)
	bytes := func(v videoStats) int { return v.BytesReceived - v.RetransmittedBytes - v.FECBytesReceived }
	f.FPS = frames / seconds
	f.Picture = float64(bytes(b.v)-bytes(a.v)) * 8 / 1000 / seconds
	f.Freezes, f.Frozen = b.v.FreezeCount-a.v.FreezeCount, b.v.TotalFreezesDuration-a.v.TotalFreezesDuration
	f.QP = (b.v.QPSum - a.v.QPSum) / max(frames, 1)
	f.Height, f.PLI = b.v.FrameHeight, b.v.PLICount-a.v.PLICount
	f.Buffer = 1000 * (b.v.JitterBufferDelay - a.v.JitterBufferDelay) / float64(max(b.v.JitterBufferEmitted-a.v.JitterBufferEmitted, 1))
}

// psnr is the median of the pictures shown in a span.
func (be *bench) psnr(samples []sample, sp span) float64 {
	var v []float64
	for _, s := range samples {
		if s.at >= sp.from && s.at < sp.to && len(s.shown) > 0 {
			v = append(v, be.scene.psnr(s.shown, s.width, s.height))
		}
	}
	if len(v) == 0 {
		return 0
	}
	return median(v)
}

// recovered returns how long after the capacity fell the queue was gone, for half a
// second.
func recovered(passages []netlab.Passage, drop time.Duration) (last time.Duration) {
	for _, p := range passages {
		since := p.Fate.Arrival - drop
		if !p.Fate.Arrived || p.Download || since < 0 {
			continue
		}
		if since-last > 500*time.Millisecond {
			break
		}
		if p.Fate.Queue > 60*time.Millisecond {
			last = since
		}
	}
	return last
}
