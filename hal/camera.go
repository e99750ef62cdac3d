package hal

import (
	"context"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// VideoMode is a format, size and rate. Zero fields in a request mean "the
// driver chooses"; in an answer every field is set.
type VideoMode struct {
	Format        media.PixelFormat
	Width, Height int
	// FrameInterval is the time from one frame to the next, such as
	// time.Second/30.
	FrameInterval time.Duration
	// Crop is the part of the sensor's picture that the camera reads out.
	Crop Crop `json:",omitzero"`
}

// Crop is a part of a picture, in parts of its width and height. The zero value
// is all of it.
type Crop struct{ X, Y, Width, Height float32 }

// Whole reports whether the part is all.
func (c Crop) Whole() bool { return c == Crop{} || c == Crop{Width: 1, Height: 1} }

// Valid reports whether the part lies inside and is not empty.
func (c Crop) Valid() bool {
	return c.Whole() || c.X >= 0 && c.Y >= 0 && c.Width > 0 && c.Height > 0 && c.X+c.Width <= 1.0001 && c.Y+c.Height <= 1.0001
}

// FPS returns the frame rate in hertz, 0 if the interval is not known.
func (m VideoMode) FPS() float64 {
	if m.FrameInterval <= 0 {
		return 0
	}
	return float64(time.Second) / float64(m.FrameInterval)
}

// CameraInfo describes a camera that a driver found.
type CameraInfo struct {
	// ID opens the camera: stable across restarts where the system allows
	// (for example "usb-046d_0825-video-index0"), else the device path.
	ID     string `json:"id"`
	Name   string `json:"name"`   // as the hardware calls itself
	Driver string `json:"driver"` // kernel driver or "sim", "file"
	Path   string `json:"path"`   // device node or file
	// Device is the same for all nodes of one piece of hardware, as the system names
	// its place; empty where that is not known.
	Device string      `json:"device,omitempty"`
	Modes  []VideoMode `json:"modes"`
	// Problem says why the camera cannot be used as it is (permission, raw
	// Bayer behind a camera stack, ...); empty if it can.
	Problem string `json:"problem,omitempty"`
}

// Camera is an open camera that is capturing. Read is for one goroutine; Close
// may be called from any, once or more.
type Camera interface {
	// Mode returns what was negotiated.
	Mode() VideoMode
	// Read waits for the next frame, at most until ctx is done. The caller
	// releases the frame. A frame that could not be had is an *Error.
	Read(ctx context.Context) (*media.Frame, error)
	// Close stops capturing and frees the device.
	Close() error
}

// CameraDriver finds and opens cameras.
type CameraDriver interface {
	Cameras(ctx context.Context) ([]CameraInfo, error)
	// OpenCamera opens the camera with that ID (or path) in the supported mode
	// nearest to want, and starts it.
	OpenCamera(ctx context.Context, id string, want VideoMode) (Camera, error)
}

// Control is an adjustable property of a camera (V4L2 names).
type Control struct {
	ID       uint32   `json:"id"`
	Name     string   `json:"name"`
	Min      int64    `json:"min"`
	Max      int64    `json:"max"`
	Step     int64    `json:"step"`
	Default  int64    `json:"default"`
	Value    int64    `json:"value"`
	Menu     []string `json:"menu,omitempty"` // names by value, for menu controls
	ReadOnly bool     `json:"read_only,omitempty"`
}

// ControlledCamera is a Camera with adjustable properties.
type ControlledCamera interface {
	Camera
	Controls() ([]Control, error)
	SetControl(id uint32, value int64) error
}

// ControlWatcher is a ControlledCamera that tells when somebody else, or the camera
// itself, has changed a control. changed is called by Read, with every change of
// the controls with these IDs; those that the camera lacks, or tells nothing of,
// are left out of the answer.
type ControlWatcher interface {
	WatchControls(ids []uint32, changed func(id uint32, value int64)) (watched []uint32)
}

// BufferExporter is a Camera whose frames other devices can read where they lie.
// ExportFrame returns a DMABUF file descriptor of the memory that f's data are in,
// which the caller closes, and fails with Kind Unsupported where the driver cannot.
type BufferExporter interface {
	ExportFrame(f *media.Frame) (fd int, err error)
}

// ControlReader is a ControlledCamera of which single values can be asked for,
// without listing all: values that the camera changes by itself.
type ControlReader interface {
	ControlValue(id uint32) (int64, error)
}
