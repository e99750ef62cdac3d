//go:build linux && cgo

package alsa

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/edgecam/edgecam/hal"
	"github.com/gen2brain/malgo"
	"golang.org/x/sys/unix"
)

// Driver finds and opens sound cards. It implements [hal.SoundDriver] and is
// safe for concurrent use.
type Driver struct {
	log     *slog.Logger
	sys     string // "/sys"
	dev     string // "/dev"
	backend malgo.Backend
	closing time.Duration

	mu      sync.Mutex
	ctx     *malgo.AllocatedContext
	streams []*stream // those that are open
}

var _ hal.SoundDriver = (*Driver)(nil)

// New returns the driver. A nil log discards.
func New(log *slog.Logger) *Driver {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Driver{log: log, sys: "/sys", dev: "/dev", backend: malgo.BackendAlsa, closing: closing}
}

// context returns miniaudio's context, made at first use. It lives as long as
// the process: malgo leaks part of every one.
func (d *Driver) context() (*malgo.AllocatedContext, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx != nil {
		return d.ctx, nil
	}
	ctx, err := malgo.InitContext([]malgo.Backend{d.backend}, malgo.ContextConfig{}, d.message)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errNoLibrary, err)
	}
	d.ctx = ctx
	return ctx, nil
}

// message takes miniaudio's log. It runs on audio threads too: no allocation,
// no waiting. Only overruns are of interest; failures come as results.
func (d *Driver) message(text string) {
	if !strings.HasPrefix(text, "EPIPE (read)") {
		return
	}
	tid := int32(unix.Gettid())
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.streams {
		if s.thread.Load() == tid {
			s.overrun()
		}
	}
}

func (d *Driver) register(s *stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.streams = append(d.streams, s)
}

func (d *Driver) unregister(s *stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.streams = slices.DeleteFunc(d.streams, func(o *stream) bool { return o == s })
}

// Cards lists the sound cards, by card number, each followed by its further
// PCM devices. A card that is there but cannot be used has a Problem. Rates
// are left out of cards that are in use.
func (d *Driver) Cards(ctx context.Context) ([]hal.CardInfo, error) {
	ma, noLibrary := d.context()
	all := d.cards()
	var out []hal.CardInfo
	for _, c := range all {
		if err := ctx.Err(); err != nil {
			return nil, ended("list cards", d.sys, err)
		}
		devices := slices.Concat(c.capture, c.playback)
		slices.Sort(devices)
		for i, dev := range slices.Compact(devices) {
			info := hal.CardInfo{
				ID: c.id, Name: c.name, Driver: c.driver, Problem: c.problem,
				Capture: slices.Contains(c.capture, dev), Playback: slices.Contains(c.playback, dev),
			}
			if i > 0 {
				info.ID = fmt.Sprintf("%s,%d", c.id, dev)
			} else {
				// The bare id opens the first device of either direction.
				info.Capture, info.Playback = len(c.capture) > 0, len(c.playback) > 0
			}
			switch {
			case info.Problem != "":
			case noLibrary != nil:
				info.Problem = noLibrary.Error()
			default:
				info.Rates = rates(ma, &c, dev, info.Capture)
			}
			out = append(out, info)
		}
	}
	d.markDefault(out)
	return out, nil
}

// markDefault marks the cards that an empty id opens.
func (d *Driver) markDefault(list []hal.CardInfo) {
	for _, capture := range []bool{true, false} {
		c, _, err := d.find("", capture)
		if err != nil {
			continue
		}
		for i := range list {
			if list[i].ID == c.id {
				list[i].IsDefault = true
			}
		}
	}
}

// rates asks miniaudio for the sample rates of a PCM device, in hertz. That
// opens the device for a moment; one in use has none to tell.
func rates(ma *malgo.AllocatedContext, c *card, device int, capture bool) []int {
	kind := malgo.Playback
	if capture {
		kind = malgo.Capture
	}
	// miniaudio knows its own listing's names alone here, which have indices.
	info, err := ma.DeviceInfo(kind, deviceID(fmt.Sprintf(":%d,%d", c.number, device)), malgo.Shared)
	if err != nil {
		return nil
	}
	var out []int
	for _, f := range info.Formats {
		if f.SampleRate > 0 {
			out = append(out, int(f.SampleRate))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func deviceID(name string) (id malgo.DeviceID) {
	copy(id[:len(id)-1], name)
	return id
}

// OpenMicrophone opens a card for capture by its id, "id,device", or "" for
// the first usable.
func (d *Driver) OpenMicrophone(ctx context.Context, id string) (hal.Microphone, error) {
	m := &Microphone{blocks: newRing(captureRing), lossAfter: -1}
	s, err := d.open(ctx, id, malgo.Capture, m.data)
	if err != nil {
		return nil, err
	}
	m.stream = s
	m.mixer = openMixer(d.dev, s.card.number)
	s.onOverrun = m.lost
	if err := s.start(); err != nil {
		return nil, err
	}
	return m, nil
}

// OpenSpeaker opens a card for playback by its id, "id,device", or "" for the
// first usable.
func (d *Driver) OpenSpeaker(ctx context.Context, id string) (hal.Speaker, error) {
	p := &Speaker{blocks: newRing(playbackRing)}
	s, err := d.open(ctx, id, malgo.Playback, p.data)
	if err != nil {
		return nil, err
	}
	p.stream = s
	if err := s.start(); err != nil {
		return nil, err
	}
	return p, nil
}
