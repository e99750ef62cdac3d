package gpio

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/edgecam/edgecam/hal"
)

// pwmKernel is the class pwm with one chip of two channels, by the kernel's rules
// (drivers/pwm/sysfs.c, core.c).
type pwmKernel struct {
	t        *testing.T
	root     string
	calls    []string
	polarity bool // the chip can be inverted
	fail     map[string]error
}

func newPWMKernel(t *testing.T) *pwmKernel {
	k := &pwmKernel{t: t, root: t.TempDir(), polarity: true, fail: map[string]error{}}
	k.must(os.MkdirAll(filepath.Join(k.root, "devices", "fe20c000.pwm"), 0o755))
	k.must(os.MkdirAll(k.chip(), 0o755))
	k.must(os.Symlink("../devices/fe20c000.pwm", filepath.Join(k.chip(), "device")))
	return k
}

func (k *pwmKernel) chip() string { return filepath.Join(k.root, "pwmchip3") }

func (k *pwmKernel) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *pwmKernel) number(file string) int {
	b, err := os.ReadFile(filepath.Join(k.chip(), "pwm1", file))
	k.must(err)
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	k.must(err)
	return n
}

func (k *pwmKernel) write(path, value string) error {
	name := filepath.Base(path)
	k.calls = append(k.calls, name+"="+value)
	if err := k.fail[name]; err != nil {
		return err
	}
	dir := filepath.Join(k.chip(), "pwm"+value)
	switch name {
	case "export":
		if n, err := strconv.Atoi(value); err != nil || n > 1 {
			return syscall.ENODEV
		}
		k.must(os.Mkdir(dir, 0o755))
		for file, v := range map[string]string{"period": "0", "duty_cycle": "0", "enable": "0", "polarity": "normal"} {
			k.must(os.WriteFile(filepath.Join(dir, file), []byte(v+"\n"), 0o644))
		}
		return nil
	case "unexport":
		return os.RemoveAll(dir)
	case "duty_cycle":
		if n, _ := strconv.Atoi(value); n > k.number("period") || k.number("period") == 0 {
			return syscall.EINVAL
		}
	case "period":
		if n, _ := strconv.Atoi(value); n < k.number("duty_cycle") {
			return syscall.EINVAL
		}
	case "enable":
		if value == "1" && k.number("period") == 0 {
			return syscall.EINVAL
		}
	case "polarity":
		if !k.polarity || k.number("enable") == 1 {
			return syscall.EBUSY
		}
	}
	return os.WriteFile(path, []byte(value+"\n"), 0o644)
}

func TestPWM(t *testing.T) {
	cfg := PWMConfig{Chip: "fe20c000.pwm", Channel: 1, FrequencyHz: 20000, Duty: 0.4, MostDuty: 0.5}
	k := newPWMKernel(t)
	out, err := openPWM(t.Context(), k.root, k.write, cfg)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, duty, enable int) {
		t.Helper()
		if d, e := k.number("duty_cycle"), k.number("enable"); d != duty || e != enable {
			t.Errorf("%s: duty %d ns, enabled %d; want %d, %d", when, d, e, duty, enable)
		}
	}
	check("opened", 0, 1)
	if p := k.number("period"); p != 50000 {
		t.Errorf("period %d ns", p)
	}
	k.must(out.Set(true))
	check("active", 20000, 1)
	k.must(out.Set(false))
	check("inactive", 0, 1)
	k.must(out.Set(true))
	k.calls = nil
	k.must(out.Close())
	if want := []string{"duty_cycle=0", "enable=0", "unexport=1"}; !slices.Equal(k.calls, want) {
		t.Errorf("at Close %v, want %v", k.calls, want)
	}
	k.must(out.Close())
	if err := out.Set(true); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("Set after Close: %v", err)
	}

	// A process that died has left the light on, with a longer duty than the new period.
	k.must(k.write(filepath.Join(k.chip(), "export"), "1"))
	dir := filepath.Join(k.chip(), "pwm1")
	k.must(k.write(filepath.Join(dir, "period"), "1000000"))
	k.must(k.write(filepath.Join(dir, "duty_cycle"), "900000"))
	k.must(k.write(filepath.Join(dir, "enable"), "1"))
	cfg.Inverted, cfg.Chip, k.calls = true, "pwmchip3", nil
	if out, err = openPWM(t.Context(), k.root, k.write, cfg); err != nil {
		t.Fatal(err)
	}
	if k.calls[0] != "duty_cycle=0" {
		t.Errorf("the light that was left on: %v", k.calls)
	}
	check("taken over", 0, 1)
	k.must(out.Close())
	check("given back", 0, 0) // and not unexported: it was there before
}

func TestPWMRefused(t *testing.T) {
	good := PWMConfig{Chip: "fe20c000.pwm", Channel: 1, FrequencyHz: 1000, Duty: 0.4, MostDuty: 0.5}
	for name, c := range map[string]struct {
		change func(*PWMConfig, *pwmKernel)
		kind   hal.Kind
	}{
		"duty above the most": {func(c *PWMConfig, _ *pwmKernel) { c.Duty = 0.6 }, hal.Unsupported},
		"no duty":             {func(c *PWMConfig, _ *pwmKernel) { c.Duty = 0 }, hal.Unsupported},
		"most above 1":        {func(c *PWMConfig, _ *pwmKernel) { c.MostDuty = 1.5 }, hal.Unsupported},
		"frequency":           {func(c *PWMConfig, _ *pwmKernel) { c.FrequencyHz = 5 }, hal.Unsupported},
		"path as chip":        {func(c *PWMConfig, _ *pwmKernel) { c.Chip = "../x" }, hal.Unsupported},
		"no such chip":        {func(c *PWMConfig, _ *pwmKernel) { c.Chip = "other.pwm" }, hal.Gone},
		"no such channel":     {func(c *PWMConfig, _ *pwmKernel) { c.Channel = 2 }, hal.Gone},
		"in use":              {func(_ *PWMConfig, k *pwmKernel) { k.fail["export"] = syscall.EBUSY }, hal.Busy},
		"forbidden":           {func(_ *PWMConfig, k *pwmKernel) { k.fail["export"] = syscall.EACCES }, hal.Permission},
		"sandbox":             {func(_ *PWMConfig, k *pwmKernel) { k.fail["export"] = syscall.EROFS }, hal.Other},
		"not inverted":        {func(c *PWMConfig, k *pwmKernel) { c.Inverted, k.polarity = true, false }, hal.Busy},
		"period refused":      {func(_ *PWMConfig, k *pwmKernel) { k.fail["period"] = syscall.EINVAL }, hal.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, k := good, newPWMKernel(t)
			c.change(&cfg, k)
			out, err := openPWM(t.Context(), k.root, k.write, cfg)
			if err == nil || hal.KindOf(err) != c.kind {
				t.Errorf("%v, %v; want kind %v", out, err, c.kind)
			}
			if _, err := os.Stat(filepath.Join(k.chip(), "pwm1")); err == nil {
				t.Error("the channel stays taken")
			}
		})
	}
}
