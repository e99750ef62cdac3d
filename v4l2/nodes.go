//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// notCameras are kernel drivers whose capture nodes deliver no camera picture:
// codecs, scalers and image processors that are fed by a program. Prefixes.
var notCameras = []string{
	"bcm2835-codec", "bcm2835-isp", "pispbe", "rpivid", "rpi-hevc-dec", // Raspberry Pi
	"tegra-video-codec", "nvhost-", "hantro-vpu", "rkvdec", "rockchip-rga", "rkisp1_params", "rkisp1_stats", "cedrus", "vicodec", "vim2m",
}

// cameraStacks are kernel drivers behind which a raw Bayer sensor sits, with
// the program that makes pictures of it. Their format lists are not true.
var cameraStacks = []struct{ driver, program string }{
	{"unicam", "rpicam-vid"},
	{"bcm2835-unicam", "rpicam-vid"},
	{"rp1-cfe", "rpicam-vid"},
	{"tegra-video", "nvarguscamerasrc"},
	{"tegra-camrtc", "nvarguscamerasrc"},
}

func hasPrefixOf(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// verdict says what a node is: a camera to list (with the reason why it cannot
// be used, if so) or something to pass over.
func verdict(c uapi.Capability) (camera bool, problem string) {
	caps := c.GetCapabilities()
	single := caps&uapi.CapVideoCapture != 0
	multi := caps&uapi.CapVideoCaptureMPlane != 0
	const fed = uapi.CapVideoMem2Mem | uapi.CapVideoMem2MemMPlane | uapi.CapVideoOutput | uapi.CapVideoOutputMPlane
	if hasPrefixOf(c.Driver, notCameras) || caps&fed != 0 || !single && !multi {
		return false, ""
	}
	for _, s := range cameraStacks {
		if strings.HasPrefix(c.Driver, s.driver) {
			return true, "raw Bayer sensor behind a camera stack: its pictures come from the program " + s.program + ", not from this device"
		}
	}
	switch {
	case !single:
		return true, "the driver (" + c.Driver + ") offers multi-planar capture only, which is not supported"
	case caps&uapi.CapStreaming == 0:
		return true, "the driver (" + c.Driver + ") cannot stream through mapped buffers"
	}
	return true, ""
}

// nodePaths lists the video nodes in /dev by number.
func (d *Driver) nodePaths() []string {
	paths, err := filepath.Glob(filepath.Join(d.dev, "video[0-9]*"))
	if err != nil {
		return nil // the pattern is constant and well formed
	}
	number := func(p string) int {
		n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(p), "video"))
		if err != nil {
			return -1
		}
		return n
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return number(p) < 0 })
	slices.SortFunc(paths, func(a, b string) int { return number(a) - number(b) })
	return paths
}

// linkDirs are where udev keeps names for nodes that survive a restart, the
// better first: by-id names the camera, by-path the socket it is in.
var linkDirs = []string{"v4l/by-id", "v4l/by-path"}

// stableIDs maps node paths to stable names. Of two cameras with the same
// by-id name (no serial number) udev links one; the other is named by path.
func (d *Driver) stableIDs() map[string]string {
	ids := map[string]string{}
	for _, dir := range linkDirs {
		links, err := os.ReadDir(filepath.Join(d.dev, dir))
		if err != nil {
			continue // no udev, or no camera
		}
		for _, l := range links {
			target, err := filepath.EvalSymlinks(filepath.Join(d.dev, dir, l.Name()))
			if err != nil {
				continue
			}
			if _, ok := ids[target]; !ok {
				ids[target] = l.Name()
			}
		}
	}
	return ids
}

// resolve returns the node path for a camera ID or path.
func (d *Driver) resolve(id string) (string, error) {
	if filepath.IsAbs(id) {
		return id, nil
	}
	if id == "" || id != filepath.Base(id) || id == "." || id == ".." {
		return "", errNoCamera
	}
	for _, dir := range linkDirs {
		if p, err := filepath.EvalSymlinks(filepath.Join(d.dev, dir, id)); err == nil {
			return p, nil
		}
	}
	// A bare node name, such as "video0".
	if p := filepath.Join(d.dev, id); slices.Contains(d.nodePaths(), p) {
		return p, nil
	}
	return "", errNoCamera
}

// device is where the hardware behind a node is plugged in, "" if that is not known.
func (d *Driver) device(path string) string {
	at, err := filepath.EvalSymlinks(filepath.Join(d.sys, "class/video4linux", filepath.Base(path), "device"))
	if err != nil {
		return ""
	}
	return at
}

// sysfsName is the name the kernel gives a node, readable without opening it.
func (d *Driver) sysfsName(path string) string {
	b, err := os.ReadFile(filepath.Join(d.sys, "class/video4linux", filepath.Base(path), "name"))
	if err != nil {
		return filepath.Base(path)
	}
	return strings.TrimSpace(string(b))
}
