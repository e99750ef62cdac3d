package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/resetbutton"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/gpio"
	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/enrol"
)

// resetLines is the driver of the reset button's lines. Tests give another.
var resetLines = func(log *slog.Logger) hal.LineDriver { return gpio.New(log) }

// resetWatch watches the reset button for as long as the program runs, beneath
// the engine: a node whose camera or configuration fails can be reset, too.
type resetWatch struct {
	node  *node
	lines config.Lines // that are watched now
	end   func()       // of the present watch, nil for none
}

// follow watches the lines of a configuration, unless it does already. stop is
// called with errReset when the node has been reset.
func (w *resetWatch) follow(ctx context.Context, stop context.CancelCauseFunc, l config.Lines) {
	if w.end != nil && w.lines.Reset == l.Reset && w.lines.ResetLight == l.ResetLight && w.lines.ResetHoldMS == l.ResetHoldMS {
		return
	}
	w.close()
	w.lines = l
	if !l.Reset.Configured() || w.node.o.Dev {
		return
	}
	driver := resetLines(w.node.log)
	c := resetbutton.Config{
		Button: func(ctx context.Context) (hal.Input, error) { return driver.OpenInput(ctx, l.Reset.HAL()) },
		Hold:   time.Duration(l.ResetHoldMS) * time.Millisecond,
		Reset: func() error {
			err := w.node.factoryReset()
			if err == nil {
				stop(errReset)
			}
			return err
		},
		Log: w.node.log,
	}
	if l.ResetLight.Configured() {
		c.Light = func(ctx context.Context) (hal.Output, error) { return driver.OpenOutput(ctx, l.ResetLight.HAL()) }
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); resetbutton.Watch(ctx, c) }()
	w.end = func() { cancel(); <-done }
}

func (w *resetWatch) close() {
	if w.end != nil {
		w.end()
		w.end = nil
	}
}

// factoryReset erases what the owner and the fleet have given the node, as far as
// nothing uses it; the rest goes at the next start (see finishReset).
func (n *node) factoryReset() error {
	if n.fleet != nil {
		return n.fleet.node.FactoryReset() // which marks the folder, too
	}
	return markReset(n.o.Config.StateDir)
}

// resetMark is the file that says that the state folder is to be erased before
// anything else is done: what ends only now could write it anew, and the power
// may go in between.
const resetMark = "factory-reset"

func markReset(stateDir string) error {
	d, err := durable.OpenDir(stateDir)
	if err == nil {
		err = durable.Replace(d, resetMark, []byte("to be erased\n"))
	}
	if err != nil {
		return fmt.Errorf("app: factory reset: %w", err)
	}
	return nil
}

// resetMarked reports whether the state folder is to be erased.
func resetMarked(stateDir string) bool {
	_, err := os.Stat(filepath.Join(stateDir, resetMark))
	return err == nil
}

// systemRequest is the file by which the service asks the system, which it may
// not write to, to erase what the owner has given it: the wireless network, SSH
// keys, the machine's name. systemAnswers is set where there is somebody to ask.
const (
	systemRequest = "system-reset"
	systemAnswers = "EDGECAM_SYSTEM_RESET"
)

// finishReset erases the state folder if a reset says so: secrets, certificates,
// and what is left of a fleet that the node was in once. The present fleet's part
// erases itself, and its site file came with the board.
func finishReset(cfg *config.Config) error {
	d, err := durable.OpenDir(cfg.StateDir)
	if err != nil {
		return err
	}
	if !resetMarked(d.Path()) {
		return nil
	}
	former := filepath.Join(d.Path(), fleetDir)
	if _, err := os.Stat(former); err == nil && cfg.Fleet.SiteFile == "" {
		f, err := durable.OpenDir(former)
		if err == nil {
			err = eraseAll(f, func(name string) bool { return strings.HasPrefix(name, enrol.RunsFile) })
		}
		if err != nil {
			return fmt.Errorf("app: factory reset: %w", err)
		}
	}
	site := filepath.Clean(cfg.Fleet.SiteFile)
	if err := eraseAll(d, func(name string) bool { return name == resetMark || filepath.Join(d.Path(), name) == site }); err != nil {
		return fmt.Errorf("app: factory reset: %w", err)
	}
	// Before the mark goes: after a power cut it is asked for once more.
	if os.Getenv(systemAnswers) != "" {
		if err := durable.Replace(d, systemRequest, []byte("wireless network, SSH keys, name\n")); err != nil {
			return fmt.Errorf("app: factory reset: %w", err)
		}
	}
	return durable.Erase(d, resetMark)
}

// eraseAll erases the files of a folder but those to be kept.
func eraseAll(fsys durable.FS, keep func(name string) bool) error {
	names, err := fsys.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if keep(name) {
			continue
		}
		if err := durable.Erase(fsys, name); err != nil {
			return err
		}
	}
	return nil
}
