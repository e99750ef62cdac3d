package browser_test

import (
	"fmt"
	"testing"
)

// nearHz is the tone at the simulated microphone (sim.near: bursts).
const nearHz = 1700

// TestEcho talks from the page into a node whose microphone hears its speaker,
// without and with echo cancellation: the page's own tone must not come back, the
// tone at the node's microphone must.
func TestEcho(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three nodes and a browser")
	}
	tl := findTools(t)
	call := func(t *testing.T, nearEnd string, cancel bool, nearLeast any) (own, near float64) {
		n := newNode(t, false, "SIM_NEAR="+nearEnd, "SIM_ECHO_DB=-6", fmt.Sprintf("AUDIO_ECHO_CANCELLATION=%v", cancel), "AUDIO_GAIN_CONTROL=false")
		if err := n.start(); err != nil {
			t.Fatal(err)
		}
		m := tl.run(t, "echo", map[string]any{"url": n.URL, "microphone": bursts(t), "toneHz": toneHz, "nearHz": nearHz, "nearLeast": nearLeast}, func(ask string) error {
			return fmt.Errorf("unknown request %q", ask)
		})
		own, ok := m["ownDbfs"].(float64)
		near, ok2 := m["nearDbfs"].(float64)
		if !ok || !ok2 {
			t.Fatalf("nothing measured: %v", m)
		}
		t.Logf("%.0f windows of 6 s", m["windows"])
		return own, near
	}
	var own, near, back, both, heard float64
	t.Run("without cancellation", func(t *testing.T) { own, near = call(t, "bursts", false, nil) })
	t.Run("far end alone", func(t *testing.T) { back, _ = call(t, "silence", true, nil) })
	t.Run("both ends", func(t *testing.T) { both, heard = call(t, "bursts", true, near-6) })
	if t.Failed() {
		return
	}
	t.Logf("the page's own tone comes back %.1f dB down, %.1f dB while both ends talk; the near tone is %.1f dB down", own-back, own-both, near-heard)
	if own < -50 {
		t.Fatalf("without cancellation the page hears its tone with %.1f dBFS only: nothing to cancel", own)
	}
	if own-back < 25 {
		t.Errorf("the page's own tone comes back only %.1f dB down, want 25", own-back)
	}
	if own-both < 12 {
		t.Errorf("the page's own tone comes back only %.1f dB down while both ends talk, want 12", own-both)
	}
	if near-heard > 6 {
		t.Errorf("the near tone is %.1f dB down", near-heard)
	}
}
