package ns_test

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/ns"
)

// A hiss is turned down by the full depth.
func ExampleSuppressor_Process() {
	suppressor, err := ns.New(ns.Config{RateHz: 16000, Strength: ns.Mid})
	if err != nil {
		fmt.Println(err)
		return
	}
	frame := make([]int16, suppressor.FrameSamples())
	state := uint32(1)
	for range 300 {
		for i := range frame {
			state = state*1664525 + 1013904223
			frame[i] = int16(state>>16) >> 5
		}
		if err := suppressor.Process(frame); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println("turned down by", suppressor.Stats().AttenuationDB, "dB")
	// Output: turned down by 22 dB
}
