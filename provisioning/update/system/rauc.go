package system

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Where RAUC is on a system that has it.
const (
	raucProgram = "/usr/bin/rauc"
	raucConfig  = "/etc/rauc/system.conf"
)

// ErrSlots tells that RAUC's answer about the slots was not understood.
var ErrSlots = errors.New("system: RAUC does not say which slot runs")

// Rauc talks to RAUC's service through its command, which asks it by D-Bus. The
// bundle's signature is checked by RAUC with the keyring of the image, besides
// the manifest's.
type Rauc struct {
	// Program is the command; "" is /usr/bin/rauc.
	Program string
}

// HasRauc reports whether this system has slots that RAUC looks after.
func HasRauc() bool {
	for _, path := range []string{raucProgram, raucConfig} {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

func (r Rauc) run(ctx context.Context, args ...string) ([]byte, error) {
	program := r.Program
	if program == "" {
		program = raucProgram
	}
	cmd := exec.CommandContext(ctx, program, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("system: rauc %s: %w: %s", args[0], err, lastLine(said.String()+out.String()))
	}
	return out.Bytes(), nil
}

// lastLine returns the last line that says something, cut short.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1][:min(len(lines[len(lines)-1]), 300)]
}

// Install implements Installer.
func (r Rauc) Install(ctx context.Context, path string) error {
	_, err := r.run(ctx, "install", path)
	return err
}

// Booted implements Installer.
func (r Rauc) Booted(ctx context.Context) (string, error) {
	out, err := r.run(ctx, "status", "--output-format=json")
	if err != nil {
		return "", err
	}
	var status struct {
		Booted string `json:"booted"`
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return "", fmt.Errorf("%w: %w", ErrSlots, err)
	}
	if status.Booted == "" {
		return "", ErrSlots
	}
	return status.Booted, nil
}

// MarkGood implements Installer.
func (r Rauc) MarkGood(ctx context.Context) error {
	_, err := r.run(ctx, "status", "mark-good", "booted")
	return err
}

// Leave implements Installer. The other slot is made active first: a boot
// loader that finds the running one bad then has somewhere to go.
func (r Rauc) Leave(ctx context.Context) error {
	if _, err := r.run(ctx, "status", "mark-active", "other"); err != nil {
		return err
	}
	_, err := r.run(ctx, "status", "mark-bad", "booted")
	return err
}
