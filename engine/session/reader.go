package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
)

const (
	// readerQueue is how many frames of picture and sound may wait for a reader's
	// goroutine. Writing hands packets over and waits for no network, so that
	// this is the time that the goroutine may be kept from running.
	readerQueue = 64
	// readerRepair is the least time between two key frames that are asked for
	// because one reader has lost packets: it cannot be sent them again.
	readerRepair = 2 * time.Second
)

// ReaderOptions says what a Reader takes.
type ReaderOptions struct {
	// Grant must allow to view.
	Grant Grant
	// VideoType and VoiceType are the RTP payload types; VoiceType 0: no sound.
	VideoType, VoiceType uint8
	// Voice is the format of the sound.
	Voice codec.Format
	// KeyFrameEvery is the longest time between two key frames while there is a
	// reader, so that a recording can be cut and searched; 0: as viewers need
	// them.
	KeyFrameEvery time.Duration
}

// ReaderSink is where a Reader's packets go. It must not wait for a network: an
// error ends the reader.
type ReaderSink interface {
	// WriteRTP takes a packet, valid until it returns; it sets the SSRC.
	WriteRTP(video bool, p *rtp.Packet) error
	// WriteReport takes a sender report; it sets the SSRC.
	WriteReport(video bool, r *rtcp.SenderReport) error
}

// Reader takes the main stream and the voice to a transport that is not WebRTC,
// such as RTSP: the packets of the other viewers, under numbers of its own. It
// counts as a viewer whose network carries everything, and gets all pictures from
// a key frame on.
type Reader struct {
	m     *Manager
	o     ReaderOptions
	queue chan *frame
	// waitKey, under Manager.fan, says that nothing is taken before a key frame.
	waitKey bool
	voice   *voiceStream
	dropped atomic.Uint64
	repair  atomic.Int64 // when a key frame was last asked for because of loss

	video, audio readerTrack
	label        label
	keyAt        time.Time
	packet       rtp.Packet
	scratch      [maxPayload]byte
}

// readerTrack numbers one RTP stream. Reader.Run owns it.
type readerTrack struct {
	seq             uint16
	offset          uint32 // of timestamps
	packets, octets uint32
	reported        time.Time
}

// OpenReader makes a reader. Run must be called for it, and lets go of it.
func (m *Manager) OpenReader(o ReaderOptions) (*Reader, error) {
	if !o.Grant.View {
		return nil, fmt.Errorf("session: reader %s: %w", o.Grant.Subject, ErrForbidden)
	}
	r := &Reader{m: m, o: o, queue: make(chan *frame, readerQueue), waitKey: true}
	for _, t := range []*readerTrack{&r.video, &r.audio} {
		t.seq, t.offset = uint16(rand.Uint32()), rand.Uint32()
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil, ErrClosed
	}
	m.readerCount++
	m.wg.Add(1)
	n := m.connCount + m.readerCount
	m.mu.Unlock()
	if m.hooks.ViewersChanged != nil {
		m.hooks.ViewersChanged(n)
	}
	return r, nil
}

// Run sends until ctx is done, the manager is closed, the grant expires or the
// sink fails, whose error it returns.
func (r *Reader) Run(ctx context.Context, sink ReaderSink) error {
	m := r.m
	defer m.wg.Done()
	defer r.leave()
	if e := r.o.Grant.Expires; !e.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, e)
		defer cancel()
	}
	r.join()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-m.ended:
			return ErrClosed
		case f := <-r.queue:
			err := r.send(f, sink)
			m.pool.release(f)
			if err != nil {
				return err
			}
		}
	}
}

// KeyFrame asks for a key frame because the reader has lost packets.
func (r *Reader) KeyFrame() {
	now := int64(max(time.Since(r.m.clock.epoch), 1))
	if last := r.repair.Load(); last != 0 && now-last < int64(readerRepair) || !r.repair.CompareAndSwap(last, now) {
		return
	}
	r.m.gates[media.StreamMain].request(ReasonPLI)
}

// Dropped counts the frames that were left out because the reader's goroutine
// did not run.
func (r *Reader) Dropped() uint64 { return r.dropped.Load() }

func (r *Reader) join() {
	m := r.m
	m.fan.Lock()
	o := &m.out
	if o.stopped {
		m.fan.Unlock()
		return
	}
	o.readers = append(o.readers, r)
	if r.o.VoiceType != 0 {
		if s := o.voice(r.o.Voice, codec.Types{Voice: r.o.VoiceType}); s != nil {
			r.voice = s
			s.readers = append(s.readers, r)
		}
	}
	idle := o.plan.MainBps == 0
	if o.replay && len(o.recent) > 0 && time.Since(o.recentAt) < replayAge {
		for _, f := range o.recent {
			r.pushVideo(f)
		}
		m.replayed.Add(1)
	}
	waits := r.waitKey
	m.fan.Unlock()
	if idle {
		m.adaptVideo(true)
	}
	if waits {
		m.gates[media.StreamMain].request(ReasonJoin)
	}
}

func (r *Reader) leave() {
	m := r.m
	m.fan.Lock()
	same := func(x *Reader) bool { return x == r }
	m.out.readers = slices.DeleteFunc(m.out.readers, same)
	if r.voice != nil {
		r.voice.readers = slices.DeleteFunc(r.voice.readers, same)
	}
	m.out.silent()
	m.fan.Unlock()
	for len(r.queue) > 0 { // nobody writes to it any more
		m.pool.release(<-r.queue)
	}
	m.mu.Lock()
	m.readerCount--
	n := m.connCount + m.readerCount
	m.mu.Unlock()
	m.adaptVideo(true)
	if m.hooks.ViewersChanged != nil {
		m.hooks.ViewersChanged(n)
	}
}

// pushVideo queues a frame and reports whether a key frame is needed. Called under
// Manager.fan; never blocks.
func (r *Reader) pushVideo(f *frame) (needsKey bool) {
	switch {
	case f.stream != media.StreamMain:
		return false
	case r.waitKey && !f.key:
		return len(r.queue) < readerQueue/2
	}
	r.waitKey = !r.push(f)
	return false
}

func (r *Reader) push(f *frame) bool {
	f.refs.Add(1)
	select {
	case r.queue <- f:
		return true
	default:
		r.m.pool.release(f)
		r.dropped.Add(1)
		return false
	}
}

// send writes the packets of a frame, and what goes with them.
func (r *Reader) send(f *frame, sink ReaderSink) error {
	now := time.Now()
	if f.kind == kindAudio {
		if err := r.write(f.pkts[0], &r.audio, r.o.VoiceType, sink); err != nil {
			return err
		}
		return r.report(now, &r.audio, sink)
	}
	if r.label = r.label.follow(f.tid); f.key {
		r.keyAt = now
	}
	for _, p := range f.pkts {
		if err := r.write(p, &r.video, r.o.VideoType, sink); err != nil {
			return err
		}
	}
	if every := r.o.KeyFrameEvery; every > 0 && now.Sub(r.keyAt) >= every {
		r.keyAt = now // asked for; when it comes, once more
		r.m.gates[media.StreamMain].request(ReasonReader)
	}
	return r.report(now, &r.video, sink)
}

func (r *Reader) write(p *packet, t *readerTrack, payloadType uint8, sink ReaderSink) error {
	payload := r.scratch[:copy(r.scratch[:], p.payload())]
	if t == &r.video {
		r.label.write(payload)
	}
	r.packet.Header = rtp.Header{
		Version: 2, Marker: p.marker, PayloadType: payloadType, SequenceNumber: t.seq, Timestamp: p.ts + t.offset,
	}
	r.packet.Payload = payload
	t.seq++
	t.packets++
	t.octets += uint32(len(payload))
	return sink.WriteRTP(t == &r.video, &r.packet)
}

// report sends a sender report with the first packet and then every second, which
// ties the timestamps of both streams to one clock (RFC 3550 section 6.4.1).
func (r *Reader) report(now time.Time, t *readerTrack, sink ReaderSink) error {
	if now.Sub(t.reported) < reportInterval {
		return nil
	}
	t.reported = now
	ticks := r.m.clock.ticks(now, videoRateHz)
	if t == &r.audio {
		ticks = r.voice.ticks(r.m.clock, now)
	}
	return sink.WriteReport(t == &r.video, &rtcp.SenderReport{
		NTPTime: r.m.clock.ntp(now), RTPTime: uint32(ticks) + t.offset, PacketCount: t.packets, OctetCount: t.octets,
	})
}
