package doctor

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	boards "github.com/edgecam/edgecam/board-configs"
)

// Kernel drivers whose capture nodes give raw Bayer pictures, which need a
// camera stack in front, and drivers whose nodes are no cameras at all.
var (
	rawDrivers = map[string]string{
		"unicam": "libcamera", "bcm2835-unicam": "libcamera", "rp1-cfe": "libcamera",
		"tegra-video": "NVIDIA's Argus", "tegra-camrtc-ca": "NVIDIA's Argus", "tegra194-vi5": "NVIDIA's Argus", "tegra234-vi": "NVIDIA's Argus",
	}
	notCameras = []string{"bcm2835-codec", "bcm2835-isp", "pispbe", "rpivid", "rpi-hevc-dec", "hantro-vpu", "tegra-nvdec"}
)

func checkCameras(r *Report, sys System, s Subject, h holders, board boards.Board) {
	const name = "camera"
	found := 0
	for _, node := range sys.glob("/dev/video[0-9]*") {
		class := "/sys/class/video4linux/" + filepath.Base(node)
		driver := sys.link(class + "/device/driver")
		if slices.Contains(notCameras, driver) || (sys.read(class+"/index") != "" && sys.read(class+"/index") != "0") {
			continue // codecs; the metadata node beside a camera
		}
		found++
		label := node
		if n := sys.read(class + "/name"); n != "" {
			label = fmt.Sprintf("%s (%s)", node, n)
		}
		if problem, remedy := sys.access(node, "video"); problem != "" {
			r.add(name, Failure, remedy, "%s", problem)
			continue
		}
		if stack, raw := rawDrivers[driver]; raw {
			remedy := stackRemedy(board, driver)
			if remedy == "" {
				remedy = "use a USB camera, or feed the picture into a v4l2loopback device with " + stack
			}
			r.add(name, Warning, remedy, "%s is driven by %s and gives raw Bayer pictures only", label, driver)
			continue
		}
		if who := h.byDevice[node]; who != "" {
			r.add(name, Warning, "stop that program, or choose another camera with camera.source", "%s is in use by %s", label, who)
			continue
		}
		r.add(name, OK, "", "%s, driver %s", label, orUnknown(driver))
	}
	if s.Inventory != nil {
		for _, c := range s.Inventory.Cameras {
			if c.Problem != "" && c.Driver != "sim" && !slices.ContainsFunc(r.Checks, func(k Check) bool {
				return k.Name == name && k.Status > OK && c.Path != "" && strings.Contains(k.Summary, c.Path)
			}) {
				r.add(name, Warning, "", "%s: %s", c.ID, c.Problem)
			}
		}
	}
	if s.DriverErr != nil {
		r.add("drivers", Warning, "see the other findings", "devices could not all be listed: %v", s.DriverErr)
	}
	if found > 0 {
		return
	}
	if port := sys.undrivenUSBCamera(); port != "" {
		r.add(name, Failure, "sudo modprobe uvcvideo; if there is no such module, install the kernel's extra modules", "a USB camera is plugged in at %s and no driver has taken it", port)
		return
	}
	if src := s.Config.Camera.Source; strings.HasPrefix(src, "v4l2:") || strings.HasPrefix(src, "/dev/") {
		r.add(name, Failure, "plug it in, or set camera.source to auto", "no camera, and camera.source asks for %s", src)
		return
	}
	r.add(name, Warning, "plug one in: it is taken without a restart; 'edgecam run --dev' shows a simulated one", "no camera found: viewers see \"no signal\"")
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// undrivenUSBCamera returns the port of a USB interface of class video (0e)
// that no driver is bound to.
func (s System) undrivenUSBCamera() string {
	for _, p := range s.glob("/sys/bus/usb/devices/*/bInterfaceClass") {
		dir := filepath.Dir(p)
		if s.read(p) == "0e" && s.link(dir+"/driver") == "" {
			port, _, _ := strings.Cut(filepath.Base(dir), ":")
			return port
		}
	}
	return ""
}

func checkSound(r *Report, sys System, s Subject, h holders) {
	const name = "sound"
	if !s.Config.Microphone.Enabled && !s.Config.Speaker.Enabled {
		r.add(name, OK, "", "switched off")
		return
	}
	library := slices.ContainsFunc([]string{
		"/usr/lib/*/libasound.so.2", "/usr/lib/libasound.so.2", "/usr/lib64/libasound.so.2", "/lib/*/libasound.so.2", "/lib/libasound.so.2",
	}, func(p string) bool { return len(sys.glob(p)) > 0 })
	cards := 0
	for line := range strings.Lines(sys.read("/proc/asound/cards")) {
		if strings.Contains(line, "]:") {
			cards++
		}
	}
	if cards == 0 {
		r.add(name, Note, "plug one in: it is taken without a restart; or set microphone.enabled and speaker.enabled to false", "no sound card found: nothing is heard")
		return
	}
	if !library {
		r.add(name, Failure, "sudo apt install libasound2", "libasound.so.2 is not installed, so no sound card can be opened")
		return
	}
	for _, node := range sys.glob("/dev/snd/pcm*") {
		if problem, remedy := sys.access(node, "audio"); problem != "" {
			r.add(name, Failure, remedy, "%s", problem)
			return
		}
		if who := h.byDevice[node]; who != "" {
			r.add(name, Warning, "stop that program, or let both go through a sound server", "%s is in use by %s", node, who)
		}
	}
	r.add(name, OK, "", "%d sound card(s)", cards)
}

func checkLines(r *Report, sys System, s Subject) {
	const name = "gpio"
	wanted := s.Config.Lines.Button.Configured() || s.Config.Lines.PIR.Configured() || s.Config.Lines.Relay.Configured()
	chips := sys.glob("/dev/gpiochip[0-9]*")
	if len(chips) == 0 {
		if wanted {
			r.add(name, Failure, "enable the GPIO driver of this board, or remove section lines", "lines are configured and there is no /dev/gpiochip*")
		} else {
			r.add(name, Note, "", "no GPIO chip found, and no line is configured")
		}
		return
	}
	for _, node := range chips {
		if problem, remedy := sys.access(node, "gpio"); problem != "" {
			status := Note
			if wanted {
				status = Failure
			}
			r.add(name, status, remedy, "%s", problem)
			return
		}
	}
	r.add(name, OK, "", "%d GPIO chip(s)", len(chips))
}
