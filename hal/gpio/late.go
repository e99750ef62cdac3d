package gpio

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// chipInfo and lineInfo are structures of the GPIO interface (linux/gpio.h).
type chipInfo struct {
	name  [32]byte
	label [32]byte
	lines uint32
}

type lineInfo struct {
	name     [32]byte
	consumer [32]byte
	offset   uint32
	numAttrs uint32
	flags    uint64
	attrs    [10]struct {
		id, _ uint32
		value uint64
	}
	_ [4]uint32
}

const (
	ioctlChipInfo = 2<<30 | unsafe.Sizeof(chipInfo{})<<16 | 0xb4<<8 | 0x01
	ioctlLineInfo = readWrite | unsafe.Sizeof(lineInfo{})<<16 | 0xb4<<8 | 0x05
	// maxLines bounds what is taken of a chip's word.
	maxLines = 4096
)

// present returns the chips that are there now: those that periph has read, which
// it does once in a process, and those that came later or are others by now.
func present(known []chip, pattern string, read func(path string, known *chip) (chip, error)) []chip {
	nodes, err := filepath.Glob(pattern)
	if err != nil {
		return known // the pattern is constant and well formed
	}
	var out []chip
	for _, path := range nodes {
		if target, err := os.Readlink(path); err == nil && target != "" {
			continue // another name of a chip that is there
		}
		i := slices.IndexFunc(known, func(c chip) bool { return c.path == path })
		var old *chip
		if i >= 0 {
			old = &known[i]
		}
		c, err := read(path, old)
		switch {
		case err == nil:
			out = append(out, c)
		case old != nil && os.IsPermission(err):
			out = append(out, *old)
		}
	}
	return out
}

// readChip asks the kernel for a chip; known is returned if it is still that.
func readChip(path string, known *chip) (chip, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return chip{}, err
	}
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return chip{}, err
	}
	var info chipInfo
	if err := control(raw, ioctlChipInfo, unsafe.Pointer(&info)); err != nil {
		return chip{}, err
	}
	c := chip{name: filepath.Base(path), label: unix.ByteSliceToString(info.label[:]), path: path}
	if known != nil && known.label == c.label && len(known.lines) == int(info.lines) {
		return *known, nil
	}
	for offset := range min(info.lines, maxLines) {
		l := lineInfo{offset: offset}
		if err := control(raw, ioctlLineInfo, unsafe.Pointer(&l)); err != nil {
			return chip{}, err
		}
		c.lines = append(c.lines, strings.TrimSpace(unix.ByteSliceToString(l.name[:])))
	}
	return c, nil
}
