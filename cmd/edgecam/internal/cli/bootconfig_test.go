package cli

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rsc.io/qr"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
)

// shown returns a picture of a QR code.
func shown(t *testing.T, text string) []byte {
	t.Helper()
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	const module, margin = 5, 4
	size := (code.Size + 2*margin) * module
	m := image.NewGray(image.Rect(0, 0, size, size))
	for i := range m.Pix {
		m.Pix[i] = 200
		if code.Black(i%size/module-margin, i/size/module-margin) {
			m.Pix[i] = 30
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSettingsBeforeTheCamera: a refused code is named and heard once, the
// first good one is stored and heard; so is one that cannot be stored.
func TestSettingsBeforeTheCamera(t *testing.T) {
	const good = `{"hostname":"front-door"}`
	var heard []bool
	codes := []string{}
	commands := Commands{
		Watch: func(ctx context.Context, _ *config.Config, _ *slog.Logger, see func([]byte) bool) error {
			for _, text := range codes {
				if see(shown(t, text)) {
					return nil
				}
			}
			<-ctx.Done()
			return ctx.Err()
		},
		Signal: func(_ context.Context, _ *config.Config, _ *slog.Logger, accepted bool) {
			heard = append(heard, accepted)
		},
	}
	into := filepath.Join(t.TempDir(), "parts")
	watch := func(want ...bool) result {
		t.Helper()
		heard = nil
		r := edgecam(t, commands, "boot-config", "--camera", "--into", into, "--wait", "1s")
		if !slices.Equal(heard, want) {
			t.Errorf("heard %v, want %v", heard, want)
		}
		return r
	}
	codes = []string{`{"hostname":"Front Door"}`, `{"hostname":"Front Door"}`, "https://edgecam.example/", good}
	r := watch(false, false, true)
	if text, err := os.ReadFile(filepath.Join(into, "hostname")); r.code != 0 || err != nil || string(text) != "front-door\n" || strings.Count(r.err, "refused: ") != 2 {
		t.Errorf("%v %q %+v", err, text, r)
	}
	codes = nil
	if r := watch(); r.code == 0 || !strings.Contains(r.err, "no code") {
		t.Errorf("%+v", r)
	}
	// What is there cannot be replaced: the code was good, the folder is not.
	if err := os.Remove(filepath.Join(into, "hostname")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(into, "hostname", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	codes = []string{good}
	if r := watch(false); r.code == 0 {
		t.Errorf("%+v", r)
	}
}
