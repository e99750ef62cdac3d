package dsp

import "testing"

// TestPause: a pause ends, also one of no length.
func TestPause(t *testing.T) {
	for _, n := range []int{0, 1, 100, -1} {
		Pause(n)
	}
}
