package cli

import "testing"

// TestVoiceRate: kilobits and bits per second are told apart by their size.
func TestVoiceRate(t *testing.T) {
	for in, want := range map[int]int{0: 0, 8: 8000, 510: 510_000, 999: 999_000, 1000: 1000, 32000: 32_000} {
		if got := voiceRate(in); got != want {
			t.Errorf("%d: %d bit/s, want %d", in, got, want)
		}
	}
}
