//go:build !noasm && (amd64 || arm64)

package dsp

// Pause spends a short while, some ten nanoseconds times n, without taking power
// or memory from the other processors: the body of a loop that waits for
// another goroutine.
//
//go:noescape
func Pause(n int)
