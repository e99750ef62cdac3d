package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/qrsetup"
)

// TestWatchForACode: a code before the camera is read through the whole
// picture path, and a camera without one is watched until the time is up.
func TestWatchForACode(t *testing.T) {
	const settings = `{"owner_secret":"correct horse battery"}`
	code, err := qrsetup.Make([]byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	const w, h = 320, 240
	clip := bytes.NewBufferString(fmt.Sprintf("YUV4MPEG2 W%d H%d F10:1 C420jpeg\n", w, h))
	for range 10 {
		clip.WriteString("FRAME\n")
		for i := range w * h {
			y := byte(190)
			if code.Black((i%w-60)/5, (i/w-20)/5) && i%w >= 60 && i/w >= 20 {
				y = 40
			}
			clip.WriteByte(y)
		}
		clip.Write(bytes.Repeat([]byte{128}, w*h/2))
	}
	path := filepath.Join(t.TempDir(), "code.y4m")
	if err := os.WriteFile(path, clip.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	cfg := config.Defaults()
	cfg.Camera.Source = "file:" + path
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var text string
	if err := Watch(ctx, cfg, log, func(jpeg []byte) bool {
		text, err = qrsetup.ReadJPEG(jpeg)
		return err == nil
	}); err != nil || text != settings {
		t.Fatalf("read %q, %v", text, err)
	}

	cfg.Camera.Source = "sim"
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	pictures := 0
	err = Watch(short, cfg, log, func(jpeg []byte) bool {
		pictures++
		_, err := qrsetup.ReadJPEG(jpeg)
		return err == nil
	})
	if !errors.Is(err, context.DeadlineExceeded) || pictures == 0 {
		t.Errorf("%d pictures without a code, then %v", pictures, err)
	}
}
