package doctor

import (
	"path"
	"strconv"
	"strings"
)

// checkPWM looks for the PWM chip of the infrared light.
func checkPWM(r *Report, sys System, s Subject) {
	const name, key = "pwm", "lines.ir_light_pwm"
	light := s.Config.Lines.IRLightPWM
	if !light.Configured() {
		return
	}
	var there []string
	for _, chip := range sys.glob("/sys/class/pwm/pwmchip*") {
		device := sys.link(chip + "/device")
		if light.Chip != device && light.Chip != path.Base(chip) {
			if device == "" {
				device = path.Base(chip)
			}
			there = append(there, device)
			continue
		}
		if n, err := strconv.Atoi(sys.read(chip + "/npwm")); err == nil && light.Channel >= n {
			r.add(name, Failure, "set "+key+".channel to a number below "+strconv.Itoa(n), "%s.channel is %d, and %s has %d channel(s)", key, light.Channel, light.Chip, n)
			return
		}
		if problem, remedy := sys.access(chip+"/export", "gpio"); problem != "" {
			r.add(name, Failure, remedy+"; under the service, the drop-in of docs/hardware.md does that", "%s", problem)
			return
		}
		if device != "" && light.Chip != device {
			r.add(name, Warning, "set "+key+".chip to "+device, "%s.chip is %s, a number that may change with the next start", key, light.Chip)
			return
		}
		r.add(name, OK, "", "%s channel %d is there", light.Chip, light.Channel)
		return
	}
	if len(there) == 0 {
		r.add(name, Failure, "enable PWM in the device tree (on a Raspberry Pi: dtoverlay=pwm in /boot/firmware/config.txt, then sudo reboot), or remove "+key,
			"%s.chip is %q, and there is no PWM chip", key, light.Chip)
		return
	}
	r.add(name, Failure, "set "+key+".chip to "+strings.Join(there, " or "), "%s.chip is %q, and there is no such chip", key, light.Chip)
}
