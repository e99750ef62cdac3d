//go:build linux && cgo && (amd64 || arm64)

package v4l2

// #include <linux/videodev2.h>
import "C"

import (
	"strconv"
	"syscall"
	"unsafe"

	uapi "github.com/vladimirvivien/go4vl/v4l2"
	"golang.org/x/sys/unix"
)

// text returns a fixed C string's value. The kernel ends it with a zero, but
// that is not relied on.
func text(b []byte) string { return unix.ByteSliceToString(b) }

func bytesOf[T any](p *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p))
}

func (n *node) formatDesc(index uint32) (uapi.FormatDescription, error) {
	var d C.struct_v4l2_fmtdesc
	d.index = C.__u32(index)
	d._type = C.V4L2_BUF_TYPE_VIDEO_CAPTURE
	if err := n.ioctl(C.VIDIOC_ENUM_FMT, unsafe.Pointer(&d)); err != nil {
		return uapi.FormatDescription{}, err
	}
	return uapi.FormatDescription{
		Index: index, StreamType: uapi.BufTypeVideoCapture, Flags: uint32(d.flags),
		Description: text(bytesOf(&d.description)), PixelFormat: uint32(d.pixelformat),
	}, nil
}

func (n *node) frameSize(index uint32, fourcc uapi.FourCCType) (uapi.FrameSizeEnum, error) {
	var e C.struct_v4l2_frmsizeenum
	e.index, e.pixel_format = C.__u32(index), C.__u32(fourcc)
	if err := n.ioctl(C.VIDIOC_ENUM_FRAMESIZES, unsafe.Pointer(&e)); err != nil {
		return uapi.FrameSizeEnum{}, err
	}
	out := uapi.FrameSizeEnum{Index: index, Type: uint32(e._type), PixelFormat: fourcc}
	if out.Type == uapi.FrameSizeTypeDiscrete {
		d := (*C.struct_v4l2_frmsize_discrete)(unsafe.Pointer(&e.anon0[0]))
		out.Size = uapi.FrameSize{
			MinWidth: uint32(d.width), MaxWidth: uint32(d.width), StepWidth: 1,
			MinHeight: uint32(d.height), MaxHeight: uint32(d.height), StepHeight: 1,
		}
		return out, nil
	}
	s := (*C.struct_v4l2_frmsize_stepwise)(unsafe.Pointer(&e.anon0[0]))
	out.Size = uapi.FrameSize{
		MinWidth: uint32(s.min_width), MaxWidth: uint32(s.max_width), StepWidth: uint32(s.step_width),
		MinHeight: uint32(s.min_height), MaxHeight: uint32(s.max_height), StepHeight: uint32(s.step_height),
	}
	return out, nil
}

func fract(f C.struct_v4l2_fract) uapi.Fract {
	return uapi.Fract{Numerator: uint32(f.numerator), Denominator: uint32(f.denominator)}
}

func (n *node) frameInterval(index uint32, fourcc uapi.FourCCType, width, height uint32) (uapi.FrameIntervalEnum, error) {
	var e C.struct_v4l2_frmivalenum
	e.index, e.pixel_format = C.__u32(index), C.__u32(fourcc)
	e.width, e.height = C.__u32(width), C.__u32(height)
	if err := n.ioctl(C.VIDIOC_ENUM_FRAMEINTERVALS, unsafe.Pointer(&e)); err != nil {
		return uapi.FrameIntervalEnum{}, err
	}
	out := uapi.FrameIntervalEnum{
		Index: index, Type: uint32(e._type), PixelFormat: fourcc, Width: width, Height: height,
	}
	if out.Type == uapi.FrameIntervalTypeDiscrete {
		f := fract(*(*C.struct_v4l2_fract)(unsafe.Pointer(&e.anon0[0])))
		out.Interval = uapi.FrameInterval{Min: f, Max: f}
		return out, nil
	}
	s := (*C.struct_v4l2_frmival_stepwise)(unsafe.Pointer(&e.anon0[0]))
	out.Interval = uapi.FrameInterval{Min: fract(s.min), Max: fract(s.max), Step: fract(s.step)}
	return out, nil
}

func (n *node) queryControl(id uint32) (controlInfo, error) {
	var q C.struct_v4l2_query_ext_ctrl
	q.id = C.__u32(id)
	if err := n.ioctl(C.VIDIOC_QUERY_EXT_CTRL, unsafe.Pointer(&q)); err != nil {
		return controlInfo{}, err
	}
	return controlInfo{
		id: uint32(q.id), kind: uapi.CtrlType(q._type), name: text(bytesOf(&q.name)),
		min: int64(q.minimum), max: int64(q.maximum), step: int64(q.step),
		def: int64(q.default_value), flags: uint32(q.flags), elems: uint32(q.elems),
	}, nil
}

func (n *node) menuItem(id, index uint32, integer bool) (string, error) {
	var m C.struct_v4l2_querymenu
	m.id, m.index = C.__u32(id), C.__u32(index)
	if err := n.ioctl(C.VIDIOC_QUERYMENU, unsafe.Pointer(&m)); err != nil {
		return "", err
	}
	if integer {
		return strconv.FormatInt(*(*int64)(unsafe.Pointer(&m.anon0[0])), 10), nil
	}
	return text(m.anon0[:]), nil
}

// extended makes the call for one control. The kernel follows the pointer in
// the request to the control beside it on the stack: stacks do not move while
// their goroutine is in a system call.
func (n *node) extended(request uintptr, c *C.struct_v4l2_ext_control) error {
	var r C.struct_v4l2_ext_controls
	r.count, r.controls = 1, c
	return n.ioctl(request, unsafe.Pointer(&r))
}

func (n *node) control(id uint32, wide bool) (int64, error) {
	var c C.struct_v4l2_ext_control
	c.id = C.__u32(id)
	if err := n.extended(C.VIDIOC_G_EXT_CTRLS, &c); err != nil {
		return 0, err
	}
	if wide {
		return *(*int64)(unsafe.Pointer(&c.anon0[0])), nil
	}
	return int64(*(*int32)(unsafe.Pointer(&c.anon0[0]))), nil
}

func (n *node) setControl(id uint32, value int64, wide bool) error {
	var c C.struct_v4l2_ext_control
	c.id = C.__u32(id)
	switch {
	case wide:
		*(*int64)(unsafe.Pointer(&c.anon0[0])) = value
	case value != int64(int32(value)):
		return syscall.ERANGE
	default:
		*(*int32)(unsafe.Pointer(&c.anon0[0])) = int32(value)
	}
	return n.extended(C.VIDIOC_S_EXT_CTRLS, &c)
}
