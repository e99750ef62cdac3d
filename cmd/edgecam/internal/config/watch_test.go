package config

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestWatchAppliesGoodAndRefusesBad(t *testing.T) {
	path := write(t, "node: {name: one}\n")
	var log safeBuffer
	got := make(chan string, 4)
	hup := make(chan os.Signal, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Watch(ctx, Sources{Path: path}, slog.New(slog.NewTextHandler(&log, nil)), hup, func(l *Loaded) { got <- l.Node.Name })
	}()
	wait := func(want string) {
		t.Helper()
		select {
		case name := <-got:
			if name != want {
				t.Fatalf("applied %q, want %q", name, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%q was not applied; log:\n%s", want, log.String())
		}
	}
	hup <- syscall.SIGHUP // also proves that Watch runs
	wait("one")
	// In place, then by rename as editors do.
	os.WriteFile(path, []byte("node: {name: two}\n"), 0o600)
	wait("two")
	os.WriteFile(path, []byte("node:\n  nmae: three\n"), 0o600)
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(log.String(), "refused"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a bad file was not refused")
		}
	}
	if s := log.String(); !strings.Contains(s, "line=2 column=3") || !strings.Contains(s, "did you mean name?") {
		t.Errorf("the log lacks the position: %s", s)
	}
	tmp := filepath.Join(filepath.Dir(path), "new")
	os.WriteFile(tmp, []byte("node: {name: four}\n"), 0o600)
	os.Rename(tmp, path)
	wait("four")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
