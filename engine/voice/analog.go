package voice

import (
	"github.com/edgecam/edgecam/engine/media"
)

const (
	// Speech at the converter is kept between these levels in dBFS; within them
	// the digital control does the rest.
	softestDBFS, loudestDBFS = -36, -15
	// gainStepCB is one step of the analogue gain: small enough for the echo
	// canceller to follow. clipStepCB is the step down from clipping.
	gainStepCB, clipStepCB = 30, 60
	// speechBlocks of speech must have been heard since the last step.
	speechBlocks = 300
	// A block clips with clipSamples at full scale; clipBlocks of them within
	// clipWindow are too many.
	fullScale, clipSamples, clipBlocks, clipWindow = 32700, 3, 3, 100
)

// AnalogGain decides how a card's analogue gain is to be moved, slowly, so that
// speech neither clips at the converter nor drowns in its noise. It is for one
// goroutine.
type AnalogGain struct {
	spoken  int // blocks with speech since the last step
	clipped int
	window  int
}

// Block takes the microphone's block as it was captured.
func (a *AnalogGain) Block(b *media.Block) {
	full := 0
	for _, v := range b.Samples {
		if v >= fullScale || v <= -fullScale {
			full++
		}
	}
	if full >= clipSamples {
		a.clipped++
	}
	if a.window++; a.window >= clipWindow {
		a.window = 0
		a.clipped = min(a.clipped, clipBlocks)
		if a.clipped < clipBlocks {
			a.clipped = 0
		}
	}
}

// Step returns by how many centibels the gain is to change now, mostly 0. speech
// says that the last block holds speech, levelDBFS is the level of speech as the
// gain control measured it, -127 before any.
func (a *AnalogGain) Step(speech bool, levelDBFS int) (cB int) {
	if speech {
		a.spoken++
	}
	switch {
	case a.clipped >= clipBlocks:
		cB = -clipStepCB
	case a.spoken < speechBlocks || levelDBFS <= -127:
		return 0
	case levelDBFS > loudestDBFS:
		cB = -gainStepCB
	case levelDBFS < softestDBFS:
		cB = gainStepCB
	default:
		return 0
	}
	a.spoken, a.clipped, a.window = 0, 0, 0
	return cB
}
