//go:build linux && cgo && (amd64 || arm64)

package v4l2

// #include <linux/videodev2.h>
import "C"

import (
	"runtime"
	"syscall"
	"time"
	"unsafe"

	uapi "github.com/vladimirvivien/go4vl/v4l2"
	"golang.org/x/sys/unix"
)

// Controls and flags of encoders.
const (
	controlBitrate      = uint32(C.V4L2_CID_MPEG_VIDEO_BITRATE)
	controlBitrateMode  = uint32(C.V4L2_CID_MPEG_VIDEO_BITRATE_MODE)
	controlKeyInterval  = uint32(C.V4L2_CID_MPEG_VIDEO_GOP_SIZE)
	controlForceKey     = uint32(C.V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME)
	controlRepeatHeader = uint32(C.V4L2_CID_MPEG_VIDEO_REPEAT_SEQ_HEADER)
	controlHeaderMode   = uint32(C.V4L2_CID_MPEG_VIDEO_HEADER_MODE)
	controlBFrames      = uint32(C.V4L2_CID_MPEG_VIDEO_B_FRAMES)
	controlProfile      = uint32(C.V4L2_CID_MPEG_VIDEO_H264_PROFILE)

	constantBitrate = int64(C.V4L2_MPEG_VIDEO_BITRATE_MODE_CBR)
	constrainedBase = int64(C.V4L2_MPEG_VIDEO_H264_PROFILE_CONSTRAINED_BASELINE)
	joinedHeaders   = int64(C.V4L2_MPEG_VIDEO_HEADER_MODE_JOINED_WITH_1ST_FRAME)

	flagKeyFrame = uint32(C.V4L2_BUF_FLAG_KEYFRAME)
	flagLast     = uint32(C.V4L2_BUF_FLAG_LAST)
)

// coderNode is an open encoder node. Drivers have the single-planar or the
// multi-planar interface; with the latter a buffer has one plane here.
type coderNode struct {
	*node
	planar bool
	shared bool // raw pictures come by descriptor
	// plane is on the heap, so that it does not move while the kernel has its
	// address in a union that the garbage collector does not look into.
	plane *C.struct_v4l2_plane
}

func openCoder(path string) (coder, error) {
	k, err := openNode(path)
	if err != nil {
		return nil, err
	}
	n := &coderNode{node: k.(*node), plane: new(C.struct_v4l2_plane)}
	c, err := n.capability()
	if err == nil {
		n.planar = c.GetCapabilities()&uapi.CapVideoMem2MemMPlane != 0
	}
	return n, nil
}

func (n *coderNode) bufType(side queueSide) C.__u32 {
	switch {
	case side == rawSide && n.planar:
		return C.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE
	case side == rawSide:
		return C.V4L2_BUF_TYPE_VIDEO_OUTPUT
	case n.planar:
		return C.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
	}
	return C.V4L2_BUF_TYPE_VIDEO_CAPTURE
}

func (n *coderNode) formatAt(side queueSide, index uint32) (uapi.FourCCType, error) {
	var d C.struct_v4l2_fmtdesc
	d.index, d._type = C.__u32(index), n.bufType(side)
	if err := n.ioctl(C.VIDIOC_ENUM_FMT, unsafe.Pointer(&d)); err != nil {
		return 0, err
	}
	return uint32(d.pixelformat), nil
}

func (n *coderNode) setFormatOf(side queueSide, want planeFormat) (planeFormat, error) {
	var f C.struct_v4l2_format
	f._type = n.bufType(side)
	if !n.planar {
		p := (*C.struct_v4l2_pix_format)(unsafe.Pointer(&f.fmt[0]))
		p.width, p.height, p.pixelformat = C.__u32(want.width), C.__u32(want.height), C.__u32(want.code)
		p.field, p.sizeimage, p.bytesperline = C.V4L2_FIELD_NONE, C.__u32(want.bufferBytes), C.__u32(want.strideBytes)
		if err := n.ioctl(C.VIDIOC_S_FMT, unsafe.Pointer(&f)); err != nil {
			return planeFormat{}, err
		}
		return planeFormat{uint32(p.pixelformat), int(p.width), int(p.height), int(p.bytesperline), int(p.sizeimage)}, nil
	}
	p := (*C.struct_v4l2_pix_format_mplane)(unsafe.Pointer(&f.fmt[0]))
	p.width, p.height, p.pixelformat = C.__u32(want.width), C.__u32(want.height), C.__u32(want.code)
	p.field, p.num_planes = C.V4L2_FIELD_NONE, 1
	p.plane_fmt[0].sizeimage, p.plane_fmt[0].bytesperline = C.__u32(want.bufferBytes), C.__u32(want.strideBytes)
	if err := n.ioctl(C.VIDIOC_S_FMT, unsafe.Pointer(&f)); err != nil {
		return planeFormat{}, err
	}
	if p.num_planes != 1 {
		return planeFormat{}, syscall.EINVAL // planes apart are not what was asked for
	}
	return planeFormat{uint32(p.pixelformat), int(p.width), int(p.height), int(p.plane_fmt[0].bytesperline), int(p.plane_fmt[0].sizeimage)}, nil
}

func (n *coderNode) setRawInterval(want uapi.Fract) error {
	var s C.struct_v4l2_streamparm
	s._type = n.bufType(rawSide)
	p := (*C.struct_v4l2_outputparm)(unsafe.Pointer(&s.parm[0]))
	p.timeperframe.numerator, p.timeperframe.denominator = C.__u32(want.Numerator), C.__u32(want.Denominator)
	return n.ioctl(C.VIDIOC_S_PARM, unsafe.Pointer(&s))
}

func (n *coderNode) setVisible(width, height int) error {
	s := C.struct_v4l2_selection{_type: C.V4L2_BUF_TYPE_VIDEO_OUTPUT, target: C.V4L2_SEL_TGT_CROP}
	s.r.width, s.r.height = C.__u32(width), C.__u32(height)
	return n.ioctl(C.VIDIOC_S_SELECTION, unsafe.Pointer(&s))
}

func (n *coderNode) request(side queueSide, count uint32) (uint32, error) {
	r := C.struct_v4l2_requestbuffers{count: C.__u32(count), _type: n.bufType(side), memory: C.V4L2_MEMORY_MMAP}
	if side == rawSide && n.shared {
		r.memory = C.V4L2_MEMORY_DMABUF
	}
	err := n.ioctl(C.VIDIOC_REQBUFS, unsafe.Pointer(&r))
	return uint32(r.count), err
}

func (n *coderNode) requestShared(count uint32) (uint32, error) {
	n.shared = true
	return n.request(rawSide, count)
}

// buffer makes a call on a buffer and its plane.
func (n *coderNode) buffer(request uintptr, b *C.struct_v4l2_buffer) error {
	b.memory = C.V4L2_MEMORY_MMAP
	if n.shared && b._type == n.bufType(rawSide) {
		b.memory = C.V4L2_MEMORY_DMABUF
	}
	if n.planar {
		b.length = 1
		*(*uintptr)(unsafe.Pointer(&b.m[0])) = uintptr(unsafe.Pointer(n.plane))
	}
	err := n.ioctl(request, unsafe.Pointer(b))
	runtime.KeepAlive(n.plane)
	return err
}

func (n *coderNode) mapBufferOf(side queueSide, index uint32) ([]byte, error) {
	b := C.struct_v4l2_buffer{index: C.__u32(index), _type: n.bufType(side)}
	if err := n.buffer(C.VIDIOC_QUERYBUF, &b); err != nil {
		return nil, err
	}
	offset, length := *(*C.__u32)(unsafe.Pointer(&b.m[0])), b.length
	if n.planar {
		offset, length = *(*C.__u32)(unsafe.Pointer(&n.plane.m[0])), n.plane.length
	}
	access := unix.PROT_READ
	if side == rawSide {
		access |= unix.PROT_WRITE
	}
	return unix.Mmap(n.fd, int64(offset), int(length), access, unix.MAP_SHARED)
}

func (n *coderNode) queueTo(side queueSide, index uint32, bytesUsed int, stamp time.Duration) error {
	b := C.struct_v4l2_buffer{index: C.__u32(index), _type: n.bufType(side), bytesused: C.__u32(bytesUsed), field: C.V4L2_FIELD_NONE}
	b.timestamp.tv_sec = C.__time_t(stamp / time.Second)
	b.timestamp.tv_usec = C.__suseconds_t(stamp % time.Second / time.Microsecond)
	*n.plane = C.struct_v4l2_plane{bytesused: C.__u32(bytesUsed)}
	return n.buffer(C.VIDIOC_QBUF, &b)
}

func (n *coderNode) queueShared(index uint32, fd, bytesUsed, bytes int, stamp time.Duration) error {
	b := C.struct_v4l2_buffer{
		index: C.__u32(index), _type: n.bufType(rawSide), bytesused: C.__u32(bytesUsed), length: C.__u32(bytes), field: C.V4L2_FIELD_NONE,
	}
	b.timestamp.tv_sec = C.__time_t(stamp / time.Second)
	b.timestamp.tv_usec = C.__suseconds_t(stamp % time.Second / time.Microsecond)
	*n.plane = C.struct_v4l2_plane{bytesused: C.__u32(bytesUsed), length: C.__u32(bytes)}
	// The descriptor lies in a union, of the plane's or of the buffer's.
	*(*C.__s32)(unsafe.Pointer(&n.plane.m[0])) = C.__s32(fd)
	if !n.planar {
		*(*C.__s32)(unsafe.Pointer(&b.m[0])) = C.__s32(fd)
	}
	return n.buffer(C.VIDIOC_QBUF, &b)
}

func (n *coderNode) dequeueFrom(side queueSide, out *filled) error {
	b := C.struct_v4l2_buffer{_type: n.bufType(side)}
	*n.plane = C.struct_v4l2_plane{}
	if err := n.buffer(C.VIDIOC_DQBUF, &b); err != nil {
		return err
	}
	used := b.bytesused
	if n.planar {
		used = n.plane.bytesused
	}
	*out = filled{
		index: uint32(b.index), bytesUsed: uint32(used), flags: uint32(b.flags), sequence: uint32(b.sequence),
		timestamp: time.Duration(b.timestamp.tv_sec)*time.Second + time.Duration(b.timestamp.tv_usec)*time.Microsecond,
	}
	return nil
}

func (n *coderNode) streamOf(side queueSide, on bool) error {
	t := C.int(n.bufType(side))
	request := uintptr(C.VIDIOC_STREAMOFF)
	if on {
		request = C.VIDIOC_STREAMON
	}
	return n.ioctl(request, unsafe.Pointer(&t))
}

func (n *coderNode) command(start bool) error {
	c := C.struct_v4l2_encoder_cmd{cmd: C.V4L2_ENC_CMD_STOP}
	if start {
		c.cmd = C.V4L2_ENC_CMD_START
	}
	return n.ioctl(C.VIDIOC_ENCODER_CMD, unsafe.Pointer(&c))
}

func (n *coderNode) waitFor(side queueSide, timeout time.Duration) error {
	events := int16(unix.POLLIN)
	if side == rawSide {
		events = unix.POLLOUT
	}
	fds := [2]unix.PollFd{{Fd: int32(n.fd), Events: events}, {Fd: int32(n.wakeFD), Events: unix.POLLIN}}
	ms := int((timeout + time.Millisecond - 1) / time.Millisecond)
	if _, err := unix.Poll(fds[:], ms); err != nil && err != unix.EINTR {
		return err
	}
	if fds[1].Revents != 0 {
		var drain [8]byte
		_, _ = unix.Read(n.wakeFD, drain[:]) // EAGAIN: someone else drained it
	}
	return nil
}
