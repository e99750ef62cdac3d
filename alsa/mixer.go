//go:build linux && cgo && (amd64 || arm64)

package alsa

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"github.com/edgecam/edgecam/hal"
	"golang.org/x/sys/unix"
)

// The control interface's structures, as <sound/asound.h> lays them out for
// 64-bit programs.
type (
	elemID struct {
		numID, iface, device, subdevice uint32
		name                            [44]byte
		index                           uint32
	}
	elemList struct {
		offset, space, used, count uint32
		ids                        *elemID
		_                          [56]byte
	}
	elemInfo struct {
		id                         elemID
		kind, access, count, owner uint32
		min, max, step             int64
		_                          [104]byte
		_                          [64]byte
	}
	elemValue struct {
		id       elemID
		indirect uint32
		_        uint32
		value    [128]int64
		_        [128]byte
	}
	elemTLV struct {
		numID, length uint32
		words         [64]uint32
	}
)

const (
	ifaceMixer, kindInteger                = 2, 2
	accessRead, accessWrite, accessTLVRead = 1, 2, 1 << 4
	maxElements                            = 1024

	tlvContainer, tlvScale, tlvMinMax, tlvMinMaxMute = 0, 1, 4, 5
)

func iowr(number, size uintptr) uintptr { return 3<<30 | size<<16 | 'U'<<8 | number }

var (
	ioctlElemList  = iowr(0x10, unsafe.Sizeof(elemList{}))
	ioctlElemInfo  = iowr(0x11, unsafe.Sizeof(elemInfo{}))
	ioctlElemRead  = iowr(0x12, unsafe.Sizeof(elemValue{}))
	ioctlElemWrite = iowr(0x13, unsafe.Sizeof(elemValue{}))
	ioctlTLVRead   = iowr(0x1a, 8) // struct snd_ctl_tlv without its words
)

// control makes one request of a card's control device.
type control func(request uintptr, data unsafe.Pointer) error

// mixer is a card's capture volume, with its scale in decibels.
type mixer struct {
	ctl          control
	file         *os.File
	id           elemID
	channels     int
	min, max     int64 // in the card's units
	minCB, maxCB int
	now          elemValue
}

// openMixer finds the capture volume of a card; nil if it has none whose scale
// is known.
func openMixer(dev string, card int) *mixer {
	f, err := os.OpenFile(filepath.Join(dev, "snd", fmt.Sprintf("controlC%d", card)), os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	m := &mixer{file: f}
	m.ctl = func(request uintptr, data unsafe.Pointer) error {
		raw, err := f.SyscallConn()
		if err != nil {
			return err
		}
		var errno syscall.Errno
		if err := raw.Control(func(fd uintptr) { _, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(data)) }); err != nil {
			return err
		}
		if errno != 0 {
			return errno
		}
		return nil
	}
	if !m.find() {
		m.close()
		return nil
	}
	return m
}

func (m *mixer) close() {
	if m != nil && m.file != nil {
		_ = m.file.Close() // nothing was buffered
	}
}

// find takes the first capture volume; a microphone's before others.
func (m *mixer) find() bool {
	list := elemList{}
	if m.ctl(ioctlElemList, unsafe.Pointer(&list)) != nil || list.count == 0 {
		return false
	}
	ids := make([]elemID, min(list.count, maxElements))
	list = elemList{space: uint32(len(ids)), ids: &ids[0]}
	if m.ctl(ioctlElemList, unsafe.Pointer(&list)) != nil {
		return false
	}
	for _, wanted := range []string{"Mic", "Capture", ""} {
		for _, id := range ids[:min(int(list.used), len(ids))] {
			name := unix.ByteSliceToString(id.name[:])
			if id.iface == ifaceMixer && strings.HasSuffix(name, "Capture Volume") && strings.HasPrefix(name, wanted) && m.use(id) {
				return true
			}
		}
	}
	return false
}

// use takes an element if it is a volume with a scale.
func (m *mixer) use(id elemID) bool {
	info := elemInfo{id: id}
	const access = accessRead | accessWrite | accessTLVRead
	if m.ctl(ioctlElemInfo, unsafe.Pointer(&info)) != nil || info.kind != kindInteger || info.access&access != access ||
		info.max <= info.min || info.count == 0 || int(info.count) > len(m.now.value) {
		return false
	}
	tlv := elemTLV{numID: info.id.numID}
	tlv.length = uint32(unsafe.Sizeof(tlv.words))
	if m.ctl(ioctlTLVRead, unsafe.Pointer(&tlv)) != nil {
		return false
	}
	minCB, maxCB, ok := scale(tlv.words[:], info.max-info.min)
	if !ok {
		return false
	}
	m.id, m.channels, m.min, m.max, m.minCB, m.maxCB = info.id, int(info.count), info.min, info.max, minCB, maxCB
	return true
}

// scale reads the range in centibels of a volume of so many steps from its
// type-length-value description, whose unit is 0.01 dB.
func scale(words []uint32, steps int64) (minCB, maxCB int, ok bool) {
	if len(words) < 4 {
		return 0, 0, false
	}
	kind, length := words[0], words[1]
	switch kind {
	case tlvContainer:
		return scale(words[2:], steps)
	case tlvScale:
		least := int64(int32(words[2]))
		most := least + int64(words[3]&0xFFFF)*steps
		minCB, maxCB = int(least/10), int(most/10)
	case tlvMinMax, tlvMinMaxMute:
		minCB, maxCB = int(int32(words[2])/10), int(int32(words[3])/10)
	default:
		return 0, 0, false
	}
	return minCB, maxCB, length >= 8 && minCB < maxCB && minCB >= -12000 && maxCB <= 12000
}

var errNoGain = errors.New("alsa: the card has no capture volume with a known scale")

// GainRange returns the range of the card's capture volume in centibels.
func (m *Microphone) GainRange() (minCB, maxCB int, ok bool) {
	if m.mixer == nil {
		return 0, 0, false
	}
	return m.mixer.minCB, m.mixer.maxCB, true
}

// Gain returns the card's capture volume in centibels.
func (m *Microphone) Gain() (int, error) {
	x := m.mixer
	if x == nil {
		return 0, &hal.Error{Op: "get gain", Path: m.path, Kind: hal.Unsupported, Err: errNoGain}
	}
	x.now = elemValue{id: x.id}
	if err := x.ctl(ioctlElemRead, unsafe.Pointer(&x.now)); err != nil {
		return 0, fail("get gain", m.path, err)
	}
	return x.minCB + int((x.now.value[0]-x.min)*int64(x.maxCB-x.minCB)/(x.max-x.min)), nil
}

// SetGain sets the card's capture volume on all channels.
func (m *Microphone) SetGain(cB int) error {
	x := m.mixer
	if x == nil {
		return &hal.Error{Op: "set gain", Path: m.path, Kind: hal.Unsupported, Err: errNoGain}
	}
	x.now = elemValue{id: x.id}
	span := int64(x.maxCB - x.minCB)
	v := x.min + (int64(min(max(cB, x.minCB), x.maxCB)-x.minCB)*(x.max-x.min)+span/2)/span
	for i := range x.channels {
		x.now.value[i] = v
	}
	if err := x.ctl(ioctlElemWrite, unsafe.Pointer(&x.now)); err != nil {
		return fail("set gain", m.path, err)
	}
	return nil
}
