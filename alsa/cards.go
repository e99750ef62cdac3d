//go:build linux && cgo

package alsa

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// card is a sound card as the kernel shows it.
type card struct {
	number   int
	id       string
	name     string
	driver   string
	problem  string
	capture  []int // PCM device numbers
	playback []int
}

// cards lists the machine's cards by number.
func (d *Driver) cards() []card {
	dirs, err := filepath.Glob(filepath.Join(d.sys, "class/sound/card[0-9]*"))
	if err != nil {
		return nil // the pattern is constant and well formed
	}
	var out []card
	for _, dir := range dirs {
		n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), "card"))
		if err != nil {
			continue
		}
		id, err := os.ReadFile(filepath.Join(dir, "id"))
		if err != nil {
			continue // just unplugged
		}
		c := card{number: n, id: strings.TrimSpace(string(id))}
		c.capture, c.playback = d.pcms(n)
		d.describe(&c)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b card) int { return a.number - b.number })
	return out
}

// pcms lists the card's PCM devices: pcmC<card>D<device>c and ...p.
func (d *Driver) pcms(number int) (capture, playback []int) {
	prefix := fmt.Sprintf("pcmC%dD", number)
	entries, err := os.ReadDir(filepath.Join(d.sys, "class/sound"))
	if err != nil {
		return nil, nil
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok || len(rest) < 2 {
			continue
		}
		dev, err := strconv.Atoi(rest[:len(rest)-1])
		if err != nil {
			continue
		}
		switch rest[len(rest)-1] {
		case 'c':
			capture = append(capture, dev)
		case 'p':
			playback = append(playback, dev)
		}
	}
	slices.Sort(capture)
	slices.Sort(playback)
	return capture, playback
}

// cardInfo is struct snd_ctl_card_info.
type cardInfo struct {
	card       int32
	_          int32
	id         [16]byte
	driver     [16]byte
	name       [32]byte
	longName   [80]byte
	_          [16]byte
	mixerName  [80]byte
	components [128]byte
}

// ioctlCardInfo is SNDRV_CTL_IOCTL_CARD_INFO, _IOR('U', 0x01, struct snd_ctl_card_info).
const ioctlCardInfo = 2<<30 | unsafe.Sizeof(cardInfo{})<<16 | 'U'<<8 | 0x01

// describe asks the card's control device for its names.
func (d *Driver) describe(c *card) {
	c.name, c.driver = c.id, "alsa"
	path := filepath.Join(d.dev, "snd", fmt.Sprintf("controlC%d", c.number))
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		c.problem = fail("open", path, err).Err.Error()
		return
	}
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	var info cardInfo
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, ioctlCardInfo, uintptr(unsafe.Pointer(&info)))
	})
	if err != nil || errno != 0 {
		return // the id has to do for a name
	}
	c.name = unix.ByteSliceToString(info.name[:])
	c.driver = unix.ByteSliceToString(info.driver[:])
}

// rank orders cards for "the first usable": real microphones and speakers
// before monitors' sound, and that before the kernel's virtual cards.
func (c *card) rank() int {
	name := strings.ToLower(c.id + " " + c.driver + " " + c.name)
	switch {
	case strings.Contains(name, "loopback"), strings.Contains(name, "dummy"):
		return 2
	case strings.Contains(name, "hdmi"), strings.Contains(name, "displayport"):
		return 1
	}
	return 0
}

// split parses an ID, "card" or "card,device"; device is -1 if not given.
func split(id string) (name string, device int, err error) {
	name, dev, given := strings.Cut(id, ",")
	device = -1
	if given {
		if device, err = strconv.Atoi(dev); err != nil || device < 0 {
			return "", 0, errNoCard
		}
	}
	return name, device, nil
}

// find returns the card and PCM device that an ID means in one direction: the
// named device, else the card's first; for "" the first card that has one.
func (d *Driver) find(id string, capture bool) (card, int, error) {
	name, device, err := split(id)
	if err != nil {
		return card{}, 0, err
	}
	all := d.cards()
	if name == "" {
		slices.SortStableFunc(all, func(a, b card) int { return a.rank() - b.rank() })
	}
	err = errNoCard
	for _, c := range all {
		if name != "" && c.id != name {
			continue
		}
		devices := c.playback
		if capture {
			devices = c.capture
		}
		switch {
		case len(devices) == 0 || device >= 0 && !slices.Contains(devices, device):
			if name != "" {
				err = errDirection
			}
			continue
		case name == "" && c.problem != "":
			continue
		case device < 0:
			device = devices[0]
		}
		return c, device, nil
	}
	return card{}, 0, err
}

// present reports whether the card is still plugged in under its number.
func (d *Driver) present(c *card) bool {
	id, err := os.ReadFile(filepath.Join(d.sys, "class/sound", fmt.Sprintf("card%d", c.number), "id"))
	return err == nil && strings.TrimSpace(string(id)) == c.id
}
