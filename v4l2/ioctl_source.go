//go:build linux && cgo && (amd64 || arm64)

package v4l2

// #include <linux/videodev2.h>
import "C"

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The rectangles of a sensor's picture: what is read out, what it is by default.
const (
	cropTarget        = uint32(C.V4L2_SEL_TGT_CROP)
	cropDefaultTarget = uint32(C.V4L2_SEL_TGT_CROP_DEFAULT)
)

func (n *node) watchSource() error {
	var s C.struct_v4l2_event_subscription
	s._type = C.V4L2_EVENT_SOURCE_CHANGE
	return n.ioctl(C.VIDIOC_SUBSCRIBE_EVENT, unsafe.Pointer(&s))
}

func (n *node) watchControl(id uint32) error {
	var s C.struct_v4l2_event_subscription
	s._type, s.id = C.V4L2_EVENT_CTRL, C.__u32(id)
	return n.ioctl(C.VIDIOC_SUBSCRIBE_EVENT, unsafe.Pointer(&s))
}

func (n *node) takeEvents(out *events) {
	out.source, out.controls = false, out.room[:0]
	for range maxEvents {
		var e C.struct_v4l2_event
		if n.ioctl(C.VIDIOC_DQEVENT, unsafe.Pointer(&e)) != nil {
			return // ENOENT: no more
		}
		switch e._type {
		case C.V4L2_EVENT_SOURCE_CHANGE:
			changes := (*C.struct_v4l2_event_src_change)(unsafe.Pointer(&e.u[0])).changes
			out.source = out.source || changes&C.V4L2_EVENT_SRC_CH_RESOLUTION != 0
		case C.V4L2_EVENT_CTRL:
			c := (*C.struct_v4l2_event_ctrl)(unsafe.Pointer(&e.u[0]))
			if c.changes&C.V4L2_EVENT_CTRL_CH_VALUE == 0 {
				continue // its range or flags
			}
			value := *(*int64)(unsafe.Pointer(&c.anon0[0]))
			if c._type != C.V4L2_CTRL_TYPE_INTEGER64 {
				value = int64(*(*int32)(unsafe.Pointer(&c.anon0[0])))
			}
			out.controls = append(out.controls, controlChange{uint32(e.id), value})
		}
	}
}

func (n *node) selection(target uint32) (rect, error) {
	s := C.struct_v4l2_selection{_type: C.V4L2_BUF_TYPE_VIDEO_CAPTURE, target: C.__u32(target)}
	if err := n.ioctl(C.VIDIOC_G_SELECTION, unsafe.Pointer(&s)); err != nil {
		return rect{}, err
	}
	return rect{int(s.r.left), int(s.r.top), int(s.r.width), int(s.r.height)}, nil
}

func (n *node) setCrop(want rect) (rect, error) {
	s := C.struct_v4l2_selection{_type: C.V4L2_BUF_TYPE_VIDEO_CAPTURE, target: C.V4L2_SEL_TGT_CROP}
	s.r.left, s.r.top = C.__s32(want.left), C.__s32(want.top)
	s.r.width, s.r.height = C.__u32(want.width), C.__u32(want.height)
	if err := n.ioctl(C.VIDIOC_S_SELECTION, unsafe.Pointer(&s)); err != nil {
		return rect{}, err
	}
	return rect{int(s.r.left), int(s.r.top), int(s.r.width), int(s.r.height)}, nil
}

func (n *node) exportBuffer(index uint32) (int, error) {
	e := C.struct_v4l2_exportbuffer{_type: C.V4L2_BUF_TYPE_VIDEO_CAPTURE, index: C.__u32(index), flags: C.__u32(unix.O_CLOEXEC | unix.O_RDONLY)}
	if err := n.ioctl(C.VIDIOC_EXPBUF, unsafe.Pointer(&e)); err != nil {
		return -1, err
	}
	return int(e.fd), nil
}

func (n *node) inputStatus() (uint32, error) {
	var index C.int
	if err := n.ioctl(C.VIDIOC_G_INPUT, unsafe.Pointer(&index)); err != nil {
		return 0, err
	}
	var in C.struct_v4l2_input
	in.index = C.__u32(index)
	if err := n.ioctl(C.VIDIOC_ENUMINPUT, unsafe.Pointer(&in)); err != nil {
		return 0, err
	}
	return uint32(in.status), nil
}
