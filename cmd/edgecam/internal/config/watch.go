package config

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a file must be left alone before it is read: editors
// write in several steps.
const settle = 200 * time.Millisecond

// Watch calls apply with the new configuration whenever the file of s changes
// and is good. A bad one is logged with its positions and the old stays in
// force. A send on now (from SIGHUP) reads the file at once even if it did not
// change. Watch returns when ctx is done.
func Watch(ctx context.Context, s Sources, log *slog.Logger, now <-chan os.Signal, apply func(*Loaded)) error {
	path := s.Path
	if path == "" {
		path = DefaultPath
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("config: watch: %w", err)
	}
	defer w.Close()
	// The folder is watched, not the file: editors and package managers
	// replace files by rename, after which a watch on the file is dead.
	if err := w.Add(filepath.Dir(path)); err != nil && s.Path != "" {
		return fmt.Errorf("config: watch: %w", err)
	}
	last := digest(path)
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	reload := func(forced bool) {
		if sum := digest(path); forced || !bytes.Equal(sum, last) {
			last = sum
			reloadOnce(s, log, apply)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-now:
			reload(true)
		case <-timer.C:
			reload(false)
		case ev, ok := <-w.Events:
			if !ok {
				return nil
			}
			// A folder that holds the file through a symbolic link (as mounted
			// configuration maps do) tells the link's name only: any event in
			// the folder is a reason to look, the digest decides.
			if !ev.Has(fsnotify.Chmod) {
				timer.Reset(settle)
			}
		case err, ok := <-w.Errors:
			if !ok {
				return nil
			}
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				timer.Reset(settle)
				continue
			}
			log.Warn("configuration file watch failed", "error", err)
		}
	}
}

func reloadOnce(s Sources, log *slog.Logger, apply func(*Loaded)) {
	l, err := Load(s)
	var problems Problems
	switch {
	case errors.As(err, &problems):
		for _, p := range problems {
			log.Error("configuration refused, the old one stays in force", "problem", p.String(), "key", p.Key, "line", p.Line, "column", p.Column)
		}
	case err != nil:
		log.Error("configuration refused, the old one stays in force", "error", err)
	default:
		log.Info("configuration reloaded", "path", l.Path)
		apply(l)
	}
}

// digest returns the content's hash, nil if the file cannot be read.
func digest(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(data)
	return sum[:]
}
