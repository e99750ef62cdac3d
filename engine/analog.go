package engine

import (
	"sync/atomic"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice"
	"github.com/edgecam/edgecam/hal"
)

// analog moves a card's analogue gain. The voice goroutine owns it, but for cB.
type analog struct {
	card    hal.CaptureGain // nil without one, or when it is not to be moved
	control voice.AnalogGain
	cB      atomic.Int32 // what is set
	has     atomic.Bool
}

// attach takes a microphone that was opened.
func (a *analog) attach(e *Engine, mic hal.Microphone) {
	a.card, a.control = nil, voice.AnalogGain{}
	a.has.Store(false)
	card, ok := mic.(hal.CaptureGain)
	if !ok {
		return
	}
	if _, _, ok := card.GainRange(); !ok {
		return
	}
	cB, err := card.Gain()
	if err != nil {
		e.log.Warn("analogue gain cannot be read", "kind", hal.KindOf(err).String(), "error", err)
		return
	}
	a.cB.Store(int32(cB))
	a.has.Store(true)
	if e.cfg.Voice.AnalogGain {
		a.card = card
	}
}

// captured takes a block as it came from the card.
func (a *analog) captured(b *media.Block) {
	if a.card != nil {
		a.control.Block(b)
	}
}

// processed moves the gain if need be.
func (a *analog) processed(e *Engine, speech bool) {
	if a.card == nil {
		return
	}
	step := a.control.Step(speech, e.front.SpeechLevelDBFS())
	if step == 0 {
		return
	}
	low, high, _ := a.card.GainRange()
	want := min(max(int(a.cB.Load())+step, low), high)
	if want == int(a.cB.Load()) {
		return
	}
	if err := a.card.SetGain(want); err != nil {
		e.log.Warn("analogue gain cannot be set", "kind", hal.KindOf(err).String(), "error", err)
		a.card = nil // until the microphone is opened again
		return
	}
	a.cB.Store(int32(want))
	e.log.Info("analogue gain changed", "gain_db", float64(want)/10)
}
