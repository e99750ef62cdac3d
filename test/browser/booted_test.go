package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestBooted looks at a node in a virtual machine that test/boot/run.sh has
// started: EDGECAM_BOOTED_URL is its page, EDGECAM_BOOTED_SECRET its owner
// secret, and the command EDGECAM_BOOTED_PRESS presses its button. A tone of
// 440 Hz is at its microphone.
func TestBooted(t *testing.T) {
	url := os.Getenv("EDGECAM_BOOTED_URL")
	if url == "" {
		t.Skip("no virtual machine: test/boot/run.sh starts it and this test")
	}
	findTools(t).run(t, "booted", map[string]any{"url": url, "secret": os.Getenv("EDGECAM_BOOTED_SECRET"), "toneHz": 440}, func(ask string) error {
		if ask != "ring" {
			return fmt.Errorf("unknown request %q", ask)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if out, err := exec.CommandContext(ctx, os.Getenv("EDGECAM_BOOTED_PRESS")).CombinedOutput(); err != nil {
			return fmt.Errorf("the button cannot be pressed: %w %s", err, out)
		}
		return nil
	})
}
