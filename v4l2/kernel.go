//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"time"

	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// kernel is one open device node: the calls of the V4L2 interface that this
// package makes, one to one. It exists so that the code above can be tested
// against a fake that behaves like good and bad drivers. Errors are
// syscall.Errno values or wrap one.
type kernel interface {
	capability() (uapi.Capability, error)
	// formatDesc, frameSize and frameInterval enumerate; EINVAL ends a list.
	formatDesc(index uint32) (uapi.FormatDescription, error)
	frameSize(index uint32, fourcc uapi.FourCCType) (uapi.FrameSizeEnum, error)
	frameInterval(index uint32, fourcc uapi.FourCCType, width, height uint32) (uapi.FrameIntervalEnum, error)
	// setFormat and setInterval return what the driver made of the request.
	setFormat(want uapi.PixFormat) (uapi.PixFormat, error)
	setInterval(want uapi.Fract) (uapi.Fract, error)

	// requestBuffers returns the number the driver gave; 0 frees them.
	// selection asks for one of the rectangles of the sensor's picture;
	// setCrop returns what the driver made of the wish.
	selection(target uint32) (rect, error)
	setCrop(want rect) (rect, error)

	// exportBuffer returns a DMABUF descriptor of the buffer with that index.
	exportBuffer(index uint32) (fd int, err error)
	requestBuffers(count uint32) (uint32, error)
	// mapBuffer maps the buffer with that index; unmapBuffer undoes it, also
	// after close.
	mapBuffer(index uint32) ([]byte, error)
	unmapBuffer(data []byte) error
	queue(index uint32) error
	// dequeue returns EAGAIN when no buffer is filled.
	dequeue(b *filled) error
	streamOn() error
	streamOff() error

	// wait blocks until a buffer is filled or the device has failed (ready), an
	// event has come, or until wake was called or timeout has passed (neither). A
	// negative timeout means for ever.
	wait(timeout time.Duration) (ready, event bool, err error)
	// wake ends the present or else the next wait. Callable from anywhere
	// until close returns.
	wake()

	// watchSource subscribes to changes of the source, watchControl to those of a
	// control's value that others make; takeEvents takes the events that have come.
	watchSource() error
	watchControl(id uint32) error
	takeEvents(e *events)
	// inputStatus is the status of the input in use (v4l2_input.status).
	inputStatus() (uint32, error)

	// queryControl describes the control with that ID, or with nextControl
	// set the first one above it.
	queryControl(id uint32) (controlInfo, error)
	menuItem(id, index uint32, integer bool) (string, error)
	control(id uint32, wide bool) (int64, error)
	setControl(id uint32, value int64, wide bool) error

	close() error
}

// filled is what is needed of a dequeued v4l2_buffer.
type filled struct {
	index     uint32
	bytesUsed uint32
	flags     uint32
	sequence  uint32
	// timestamp counts from the start of the clock that flags name.
	timestamp time.Duration
}

// rect is a v4l2_rect.
type rect struct{ left, top, width, height int }

// events are what the kernel has told since it was last asked.
type events struct {
	// source: the format of the source has changed.
	source   bool
	controls []controlChange // valid until the next takeEvents
	room     [maxEvents]controlChange
}

// controlChange is what is needed of a v4l2_event_ctrl.
type controlChange struct {
	id    uint32
	value int64
}

// maxEvents bounds what is taken of a queue of events at once.
const maxEvents = 64

// controlInfo is what is needed of a v4l2_query_ext_ctrl.
type controlInfo struct {
	id       uint32
	kind     uapi.CtrlType
	name     string
	min, max int64
	step     int64
	def      int64
	flags    uint32
	elems    uint32
}
