package isac

import (
	"testing"

	"github.com/edgecam/edgecam/internal/kerneltest"
)

// TestNEONWords: what a reader of the assembly sees is what runs.
func TestNEONWords(t *testing.T) { kerneltest.NEONWords(t) }
