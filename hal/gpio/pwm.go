package gpio

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/hal"
)

// PWMConfig describes a light that is dimmed by the width of pulses, at a channel of
// the kernel's class pwm (Documentation/driver-api/pwm.rst).
type PWMConfig struct {
	// Chip is the device behind the channel, such as "fe20c000.pwm" or "pwm-gpio",
	// or the name of the chip in sysfs, such as "pwmchip0", whose number may
	// change with the kernel.
	Chip    string
	Channel int
	// Frequency of the pulses in hertz: above what a rolling shutter shows.
	FrequencyHz int
	// Duty is the share of the time that the light is on while it is active, at most
	// MostDuty: what the light bears.
	Duty, MostDuty float32
	// Inverted says that a low level powers the light, for drivers that can.
	Inverted bool
}

// Limits of a light's pulses.
const (
	minPWMHz = 50
	maxPWMHz = 200_000
)

// pwmRoot is the class in sysfs.
const pwmRoot = "/sys/class/pwm"

// exportPatience is how long udev may take to hand a channel that was just exported
// to our group.
const exportPatience = 2 * time.Second

// pwm is a light at a channel of the class.
type pwm struct {
	dir  string // of the channel
	chip string
	cfg  PWMConfig
	// write is the kernel's side: a value to a file of the class.
	write func(path, value string) error

	exported bool // by us
	mu       sync.Mutex
	closed   bool
}

// OpenPWM takes a channel for a light, which stays off until it is set. The duty is
// 0 before the channel is enabled, and again before it is disabled. When the
// process dies the kernel does not: pulses go on at the duty last set, so MostDuty
// must be one that the light bears for ever, and the service's stop command or the
// next start switches it off.
func OpenPWM(ctx context.Context, cfg PWMConfig) (hal.Output, error) {
	return openPWM(ctx, pwmRoot, writeFile, cfg)
}

func openPWM(ctx context.Context, root string, write func(path, value string) error, cfg PWMConfig) (hal.Output, error) {
	name := fmt.Sprintf("pwm %s channel %d", cfg.Chip, cfg.Channel)
	refuse := func(format string, args ...any) error {
		return &hal.Error{Op: "open", Path: name, Kind: hal.Unsupported, Err: fmt.Errorf("gpio: "+format, args...)}
	}
	switch {
	case cfg.Chip == "" || strings.ContainsAny(cfg.Chip, "/\x00") || cfg.Chip == "." || cfg.Chip == "..":
		return nil, refuse("%q is no name of a PWM chip", cfg.Chip)
	case cfg.Channel < 0:
		return nil, refuse("channel %d is below 0", cfg.Channel)
	case cfg.FrequencyHz < minPWMHz || cfg.FrequencyHz > maxPWMHz:
		return nil, refuse("frequency %d Hz is outside %d to %d", cfg.FrequencyHz, minPWMHz, maxPWMHz)
	case !(cfg.MostDuty > 0 && cfg.MostDuty <= 1):
		return nil, refuse("largest duty %g is outside 0 to 1", cfg.MostDuty)
	case !(cfg.Duty > 0 && cfg.Duty <= cfg.MostDuty):
		return nil, refuse("duty %g is outside 0 to the largest, %g", cfg.Duty, cfg.MostDuty)
	}
	chip, err := findPWM(root, cfg.Chip)
	if err != nil {
		return nil, fail("open", name, err)
	}
	p := &pwm{write: write, chip: chip, dir: filepath.Join(chip, "pwm"+strconv.Itoa(cfg.Channel)), cfg: cfg}
	if err := p.export(ctx); err != nil {
		return nil, fail("open", name, sandboxed(err))
	}
	if err := p.prepare(); err != nil {
		return nil, fail("open", name, errors.Join(sandboxed(err), p.release()))
	}
	return p, nil
}

// sandboxed says what to do where /sys cannot be written.
func sandboxed(err error) error {
	if errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: the service's sandbox shows /sys as read-only; docs/hardware.md has the drop-in that opens the chip's folder", err)
	}
	return err
}

// findPWM returns the folder of the chip with that name or device.
func findPWM(root, want string) (string, error) {
	chips, err := filepath.Glob(filepath.Join(root, "pwmchip*"))
	if err != nil {
		return "", err
	}
	var there []string
	for _, chip := range chips {
		device, _ := os.Readlink(filepath.Join(chip, "device"))
		device = filepath.Base(device)
		if filepath.Base(chip) == want || device == want {
			return chip, nil
		}
		there = append(there, device)
	}
	return "", fmt.Errorf("%w: no PWM chip %s, there are [%s]", syscall.ENODEV, want, strings.Join(there, " "))
}

// export asks the kernel for the channel's folder and waits until it may be written.
func (p *pwm) export(ctx context.Context) error {
	if _, err := os.Stat(p.dir); errors.Is(err, fs.ErrNotExist) {
		if err := p.write(filepath.Join(p.chip, "export"), strconv.Itoa(p.cfg.Channel)); err != nil {
			if errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EINVAL) {
				err = fmt.Errorf("%w: the chip has no channel %d", err, p.cfg.Channel)
			}
			return err
		}
		p.exported = true
	}
	for begin := time.Now(); ; {
		// udev changes the group of a channel's files after they have appeared.
		f, err := os.OpenFile(filepath.Join(p.dir, "duty_cycle"), os.O_WRONLY, 0)
		if err == nil {
			return f.Close()
		}
		if time.Since(begin) > exportPatience || ctx.Err() != nil {
			return errors.Join(err, p.release())
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// prepare sets the frequency with the light off. The duty may never exceed the
// period, so that it goes to 0 first.
func (p *pwm) prepare() error {
	// A channel that nobody has used has a period of 0 and takes no duty yet.
	if err := p.set("duty_cycle", "0"); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	if err := p.set("enable", "0"); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	if err := p.set("period", strconv.Itoa(p.periodNS())); err != nil {
		return fmt.Errorf("%w: the chip does not take %d Hz", err, p.cfg.FrequencyHz)
	}
	if err := p.set("duty_cycle", "0"); err != nil {
		return err
	}
	polarity := "normal"
	if p.cfg.Inverted {
		polarity = "inversed"
	}
	if now, err := os.ReadFile(filepath.Join(p.dir, "polarity")); err == nil && strings.TrimSpace(string(now)) != polarity || err != nil && p.cfg.Inverted {
		if err := p.set("polarity", polarity); err != nil {
			return fmt.Errorf("%w: the chip cannot be %s", err, polarity)
		}
	}
	return p.set("enable", "1")
}

func (p *pwm) periodNS() int { return int(time.Second) / p.cfg.FrequencyHz }

func (p *pwm) set(file, value string) error { return p.write(filepath.Join(p.dir, file), value) }

func writeFile(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// Set switches the light to its duty or off.
func (p *pwm) Set(active bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return hal.ErrClosed
	}
	duty := 0
	if active {
		duty = int(min(p.cfg.Duty, p.cfg.MostDuty) * float32(p.periodNS()))
	}
	if err := p.set("duty_cycle", strconv.Itoa(duty)); err != nil {
		return fail("set", p.dir, err)
	}
	return nil
}

// Close switches the light off and gives the channel back.
func (p *pwm) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	err := errors.Join(p.set("duty_cycle", "0"), p.set("enable", "0"), p.release())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail("close", p.dir, err)
	}
	return nil
}

// release undoes the export. Without it the channel is as before we came.
func (p *pwm) release() error {
	if !p.exported {
		return nil
	}
	return p.write(filepath.Join(p.chip, "unexport"), strconv.Itoa(p.cfg.Channel))
}
