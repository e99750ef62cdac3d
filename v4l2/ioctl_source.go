//go:build linux && cgo && (amd64 || arm64)

package v4l2

// #include <linux/videodev2.h>
import "C"

import "unsafe"

// maxEvents bounds what is taken of a queue of events at once.
const maxEvents = 64

func (n *node) watchSource() error {
	var s C.struct_v4l2_event_subscription
	s._type = C.V4L2_EVENT_SOURCE_CHANGE
	return n.ioctl(C.VIDIOC_SUBSCRIBE_EVENT, unsafe.Pointer(&s))
}

func (n *node) sourceEvents() (changed bool) {
	for range maxEvents {
		var e C.struct_v4l2_event
		if n.ioctl(C.VIDIOC_DQEVENT, unsafe.Pointer(&e)) != nil {
			return changed // ENOENT: no more
		}
		if e._type == C.V4L2_EVENT_SOURCE_CHANGE {
			changes := (*C.struct_v4l2_event_src_change)(unsafe.Pointer(&e.u[0])).changes
			changed = changed || changes&C.V4L2_EVENT_SRC_CH_RESOLUTION != 0
		}
	}
	return changed
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
