package station

import (
	"context"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/engine/voice/neteq"
	"github.com/edgecam/edgecam/hal"
)

const (
	// stallAfter is how long a device may take for one block.
	stallAfter = time.Second
	// deviceRetry is the pause before a device that failed is opened again.
	deviceRetry = time.Second
)

// soundClock relates the voice's RTP time to the sender's clock.
type soundClock struct {
	mu      sync.Mutex
	known   bool
	ntp     uint64
	rtp     uint32
	packets int
}

// voice takes a packet from the session.
func (l *link) voice(p session.TalkPacket) {
	q := l.receiver(&p)
	if q == nil {
		return
	}
	q.InsertPacket(neteq.Packet{SequenceNumber: p.SequenceNumber, Timestamp: p.Timestamp, PayloadType: p.PayloadType, Payload: p.Payload})
	if enc := l.encoder.Load(); enc != nil && p.PayloadType == p.Types.Voice {
		enc.Received(p.Payload, p.SequenceNumber, p.Timestamp, p.ArrivedAt)
	}
	l.voiceOnce.Do(func() { close(l.voiceCh) })
	l.sync(&p, q)
}

// receiver returns the jitter buffer for a codec; a new one when it changes.
func (l *link) receiver(p *session.TalkPacket) *codec.Buffer {
	l.neteqMu.Lock()
	defer l.neteqMu.Unlock()
	if l.neteq != nil && l.format == p.Format {
		return l.neteq
	}
	q, err := codec.NewBuffer(p.Format, p.Types, nil)
	if err != nil {
		l.s.log.Error("voice decoder cannot start", "error", err)
		return nil
	}
	l.neteq, l.format = q, p.Format
	return l.neteq
}

func (l *link) voiceClock(ntp uint64, rtp uint32) {
	l.sound.mu.Lock()
	l.sound.known, l.sound.ntp, l.sound.rtp = true, ntp, rtp
	l.sound.mu.Unlock()
}

// sync tells the picture when the sound is heard, a few times a second.
func (l *link) sync(p *session.TalkPacket, q *codec.Buffer) {
	s := &l.sound
	s.mu.Lock()
	s.packets++
	known, ntp, rtp := s.known && s.packets%16 == 0, s.ntp, s.rtp
	s.mu.Unlock()
	clock := int64(p.Format.ClockHz())
	if !known || clock == 0 {
		return
	}
	ahead := int64(int32(p.Timestamp-rtp)) * int64(time.Second) / clock
	captured := uint64(int64(ntp) + ahead/int64(time.Second)<<32 + ahead%int64(time.Second)<<32/int64(time.Second))
	heard := p.ArrivedAt.Add(waiting(q) + time.Duration(l.playoutLate.Load()))
	l.mu.Lock()
	l.buf.SyncTo(captured, heard)
	l.mu.Unlock()
}

// runPlayout plays the voice at the speaker's clock; without a speaker it is
// taken at the system's, for the recording and the statistics.
func (l *link) runPlayout(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-l.voiceCh:
	}
	var away hal.Outage
	for ctx.Err() == nil {
		var speaker hal.Speaker
		if l.s.devices.Speaker != nil {
			var err error
			if speaker, err = l.s.devices.Speaker(ctx); err != nil {
				if ctx.Err() == nil {
					away.Failed(l.s.log, "speaker", err)
				}
				speaker = nil
			} else {
				away.Over(l.s.log, "speaker")
			}
		}
		err := l.play(ctx, speaker)
		if speaker != nil {
			if cerr := speaker.Close(); cerr != nil {
				l.s.log.Warn("speaker close failed", "error", cerr)
			}
			if err != nil && ctx.Err() == nil {
				l.s.log.Warn("speaker failed, trying again", "kind", hal.KindOf(err).String(), "error", err)
				sleep(ctx, deviceRetry)
			}
		}
	}
}

// play plays until the speaker fails, or, without one, until it is time to look
// for one again.
func (l *link) play(ctx context.Context, speaker hal.Speaker) error {
	var b media.Block
	front := l.s.cfg.FrontEnd
	if front != nil && speaker != nil {
		defer front.FarEnd.Stopped()
	}
	counter, _ := speaker.(hal.SilenceCounter)
	silence := uint64(0)
	start := time.Now()
	until := start.Add(10 * deviceRetry)
	for n := 1; ctx.Err() == nil; n++ {
		l.neteqMu.Lock()
		q := l.neteq
		l.neteqMu.Unlock()
		q.Pull(&b)
		b.CapturedAt = time.Now()
		if l.s.rec != nil {
			l.s.rec.audio(&b)
		}
		if speaker == nil {
			next := start.Add(time.Duration(n) * media.BlockDuration)
			if l.s.devices.Speaker != nil && next.After(until) {
				return nil
			}
			sleep(ctx, time.Until(next))
			continue
		}
		writing, cancel := context.WithTimeout(ctx, stallAfter)
		err := speaker.Write(writing, &b)
		cancel()
		if err != nil && hal.KindOf(err) != hal.Overrun {
			return err
		}
		delay := speaker.Delay()
		l.playoutLate.Store(int64(delay))
		if front == nil {
			continue
		}
		if counter != nil {
			total := counter.Silence()
			front.FarEnd.Silent(total - silence)
			silence = total
		}
		// What is written next is heard after the delay; b lies before it.
		front.FarEnd.Played(&b, time.Now().Add(delay-media.BlockDuration))
	}
	return nil
}

// runMicrophone sends the own voice while talking is on. The microphone is open
// only then.
func (l *link) runMicrophone(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-l.connected:
	}
	client := l.client.Load()
	var away hal.Outage
	for ctx.Err() == nil {
		if !l.s.talking.Load() {
			select {
			case <-ctx.Done():
			case <-l.s.talkNow:
			}
			continue
		}
		if err := l.talk(ctx, client); err != nil && ctx.Err() == nil {
			away.Failed(l.s.log, "microphone", err)
			sleep(ctx, deviceRetry)
		}
	}
}

// talk sends the microphone until talking is switched off (nil) or it fails.
func (l *link) talk(ctx context.Context, client *whep.Client) error {
	format := client.Format()
	if format.Name == "" {
		l.s.event(Event{Type: "talk-refused", Text: "no voice codec was agreed on"})
		l.s.talking.Store(false)
		return nil
	}
	enc, err := codec.NewEncoder(format, 0)
	if err != nil {
		return err
	}
	l.encoder.Store(enc)
	defer l.encoder.Store(nil)
	mic, err := l.s.devices.Microphone(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := mic.Close(); cerr != nil {
			l.s.log.Warn("microphone close failed", "error", cerr)
		}
	}()
	var b media.Block
	front := l.s.cfg.FrontEnd
	if front != nil {
		front.Restart()
	}
	for ctx.Err() == nil && l.s.talking.Load() {
		reading, cancel := context.WithTimeout(ctx, stallAfter)
		err := mic.Read(reading, &b)
		cancel()
		if err != nil && hal.KindOf(err) != hal.Overrun {
			return err
		}
		if front != nil {
			speech, err := front.Capture(&b)
			if err != nil {
				return err
			}
			enc.SetSpeech(speech)
		}
		if err := enc.SetLoss(client.VoiceLoss()); err != nil {
			l.s.log.Debug("voice encoder keeps its expected loss", "error", err)
		}
		p, ok, err := enc.Encode(&b)
		if err != nil {
			l.s.log.Debug("voice block not encoded", "error", err)
			continue
		}
		if ok {
			if err := client.WriteVoice(&p); err != nil {
				l.s.log.Debug("voice not sent", "error", err)
			}
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
