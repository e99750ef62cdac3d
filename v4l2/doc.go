// Package v4l2 is the camera driver for Linux: USB cameras and every other
// device that delivers finished pictures through Video4Linux2.
//
// Frames are handed out in the kernel's own memory-mapped buffers, without a
// copy and without an allocation; releasing a frame queues its buffer again.
// When the consumers hold every buffer the kernel drops frames, which shows as
// gaps in [media.Frame.Sequence] and is counted by [Camera.Dropped].
//
// Sensors on a CSI connector deliver raw Bayer data here, whatever their
// format list says, and need the camera stack's own program (rpicam-vid,
// nvarguscamerasrc). Such nodes are listed with a Problem that names it, and
// are not opened. Codec, ISP and metadata nodes are not listed at all.
//
// # go4vl
//
// The package stands on github.com/vladimirvivien/go4vl, but takes from it
// only the types, the constants, and opening and closing. The rest is asked from
// the kernel by the ioctl calls in this package, because go4vl v0.3.0
//
//   - copies every frame into memory of its own (device.Device), and allocates
//     for each;
//   - turns the address of a variable on the goroutine's stack into a uintptr
//     before it calls the functions that make the system call. The stack may
//     move in between, and the kernel then writes to where the variable was;
//   - reads a v4l2_buffer's union as a structure four times its size, beyond
//     the end of the buffer, which the race detector's pointer check ends with
//     a panic;
//   - reports ENODEV, EIO and ENOMEM alike as "system error", so that a camera
//     pulled out cannot be told from one that failed;
//   - reads stepwise frame intervals eight bytes off, and drops the flags of
//     controls (read-only, disabled) and the upper half of 64-bit ones;
//   - does not return what the driver made of a requested format or interval.
//
// go4vl needs cgo and does not compile for 32-bit ARM. Without cgo, or on such
// a machine, this package compiles to a driver that lists nothing.
package v4l2
