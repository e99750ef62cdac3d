package voicecmd

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/ns"
)

// reduceNoise runs the noise reduction of "edgecam voice ns" over s.
func reduceNoise(s sound) (sound, error) {
	stage, err := ns.New(ns.Config{RateHz: stageRate(s.rateHz), Strength: ns.Mid})
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return runStage(stage, stage.Process, s)
}
