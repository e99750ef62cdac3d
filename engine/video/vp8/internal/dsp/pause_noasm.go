//go:build noasm || !(amd64 || arm64)

package dsp

// Pause spends a short while, some ten nanoseconds times n: the body of a loop
// that waits for another goroutine.
func Pause(n int) {
	for range n {
		pauseStep()
	}
}

//go:noinline
func pauseStep() {}
