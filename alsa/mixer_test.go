//go:build linux && cgo && (amd64 || arm64)

package alsa

import (
	"syscall"
	"testing"
	"unsafe"

	"github.com/edgecam/edgecam/hal"
)

// The sizes are part of the kernel's interface: they are in the request numbers.
func TestControlStructures(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"snd_ctl_elem_id", unsafe.Sizeof(elemID{}), 64},
		{"snd_ctl_elem_list", unsafe.Sizeof(elemList{}), 80},
		{"snd_ctl_elem_info", unsafe.Sizeof(elemInfo{}), 272},
		{"snd_ctl_elem_value", unsafe.Sizeof(elemValue{}), 1224},
		{"SNDRV_CTL_IOCTL_ELEM_LIST", ioctlElemList, 0xc0505510},
		{"SNDRV_CTL_IOCTL_ELEM_INFO", ioctlElemInfo, 0xc1105511},
		{"SNDRV_CTL_IOCTL_ELEM_READ", ioctlElemRead, 0xc4c85512},
		{"SNDRV_CTL_IOCTL_ELEM_WRITE", ioctlElemWrite, 0xc4c85513},
		{"SNDRV_CTL_IOCTL_TLV_READ", ioctlTLVRead, 0xc008551a},
	} {
		if c.got != c.want {
			t.Errorf("%s is %#x, want %#x", c.name, c.got, c.want)
		}
	}
}

func TestScale(t *testing.T) {
	neg := func(v int32) uint32 { return uint32(v) }
	for _, c := range []struct {
		name     string
		words    []uint32
		min, max int
		ok       bool
	}{
		{"scale", []uint32{1, 8, neg(-1200), 150}, -120, 330, true},
		{"scale with mute", []uint32{1, 8, 0, 75 | 1<<16}, 0, 225, true},
		{"range", []uint32{4, 8, neg(-1600), 2300}, -160, 230, true},
		{"range with mute", []uint32{5, 8, neg(-100), 900}, -10, 90, true},
		{"container", []uint32{0, 16, 4, 8, 0, 1200}, 0, 120, true},
		{"linear", []uint32{2, 8, 0, 1200}, 0, 0, false},
		{"upside down", []uint32{4, 8, 900, 100}, 0, 0, false},
		{"short", []uint32{4, 4, 900}, 0, 0, false},
		{"endless containers", make([]uint32, 64), 0, 0, false},
	} {
		lo, hi, ok := scale(c.words, 30)
		if ok != c.ok || ok && (lo != c.min || hi != c.max) {
			t.Errorf("%s: %d to %d, %v, want %d to %d, %v", c.name, lo, hi, ok, c.min, c.max, c.ok)
		}
	}
}

// fakeControl is a card with a playback volume and two capture volumes, of which
// the second is the microphone's.
type fakeControl struct {
	value [2]int64
	gone  bool
}

func (f *fakeControl) do(request uintptr, data unsafe.Pointer) error {
	if f.gone {
		return syscall.ENODEV
	}
	names := []string{"Speaker Playback Volume", "Line Capture Volume", "Mic Capture Volume", "Mic Capture Switch"}
	switch request {
	case ioctlElemList:
		l := (*elemList)(data)
		l.count = uint32(len(names))
		if l.space > 0 {
			for i, id := range unsafe.Slice(l.ids, l.space) {
				id.numID, id.iface = uint32(i+1), ifaceMixer
				copy(id.name[:], names[i])
				unsafe.Slice(l.ids, l.space)[i] = id
				l.used++
			}
		}
	case ioctlElemInfo:
		i := (*elemInfo)(data)
		i.kind, i.access, i.count, i.min, i.max = kindInteger, accessRead|accessWrite|accessTLVRead, 2, 0, 35
	case ioctlTLVRead:
		copy((*elemTLV)(data).words[:], []uint32{4, 8, uint32(0xFFFFFFFF - 1199), 2300})
	case ioctlElemRead, ioctlElemWrite:
		v := (*elemValue)(data)
		if v.id.numID != 3 {
			return syscall.EINVAL
		}
		if request == ioctlElemRead {
			copy(v.value[:], f.value[:])
		} else {
			copy(f.value[:], v.value[:])
		}
	}
	return nil
}

func TestCaptureGain(t *testing.T) {
	card := &fakeControl{}
	x := &mixer{ctl: card.do}
	if !x.find() {
		t.Fatal("the microphone's volume is not found")
	}
	m := &Microphone{stream: &stream{path: "hw:CARD=Fake"}, mixer: x}
	var _ hal.CaptureGain = m
	if lo, hi, ok := m.GainRange(); lo != -120 || hi != 230 || !ok {
		t.Errorf("range %d to %d, %v", lo, hi, ok)
	}
	for _, c := range []struct{ set, want int }{{0, 0}, {104, 100}, {-500, -120}, {900, 230}} {
		if err := m.SetGain(c.set); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Gain(); got != c.want || err != nil || card.value[0] != card.value[1] {
			t.Errorf("set to %d cB: %d, %v, channels %v; want %d on both", c.set, got, err, card.value, c.want)
		}
	}
	card.gone = true
	if err := m.SetGain(0); hal.KindOf(err) != hal.Gone {
		t.Errorf("a card that is gone: %v", err)
	}
	none := &Microphone{stream: &stream{path: "x"}}
	if _, _, ok := none.GainRange(); ok || hal.KindOf(none.SetGain(1)) != hal.Unsupported {
		t.Error("a card without a volume is not told")
	}
}
