//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"time"

	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// queueSide is one of the two queues of a memory-to-memory device. The kernel
// names them from its own point of view: raw pictures go in by OUTPUT, coded
// frames come out by CAPTURE.
type queueSide uint8

const (
	rawSide queueSide = iota
	codedSide
)

// planeFormat is what is needed of a buffer's format, all planes in one piece.
type planeFormat struct {
	code                     uapi.FourCCType
	width, height            int
	strideBytes, bufferBytes int
}

// coder is an open node of a stateful encoder: the calls that this package makes,
// one to one, as kernel is for cameras.
type coder interface {
	capability() (uapi.Capability, error)
	// formatAt enumerates; EINVAL ends the list.
	formatAt(side queueSide, index uint32) (uapi.FourCCType, error)
	// setFormatOf returns what the driver made of the request.
	setFormatOf(side queueSide, want planeFormat) (planeFormat, error)
	// setRawInterval tells the rate of the pictures, setVisible the part of the raw
	// buffer that is picture.
	setRawInterval(want uapi.Fract) error
	setVisible(width, height int) error
	request(side queueSide, count uint32) (uint32, error)
	// requestShared is request for raw pictures that come by DMABUF descriptor, and
	// queueShared queues one of them, in a buffer of so many bytes.
	requestShared(count uint32) (uint32, error)
	queueShared(index uint32, fd, bytesUsed, bytes int, stamp time.Duration) error
	mapBufferOf(side queueSide, index uint32) ([]byte, error)
	unmapBuffer(data []byte) error
	queueTo(side queueSide, index uint32, bytesUsed int, stamp time.Duration) error
	// dequeueFrom returns EAGAIN when no buffer is done, EPIPE after the last one
	// of a drain.
	dequeueFrom(side queueSide, b *filled) error
	streamOf(side queueSide, on bool) error
	// command stops the encoder, which codes what it has, or starts it again.
	command(start bool) error
	setControl(id uint32, value int64, wide bool) error
	// waitFor blocks until a buffer of that side is done, wake was called or timeout
	// has passed.
	waitFor(side queueSide, timeout time.Duration) error
	wake()
	close() error
}
