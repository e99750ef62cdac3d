package vad_test

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/vad"
)

// A second of silence holds no speech.
func ExampleDetector_Process() {
	detector, err := vad.New(vad.Config{RateHz: 16000})
	if err != nil {
		fmt.Println(err)
		return
	}
	frame := make([]int16, detector.FrameSamples())
	for range 100 {
		if _, err := detector.Process(frame); err != nil {
			fmt.Println(err)
			return
		}
	}
	stats := detector.Stats()
	fmt.Println(stats.SpeechFrames, "of", stats.Frames, "frames,", stats.LevelDBov, "dBov")
	// Output: 0 of 100 frames, -127 dBov
}
