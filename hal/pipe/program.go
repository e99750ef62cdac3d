package pipe

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// program is a camera stack's program.
type program struct {
	backend string   // camera IDs are this, and this with ":N"
	name    string   // for people
	names   []string // of the executable, the newest first
	missing string   // what to do if none is installed
	args    func(sensor int, m hal.VideoMode) []string
}

var programs = []program{
	{
		backend: "rpicam", name: "Raspberry Pi camera", names: []string{"rpicam-vid", "libcamera-vid"},
		missing: "install it: sudo apt install rpicam-apps-lite", args: rpicamArgs,
	},
	{
		backend: "argus", name: "Jetson camera", names: []string{"gst-launch-1.0"},
		missing: "install it: sudo apt install gstreamer1.0-tools nvidia-l4t-gstreamer", args: argusArgs,
	},
}

func rpicamArgs(sensor int, m hal.VideoMode) []string {
	return []string{
		"--timeout=0", "--nopreview", "--verbose=0", "--flush=1", "--codec=yuv420", "--output=-",
		"--camera=" + strconv.Itoa(sensor), "--width=" + strconv.Itoa(m.Width), "--height=" + strconv.Itoa(m.Height),
		"--framerate=" + strconv.Itoa(rate(m)),
	}
}

func argusArgs(sensor int, m hal.VideoMode) []string {
	return []string{
		"-q", "nvarguscamerasrc", fmt.Sprintf("sensor-id=%d", sensor), "!",
		fmt.Sprintf("video/x-raw(memory:NVMM),width=%d,height=%d,framerate=%d/1", m.Width, m.Height, rate(m)), "!",
		"nvvidconv", "!", "video/x-raw,format=I420", "!",
		"fdsink", "fd=1", "sync=false",
	}
}

// rate is the whole number of frames per second nearest to the mode's.
func rate(m hal.VideoMode) int {
	return max(int((time.Second+m.FrameInterval/2)/m.FrameInterval), 1)
}

// Bounds and steps of modes. Rows that are a multiple of 64 long are passed on
// without padding by every stack's buffers.
const (
	widthStep  = 64
	heightStep = 2
	minSide    = 64
	maxWidth   = 1920
	maxHeight  = 1080
	maxRate    = 60
)

// complete returns the mode nearest to want that a program can be asked for.
func complete(want hal.VideoMode) hal.VideoMode {
	m := hal.VideoMode{Format: media.FormatI420, Width: 640, Height: 480, FrameInterval: time.Second / 30}
	if want.Width > 0 && want.Height > 0 {
		m.Width = nearest(want.Width, widthStep, maxWidth)
		m.Height = nearest(want.Height, heightStep, maxHeight)
	}
	if want.FrameInterval > 0 {
		m.FrameInterval = min(max(want.FrameInterval, time.Second/maxRate), time.Second)
	}
	m.FrameInterval = time.Second / time.Duration(rate(m))
	return m
}

func nearest(v, step, most int) int {
	return min(max((v+step/2)/step*step, minSide), most)
}

// listed are the modes shown in lists.
func listed() (out []hal.VideoMode) {
	for _, s := range [][2]int{{512, 384}, {640, 480}, {1280, 720}, {1920, 1080}} {
		out = append(out, hal.VideoMode{Format: media.FormatI420, Width: s[0], Height: s[1], FrameInterval: time.Second / 30})
	}
	return out
}

// find returns the path of the installed executable.
func (p program) find(look func(string) (string, error)) (string, error) {
	for _, name := range p.names {
		if path, err := look(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: %s: %s", exec.ErrNotFound, p.names[0], p.missing)
}

// sensor reads the number behind the colon of an ID that belongs to the program.
func (p program) sensor(id string) (n int, ok bool) {
	if id == p.backend {
		return 0, true
	}
	text, found := strings.CutPrefix(id, p.backend+":")
	if !found {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n < 16
}
