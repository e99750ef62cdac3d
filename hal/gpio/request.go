package gpio

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/edgecam/edgecam/hal"
	"golang.org/x/sys/unix"
)

// Structures and numbers of the GPIO v2 interface (linux/gpio.h).
const (
	flagActiveLow    = 1 << 1
	flagInput        = 1 << 2
	flagOutput       = 1 << 3
	flagEdgeRising   = 1 << 4
	flagEdgeFalling  = 1 << 5
	flagPullUp       = 1 << 8
	flagPullDown     = 1 << 9
	flagBiasDisabled = 1 << 10

	attrOutputValues = 2
	attrDebounce     = 3

	eventRising = 1
)

type lineAttribute struct {
	id    uint32
	_     uint32
	value uint64 // a union: flags, values, or microseconds in the first half
	mask  uint64 // lines that it is for
}

type lineConfig struct {
	flags    uint64
	numAttrs uint32
	_        [5]uint32
	attrs    [10]lineAttribute
}

type lineRequest struct {
	offsets         [64]uint32
	consumer        [32]byte
	config          lineConfig
	numLines        uint32
	eventBufferSize uint32
	_               [5]uint32
	fd              int32
}

type lineValues struct{ bits, mask uint64 }

type lineEvent struct {
	timestampNS uint64
	id          uint32
	offset      uint32
	seqno       uint32
	lineSeqno   uint32
	_           [6]uint32
}

const (
	readWrite       = 3 << 30
	ioctlGetLine    = readWrite | unsafe.Sizeof(lineRequest{})<<16 | 0xb4<<8 | 0x07
	ioctlGetValues  = readWrite | unsafe.Sizeof(lineValues{})<<16 | 0xb4<<8 | 0x0e
	ioctlSetValues  = readWrite | unsafe.Sizeof(lineValues{})<<16 | 0xb4<<8 | 0x0f
	eventBufferSize = 64 // edges kept between two WaitEdge calls
)

// consumer is what the kernel shows as the line's user (gpioinfo).
const consumer = "edgecam"

// request is what a line is asked for with.
type request struct {
	offset   uint32
	flags    uint64
	debounce time.Duration
	output   bool // the first level of an output
}

func inputRequest(offset int, cfg hal.InputConfig) request {
	r := request{
		offset: uint32(offset), flags: flagInput | flagEdgeRising | flagEdgeFalling,
		debounce: cfg.Debounce,
	}
	switch cfg.Bias {
	case hal.BiasPullUp:
		r.flags |= flagPullUp
	case hal.BiasPullDown:
		r.flags |= flagPullDown
	case hal.BiasDisabled:
		r.flags |= flagBiasDisabled
	}
	if cfg.ActiveLow {
		r.flags |= flagActiveLow
	}
	return r
}

func outputRequest(offset int, cfg hal.OutputConfig) request {
	r := request{offset: uint32(offset), flags: flagOutput, output: cfg.Safe}
	if cfg.ActiveLow {
		r.flags |= flagActiveLow
	}
	return r
}

// encode fills in the kernel's structure.
func (r request) encode() lineRequest {
	q := lineRequest{numLines: 1}
	q.offsets[0] = r.offset
	copy(q.consumer[:], consumer)
	q.config.flags = r.flags
	add := func(id uint32, value uint64) {
		q.config.attrs[q.config.numAttrs] = lineAttribute{id: id, value: value, mask: 1}
		q.config.numAttrs++
	}
	if r.flags&flagInput != 0 {
		q.eventBufferSize = eventBufferSize
	}
	if r.flags&flagOutput != 0 {
		value := uint64(0)
		if r.output {
			value = 1
		}
		add(attrOutputValues, value)
	}
	if r.debounce > 0 {
		us := uint32(min(r.debounce/time.Microsecond, maxDebounce/time.Microsecond))
		var value uint64
		*(*uint32)(unsafe.Pointer(&value)) = us
		add(attrDebounce, value)
	}
	return q
}

// maxDebounce bounds what is passed to the kernel.
const maxDebounce = time.Minute

// line is a requested line. Levels are logical: the kernel inverts active-low
// lines, edges included.
type line interface {
	level() (bool, error)
	set(active bool) error
	// event waits for the next edge until the deadline (zero: for ever), or
	// until interrupt or close is called.
	event(deadline time.Time) (edge, error)
	// interrupt ends the present or else the next event call.
	interrupt()
	close() error
}

// edge is a kernel event.
type edge struct {
	active bool
	// stamp is the kernel's CLOCK_MONOTONIC.
	stamp time.Duration
}

// kernelLine is a line in the kernel's hands.
type kernelLine struct{ file *os.File }

// requestLine asks the chip for the line.
func requestLine(chipPath string, r request) (line, error) {
	chip, err := os.OpenFile(chipPath, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer chip.Close()
	raw, err := chip.SyscallConn()
	if err != nil {
		return nil, err
	}
	q := r.encode()
	if err := control(raw, ioctlGetLine, unsafe.Pointer(&q)); err != nil {
		return nil, err
	}
	// Non-blocking, so that Go's poller waits and Close and deadlines wake.
	if err := unix.SetNonblock(int(q.fd), true); err != nil {
		unix.Close(int(q.fd))
		return nil, err
	}
	return &kernelLine{os.NewFile(uintptr(q.fd), chipPath)}, nil
}

func control(raw syscall.RawConn, request uintptr, arg unsafe.Pointer) error {
	var errno syscall.Errno
	err := raw.Control(func(fd uintptr) {
		for {
			_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg))
			if errno != syscall.EINTR {
				return
			}
		}
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}

func (l *kernelLine) values(request uintptr, v *lineValues) error {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, request, unsafe.Pointer(v))
}

func (l *kernelLine) level() (bool, error) {
	v := lineValues{mask: 1}
	err := l.values(ioctlGetValues, &v)
	return v.bits&1 != 0, err
}

func (l *kernelLine) set(active bool) error {
	v := lineValues{mask: 1}
	if active {
		v.bits = 1
	}
	return l.values(ioctlSetValues, &v)
}

func (l *kernelLine) event(deadline time.Time) (edge, error) {
	if err := l.file.SetReadDeadline(deadline); err != nil {
		return edge{}, err
	}
	var e lineEvent
	n, err := l.file.Read(unsafe.Slice((*byte)(unsafe.Pointer(&e)), unsafe.Sizeof(e)))
	if err != nil {
		return edge{}, err
	}
	if n != int(unsafe.Sizeof(e)) {
		return edge{}, syscall.EIO
	}
	return edge{active: e.id == eventRising, stamp: time.Duration(e.timestampNS)}, nil
}

// interrupt sets a deadline in the past. A failure means the file is closed,
// which ends the wait as well.
func (l *kernelLine) interrupt() { _ = l.file.SetReadDeadline(time.Unix(1, 0)) }

func (l *kernelLine) close() error { return l.file.Close() }
