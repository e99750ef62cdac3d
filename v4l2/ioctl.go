//go:build linux && cgo && (amd64 || arm64)

package v4l2

// #include <linux/videodev2.h>
import "C"

import (
	"encoding/binary"
	"errors"
	"sync"
	"syscall"
	"time"
	"unsafe"

	uapi "github.com/vladimirvivien/go4vl/v4l2"
	"golang.org/x/sys/unix"
)

// Flags of controls, and the bit that asks for the next one.
const (
	nextControl      = uint32(C.V4L2_CTRL_FLAG_NEXT_CTRL)
	controlDisabled  = uint32(C.V4L2_CTRL_FLAG_DISABLED)
	controlReadOnly  = uint32(C.V4L2_CTRL_FLAG_READ_ONLY)
	controlWriteOnly = uint32(C.V4L2_CTRL_FLAG_WRITE_ONLY)
	controlPayload   = uint32(C.V4L2_CTRL_FLAG_HAS_PAYLOAD)
)

// node is an open device node.
type node struct {
	fd int

	// mu guards wakeFD against a wake that comes while close runs.
	mu     sync.Mutex
	wakeFD int
}

// openNode opens path for streaming.
func openNode(path string) (kernel, error) {
	fd, err := uapi.OpenDevice(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	wakeFD, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, errors.Join(err, uapi.CloseDevice(fd))
	}
	return &node{fd: int(fd), wakeFD: wakeFD}, nil
}

// ioctl makes the call with the argument as a pointer up to the system call
// itself, so that it stays right if the stack moves.
func (n *node) ioctl(request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(n.fd), request, uintptr(arg))
		switch errno {
		case 0:
			return nil
		case syscall.EINTR:
		default:
			return errno
		}
	}
}

func (n *node) capability() (uapi.Capability, error) {
	var c C.struct_v4l2_capability
	if err := n.ioctl(C.VIDIOC_QUERYCAP, unsafe.Pointer(&c)); err != nil {
		return uapi.Capability{}, err
	}
	return uapi.Capability{
		Driver: text(bytesOf(&c.driver)), Card: text(bytesOf(&c.card)), BusInfo: text(bytesOf(&c.bus_info)),
		Version: uint32(c.version), Capabilities: uint32(c.capabilities), DeviceCapabilities: uint32(c.device_caps),
	}, nil
}

func (n *node) setFormat(want uapi.PixFormat) (uapi.PixFormat, error) {
	var f C.struct_v4l2_format
	f._type = C.V4L2_BUF_TYPE_VIDEO_CAPTURE
	p := (*C.struct_v4l2_pix_format)(unsafe.Pointer(&f.fmt[0]))
	p.width, p.height = C.__u32(want.Width), C.__u32(want.Height)
	p.pixelformat, p.field = C.__u32(want.PixelFormat), C.__u32(want.Field)
	if err := n.ioctl(C.VIDIOC_S_FMT, unsafe.Pointer(&f)); err != nil {
		return uapi.PixFormat{}, err
	}
	return uapi.PixFormat{
		Width: uint32(p.width), Height: uint32(p.height),
		PixelFormat: uint32(p.pixelformat), Field: uint32(p.field),
		BytesPerLine: uint32(p.bytesperline), SizeImage: uint32(p.sizeimage),
		Colorspace: uint32(p.colorspace), Quantization: uint32(p.quantization),
	}, nil
}

func (n *node) setInterval(want uapi.Fract) (uapi.Fract, error) {
	var s C.struct_v4l2_streamparm
	s._type = C.V4L2_BUF_TYPE_VIDEO_CAPTURE
	p := (*C.struct_v4l2_captureparm)(unsafe.Pointer(&s.parm[0]))
	p.timeperframe.numerator = C.__u32(want.Numerator)
	p.timeperframe.denominator = C.__u32(want.Denominator)
	if err := n.ioctl(C.VIDIOC_S_PARM, unsafe.Pointer(&s)); err != nil {
		return uapi.Fract{}, err
	}
	return uapi.Fract{Numerator: uint32(p.timeperframe.numerator), Denominator: uint32(p.timeperframe.denominator)}, nil
}

func (n *node) requestBuffers(count uint32) (uint32, error) {
	var r C.struct_v4l2_requestbuffers
	r.count = C.__u32(count)
	r._type = C.V4L2_BUF_TYPE_VIDEO_CAPTURE
	r.memory = C.V4L2_MEMORY_MMAP
	err := n.ioctl(C.VIDIOC_REQBUFS, unsafe.Pointer(&r))
	return uint32(r.count), err
}

func captureBuffer(index uint32) C.struct_v4l2_buffer {
	return C.struct_v4l2_buffer{
		index: C.__u32(index), _type: C.V4L2_BUF_TYPE_VIDEO_CAPTURE, memory: C.V4L2_MEMORY_MMAP,
	}
}

func (n *node) mapBuffer(index uint32) ([]byte, error) {
	b := captureBuffer(index)
	if err := n.ioctl(C.VIDIOC_QUERYBUF, unsafe.Pointer(&b)); err != nil {
		return nil, err
	}
	offset := *(*C.__u32)(unsafe.Pointer(&b.m[0]))
	return unix.Mmap(n.fd, int64(offset), int(b.length), unix.PROT_READ, unix.MAP_SHARED)
}

func (n *node) unmapBuffer(data []byte) error { return unix.Munmap(data) }

func (n *node) queue(index uint32) error {
	b := captureBuffer(index)
	return n.ioctl(C.VIDIOC_QBUF, unsafe.Pointer(&b))
}

func (n *node) dequeue(out *filled) error {
	b := captureBuffer(0)
	if err := n.ioctl(C.VIDIOC_DQBUF, unsafe.Pointer(&b)); err != nil {
		return err
	}
	*out = filled{
		index: uint32(b.index), bytesUsed: uint32(b.bytesused),
		flags: uint32(b.flags), sequence: uint32(b.sequence),
		timestamp: time.Duration(b.timestamp.tv_sec)*time.Second + time.Duration(b.timestamp.tv_usec)*time.Microsecond,
	}
	return nil
}

func (n *node) streamOn() error  { return n.stream(C.VIDIOC_STREAMON) }
func (n *node) streamOff() error { return n.stream(C.VIDIOC_STREAMOFF) }

func (n *node) stream(request uintptr) error {
	t := C.int(C.V4L2_BUF_TYPE_VIDEO_CAPTURE)
	return n.ioctl(request, unsafe.Pointer(&t))
}

func (n *node) wait(timeout time.Duration) (ready, event bool, err error) {
	fds := [2]unix.PollFd{{Fd: int32(n.fd), Events: unix.POLLIN | unix.POLLPRI}, {Fd: int32(n.wakeFD), Events: unix.POLLIN}}
	ms := -1
	if timeout >= 0 {
		// Rounded up, so that a caller that waits for the rest of a time
		// does not spin in its last millisecond.
		ms = int((timeout + time.Millisecond - 1) / time.Millisecond)
	}
	if _, err := unix.Poll(fds[:], ms); err != nil {
		if err == unix.EINTR {
			return false, false, nil
		}
		return false, false, err
	}
	if fds[1].Revents != 0 {
		var drain [8]byte
		// EAGAIN would mean that someone else drained it: no matter.
		_, _ = unix.Read(n.wakeFD, drain[:])
	}
	return fds[0].Revents&^unix.POLLPRI != 0, fds[0].Revents&unix.POLLPRI != 0, nil
}

func (n *node) wake() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wakeFD < 0 {
		return
	}
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	// The only failure is EAGAIN: the counter is full, so a wake is pending.
	_, _ = unix.Write(n.wakeFD, one[:])
}

func (n *node) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wakeFD < 0 {
		return nil
	}
	err := errors.Join(uapi.CloseDevice(uintptr(n.fd)), unix.Close(n.wakeFD))
	n.wakeFD = -1
	return err
}
