package drm

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel is what the driver needs of the system; tests put a stand-in behind it.
type kernel interface {
	open(path string) (fd int, err error)
	ioctl(fd int, request uintptr, arg unsafe.Pointer) error
	mmap(fd int, offset int64, length int) ([]byte, error)
	munmap(b []byte) error
	// read reads events, within a time; unix.ETIMEDOUT if none comes.
	read(fd int, b []byte, within time.Duration) (int, error)
	close(fd int) error
}

// linux is the real kernel.
type linux struct{}

func (linux) open(path string) (int, error) {
	return unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
}

func (linux) ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		switch {
		case errno == 0:
			return nil
		case errno != unix.EINTR && errno != unix.EAGAIN:
			return errno
		}
	}
}

func (linux) mmap(fd int, offset int64, length int) ([]byte, error) {
	b, err := unix.Mmap(fd, offset, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes: %w", length, err)
	}
	return b, nil
}

func (linux) munmap(b []byte) error { return unix.Munmap(b) }

func (linux) read(fd int, b []byte, within time.Duration) (int, error) {
	end := time.Now().Add(within)
	for {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		left := max(time.Until(end), 0)
		n, err := unix.Poll(poll, int(left/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, unix.ETIMEDOUT
		}
		return unix.Read(fd, b)
	}
}

func (linux) close(fd int) error { return unix.Close(fd) }
