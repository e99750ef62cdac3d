package agc_test

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/agc"
)

// Soft bursts at -40 dBFS are brought to -22 dBFS.
func ExampleControl_Process() {
	control, err := agc.New(agc.Config{RateHz: 16000})
	if err != nil {
		fmt.Println(err)
		return
	}
	frame := make([]int16, control.FrameSamples())
	for i := range 400 {
		for k := range frame {
			frame[k] = 0
			if i%20 < 12 {
				frame[k] = int16(328 - 656*(k/10%2))
			}
		}
		if err := control.Process(frame); err != nil {
			fmt.Println(err)
			return
		}
	}
	stats := control.Stats()
	fmt.Printf("level %d dBFS, gain %+d dB\n", stats.LevelDBFS, stats.GainDB)
	// Output: level -40 dBFS, gain +18 dB
}
