package doctor

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/hal"
)

// What boards show in /sys and /proc, from their documentation.
var (
	zero2 = map[string]string{
		"/sys/firmware/devicetree/base/compatible":             "raspberrypi,model-zero-2-w\x00brcm,bcm2837\x00",
		"/sys/firmware/devicetree/base/model":                  "Raspberry Pi Zero 2 W Rev 1.0\x00",
		"/dev/video0":                                          "",
		"/sys/class/video4linux/video0/name":                   "unicam-image\n",
		"/sys/class/video4linux/video0/device/driver":          "-> ../../bus/platform/drivers/unicam",
		"/dev/video11":                                         "",
		"/sys/class/video4linux/video11/device/driver":         "-> ../../bus/platform/drivers/bcm2835-codec",
		"/sys/class/thermal/thermal_zone0/type":                "cpu-thermal\n",
		"/sys/class/thermal/thermal_zone0/temp":                "61000\n",
		"/sys/devices/platform/soc/soc:firmware/get_throttled": "80008\n",
		"/dev/watchdog0":                                       "",
		"/proc/asound/cards":                                   " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n                      vc4-hdmi\n 1 [seeed2micvoicec]: seeed2micvoicec - seeed2micvoicec\n                      seeed2micvoicec\n",
		"/usr/lib/aarch64-linux-gnu/libasound.so.2":            "",
	}
	pi3plus = map[string]string{
		"/sys/firmware/devicetree/base/compatible": "raspberrypi,3-model-b-plus\x00brcm,bcm2837\x00",
		"/sys/class/thermal/thermal_zone0/type":    "cpu-thermal\n",
		"/sys/class/thermal/thermal_zone0/temp":    "61000\n",
	}
	pi5 = map[string]string{
		"/sys/firmware/devicetree/base/compatible": "raspberrypi,5-model-b\x00brcm,bcm2712\x00",
		"/dev/video0": "",
		"/sys/class/video4linux/video0/device/driver": "-> ../../bus/platform/drivers/rp1-cfe",
	}
	orin = map[string]string{
		"/sys/firmware/devicetree/base/compatible":    "nvidia,p3768-0000+p3767-0005-super\x00nvidia,p3767-0005\x00nvidia,tegra234\x00",
		"/sys/class/thermal/thermal_zone0/type":       "cpu-thermal\n",
		"/sys/class/thermal/thermal_zone0/temp":       "97000\n",
		"/sys/class/thermal/thermal_zone1/type":       "tj-thermal\n",
		"/sys/class/thermal/thermal_zone1/temp":       "96000\n",
		"/dev/video0":                                 "",
		"/sys/class/video4linux/video0/device/driver": "-> ../../bus/platform/drivers/tegra-video",
	}
	nano    = map[string]string{"/sys/firmware/devicetree/base/compatible": "nvidia,p3450-0000\x00nvidia,jetson-nano\x00nvidia,tegra210\x00"}
	strange = map[string]string{"/sys/firmware/devicetree/base/compatible": "acme,board\x00acme,soc\x00"}
)

// withPWM adds a PWM chip.
func withPWM(files map[string]string) map[string]string {
	files = maps.Clone(files)
	files["/sys/class/pwm/pwmchip0/npwm"] = "4\n"
	files["/sys/class/pwm/pwmchip0/export"] = ""
	files["/sys/class/pwm/pwmchip0/device"] = "-> ../../../1f0009c000.pwm"
	return files
}

// light is a configuration with an infrared light that is dimmed.
func light(chip string, channel int) *config.Config {
	c := config.Defaults()
	c.Lines.IRLightPWM.Chip, c.Lines.IRLightPWM.Channel = chip, channel
	return c
}

func coded(codec string) *config.Config {
	c := config.Defaults()
	c.Video.Codec = codec
	return c
}

// TestBoards shows the doctor each board and looks for what it says to type.
func TestBoards(t *testing.T) {
	lines := func(chip string, offset int) *config.Config {
		c := config.Defaults()
		c.Lines.Button.Chip, c.Lines.Button.Offset = chip, offset
		return c
	}
	named := config.Defaults()
	named.Lines.Relay.Name = "GPIO99"
	gone := config.Defaults()
	gone.Speaker.Source = "alsa:wm8960soundcard,0"
	chips := func(label string, n int) *Inventory {
		return &Inventory{Chips: []hal.ChipInfo{{Label: label, Lines: make([]string, n)}}}
	}
	for _, c := range []struct {
		name            string
		files           map[string]string
		subject         Subject
		check           string
		status          Status
		summary, remedy string
	}{
		{"recognised", zero2, Subject{}, "board", OK, "Raspberry Pi Zero 2 W (raspberrypi,model-zero-2-w): 512 MB", ""},
		{"super", orin, Subject{}, "board", OK, "Orin Nano (nvidia,p3768-0000+p3767-0005-super)", ""},
		{"not known", strange, Subject{}, "board", Note, "not known: acme,board acme,soc", "EDGECAM_BOARD="},
		{"said", strange, Subject{Board: "raspberry-pi-4"}, "board", OK, "Raspberry Pi 4 Model B, Compute Module 4 (EDGECAM_BOARD)", ""},
		{"said wrongly", zero2, Subject{Board: "pi"}, "board", Failure, "no board is called", "unset EDGECAM_BOARD"},
		{"sensor", zero2, Subject{}, "camera", Warning, "driven by unicam", "set camera.source to rpicam"},
		{"sensor of the 5", pi5, Subject{}, "camera", Warning, "driven by rp1-cfe", "set camera.source to rpicam"},
		{"sensor of the Orin", orin, Subject{}, "camera", Warning, "driven by tegra-video", "set camera.source to argus"},
		{"encoder", zero2, Subject{}, "encoder", OK, "h264 in hardware at /dev/video11, driver bcm2835-codec: for viewers who know it (video.codec auto)", ""},
		{"encoder not wanted", zero2, Subject{Config: coded("vp8")}, "encoder", OK, "h264 in hardware, not used: video.codec is vp8", ""},
		{"encoder without driver", pi3plus, Subject{}, "encoder", Note, "bcm2835-codec is not loaded", "sudo modprobe bcm2835-codec"},
		{"encoder of a vendor", nano, Subject{}, "encoder", OK, "h264 in hardware by nvv4l2, which is not used", ""},
		{"H.264 from nowhere", pi5, Subject{Config: coded("h264")}, "encoder", Warning, "neither this board nor a camera", "set video.codec to auto"},
		{"light's chip", withPWM(pi5), Subject{Config: light("1f0009c000.pwm", 2)}, "pwm", OK, "1f0009c000.pwm channel 2 is there", ""},
		{"light at a number", withPWM(pi5), Subject{Config: light("pwmchip0", 2)}, "pwm", Warning, "may change", "set lines.ir_light_pwm.chip to 1f0009c000.pwm"},
		{"light at another chip", withPWM(pi5), Subject{Config: light("fe20c000.pwm", 0)}, "pwm", Failure, `"fe20c000.pwm", and there is no such chip`, "set lines.ir_light_pwm.chip to 1f0009c000.pwm"},
		{"light's channel", withPWM(pi5), Subject{Config: light("1f0009c000.pwm", 4)}, "pwm", Failure, "has 4 channel(s)", "a number below 4"},
		{"light without PWM", pi5, Subject{Config: light("fe20c000.pwm", 0)}, "pwm", Failure, "there is no PWM chip", "dtoverlay=pwm"},
		{"no encoder", pi5, Subject{}, "encoder", OK, "none in hardware", ""},
		{"watchdog", zero2, Subject{}, "watchdog", OK, "at most 15 s", ""},
		{"no watchdog", pi5, Subject{}, "watchdog", Note, "hung kernel", "RuntimeWatchdogSec"},
		{"sound board", zero2, Subject{}, "sound", Note, "seeed2micvoicec is there, and", "set microphone.source to alsa:seeed2micvoicec"},
		{"no such card", zero2, Subject{Config: gone}, "sound", Failure, "wm8960soundcard,0, and there is no such card", "alsa:vc4hdmi, alsa:seeed2micvoicec"},
		{"cool for a Zero", zero2, Subject{}, "heat", OK, "61 °C", ""},
		{"warm for a 3B+", pi3plus, Subject{}, "heat", Warning, "61 °C", "cool"},
		{"the right zone", orin, Subject{}, "heat", Warning, "tj-thermal is at 96 °C", "cool"},
		{"chip of another board", pi5, Subject{Config: lines("pinctrl-bcm2711", 17), Inventory: chips("pinctrl-rp1", 54)}, "gpio", Failure, `"pinctrl-bcm2711", and there is no such chip`, "set lines.button.chip to pinctrl-rp1"},
		{"offset beyond", pi5, Subject{Config: lines("pinctrl-rp1", 54), Inventory: chips("pinctrl-rp1", 54)}, "gpio", Failure, "pinctrl-rp1 has 54 lines", "below 54"},
		{"no such name", pi5, Subject{Config: named, Inventory: chips("pinctrl-rp1", 54)}, "gpio", Failure, `"GPIO99"`, "edgecam devices"},
		{"header missing", pi5, Subject{Inventory: chips("other", 4)}, "gpio", Warning, "pinctrl-rp1 is not there, only other", "device tree"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.subject.StateDir = t.TempDir()
			os.Chmod(c.subject.StateDir, 0o700)
			r := Run(t.Context(), machine(t, c.files), c.subject)
			for _, k := range r.Checks {
				if k.Name == c.check && k.Status == c.status && strings.Contains(k.Summary, c.summary) && strings.Contains(k.Remedy, c.remedy) {
					return
				}
			}
			t.Errorf("no %s %v with %q in %+v", c.check, c.status, c.summary, r.Checks)
		})
	}
	// A line that is right is not complained of.
	r := Run(t.Context(), machine(t, pi5), Subject{Config: lines("pinctrl-rp1", 53), Inventory: chips("pinctrl-rp1", 54), StateDir: t.TempDir()})
	for _, k := range r.Checks {
		if k.Name == "gpio" && strings.Contains(k.Summary, "lines.") {
			t.Errorf("%+v", k)
		}
	}
}
