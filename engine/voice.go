package engine

import (
	"context"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// runVoice keeps the microphone open while somebody watches and sends its
// voice.
func (e *Engine) runVoice(ctx context.Context) {
	defer e.pulses.voice.rest()
	retry := retryFirst
	var away hal.Outage
	for e.pulses.voice.wait(ctx, e.watching) == nil {
		mic, err := e.devices.Microphone(ctx)
		if err == nil {
			var spoke bool
			spoke, err = e.capturePCM(ctx, mic, &away)
			if cerr := mic.Close(); cerr != nil {
				e.log.Warn("microphone close failed", "error", cerr)
			}
			if spoke {
				retry = retryFirst
			}
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		away.Failed(e.log, "microphone", err)
		if !sleep(ctx, retry) {
			return
		}
		retry = min(2*retry, retryMost)
	}
}

// capturePCM reads the microphone until nobody watches (nil) or it fails. The
// first block ends what away tells of.
func (e *Engine) capturePCM(ctx context.Context, mic hal.Microphone, away *hal.Outage) (spoke bool, err error) {
	enc := voiceEncoders{sessions: e.sessions, opusBps: e.cfg.Voice.BitrateBps, log: e.log}
	e.encoders.Store(&enc)
	defer e.encoders.Store(nil)
	e.front.Restart()
	e.analog.attach(e, mic)
	var b media.Block
	for e.watching.isOpen() {
		e.pulses.voice.beat()
		readCtx, cancel := context.WithTimeout(ctx, stallAfter)
		err := mic.Read(readCtx, &b)
		cancel()
		if err != nil && hal.KindOf(err) != hal.Overrun {
			return spoke, err
		}
		e.voice.VoiceCaptured(err != nil)
		if !spoke {
			spoke = true
			away.Over(e.log, "microphone")
			e.log.Info("microphone streams")
		}
		start := time.Now()
		e.analog.captured(&b)
		speech, err := e.front.Capture(&b)
		if err != nil {
			return spoke, err
		}
		e.analog.processed(e, speech)
		e.visitorSpeaks(speech, start)
		e.duck.Process(&b)
		enc.send(&b, speech, e.front.LevelDBov())
		e.voice.VoiceEncoded(time.Since(start))
	}
	e.log.Info("microphone closed: nobody watches")
	return spoke, nil
}

// runPlayout opens the speaker when somebody talks and closes it when nobody
// has for a while, so that other programs may use the card.
func (e *Engine) runPlayout(ctx context.Context) {
	defer e.pulses.playout.rest()
	retry := retryFirst
	var away hal.Outage
	for e.pulses.playout.wait(ctx, e.talk.active) == nil {
		speaker, err := e.devices.Speaker(ctx)
		if err == nil {
			err = e.play(ctx, speaker, &away)
			if cerr := speaker.Close(); cerr != nil {
				e.log.Warn("speaker close failed", "error", cerr)
			}
			retry = retryFirst
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		away.Failed(e.log, "speaker", err)
		if !sleep(ctx, retry) {
			return
		}
		retry = min(2*retry, retryMost)
	}
}

// play mixes the talkers at the card's clock until all have fallen silent. The
// first block ends what away tells of.
func (e *Engine) play(ctx context.Context, speaker hal.Speaker, away *hal.Outage) error {
	e.log.Info("speaker opened: somebody talks")
	e.stateChanged()
	defer e.stateChanged()
	defer e.front.FarEnd.Stopped()
	var b media.Block
	quiet := time.Now()
	counter, _ := speaker.(hal.SilenceCounter)
	silence := uint64(0)
	for ctx.Err() == nil {
		e.pulses.playout.beat()
		m := e.talk.mix(&b, time.Now())
		if m.changed {
			e.floorChanged()
		}
		if m.talkers > 0 {
			quiet = time.Now()
		} else if time.Since(quiet) > talkHangover {
			e.talk.rest()
			e.floorChanged()
			e.log.Info("speaker closed: nobody talks")
			return nil
		}
		writeCtx, cancel := context.WithTimeout(ctx, stallAfter)
		err := speaker.Write(writeCtx, &b)
		cancel()
		if err != nil && hal.KindOf(err) != hal.Overrun {
			return err
		}
		away.Over(e.log, "speaker")
		// What is written next is heard after the delay; b lies before it.
		if counter != nil {
			total := counter.Silence()
			e.front.FarEnd.Silent(total - silence)
			silence = total
		}
		delay := speaker.Delay()
		heardAt := time.Now().Add(delay - media.BlockDuration)
		e.front.FarEnd.Played(&b, heardAt)
		if m.half {
			e.duck.Heard(&b, heardAt)
		}
		e.voice.VoicePlayed(delay)
	}
	return nil
}
