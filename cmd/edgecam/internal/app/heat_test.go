package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	boards "github.com/edgecam/edgecam/board-configs"
)

func TestReadHeat(t *testing.T) {
	pi, err := boards.Get("raspberry-pi-4")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c, throttled := readHeat(root, pi.Thermal); c != 0 || throttled {
		t.Errorf("of an empty tree: %v, %v", c, throttled)
	}
	write("sys/class/thermal/thermal_zone0/type", "gpu\n")
	write("sys/class/thermal/thermal_zone0/temp", "99000\n")
	write("sys/class/thermal/thermal_zone1/type", "cpu-thermal\n")
	write("sys/class/thermal/thermal_zone1/temp", "61234\n")
	for text, want := range map[string]bool{"0\n": false, "0x50000\n": false, "50005\n": true, "2\n": true, "8\n": true, "1\n": false, "nonsense": false} {
		write(pi.Thermal.ThrottleFlags, text)
		if c, throttled := readHeat(root, pi.Thermal); c != 61.234 || throttled != want {
			t.Errorf("flags %q: %v, %v", text, c, throttled)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	told := 0
	if err := watchHeat(ctx, root, pi.Thermal, func(c float64, _ bool) { told++; stop() }); err != nil || told != 1 {
		t.Errorf("told %d times, %v", told, err)
	}
}
