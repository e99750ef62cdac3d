package dsp

import (
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

// TestNEONWords: what a reader of the assembly sees is what runs.
func TestNEONWords(t *testing.T) { kerneltest.NEONWords(t, "copy_arm64.s", "pause_arm64.s") }
