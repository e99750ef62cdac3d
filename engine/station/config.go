// Package station is the indoor station: it calls a node (or any WHEP server) as
// a viewer, plays its voice, shows and records its picture, sends the own voice,
// hears the bell and opens the door. Two nodes make an intercom with it.
//
// A [Station] keeps one call at a time and calls again, with growing pauses,
// when it ends. Packets flow from the session through the jitter buffers to the
// devices:
//
//	session ─▶ video/jitter ─▶ vp8.Decoder ─▶ pixel ─▶ hal.Display, webm
//	session ─▶ neteq ─▶ hal.Speaker, opus, webm
//	hal.Microphone ─▶ voice.FrontEnd ─▶ codec ─▶ session
//
// Goroutines of a call: picture (owns the decoder and the display), playout
// (owns the speaker), microphone (owns the microphone); all end with it.
package station

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/engine/voice"
	"github.com/edgecam/edgecam/hal"
)

// Config sets a Station up.
type Config struct {
	// Dial says whom to call and what to offer; its hooks are the station's own.
	Dial whep.DialOptions
	// Talking sends the microphone from the start; otherwise SetTalking does.
	Talking bool
	// Once ends Run when the first call ends, instead of calling again.
	Once bool
	// MinDelay and MaxDelay bound the picture's playout delay; both 0: as the
	// sender asks, at most 500 ms.
	MinDelay, MaxDelay time.Duration
	// Threads that decode; 0: one.
	Threads int
	// Record receives a recording as WebM; nil: none. The station does not close
	// it.
	Record io.WriteSeeker
	// FrontEnd is what the microphone's signal goes through before it is coded:
	// with its echo cancellation, speaker and microphone may be in one box. It is
	// the station's alone while it runs; nil: none.
	FrontEnd *voice.FrontEnd
	// OnEvent is told what happens; it must not block.
	OnEvent func(Event)
	// RetryFirst and RetryMost are the pauses before calling again: 500 ms and
	// 30 s if 0.
	RetryFirst, RetryMost time.Duration
}

// Devices open the station's devices; nil functions mean that it has none.
type Devices struct {
	Speaker    func(ctx context.Context) (hal.Speaker, error)
	Microphone func(ctx context.Context) (hal.Microphone, error)
	Display    func(ctx context.Context) (hal.Display, error)
}

// Event is something that happened.
type Event struct {
	// Type is "connected", "disconnected", "failed", "picture" (the first of a
	// call), "ring", "motion", "state", "talk-refused" or "waiting" (to call again).
	Type string    `json:"event"`
	At   time.Time `json:"at"`
	// Text says more, for people; Err is the error behind it, if any.
	Text string `json:"text,omitempty"`
	Err  error  `json:"-"`
	// State is the node's, with Type "state".
	State *NodeState `json:"state,omitempty"`
}

// NodeState is what a node tells of itself (docs/data-channel.md).
type NodeState struct {
	Viewers int     `json:"viewers"`
	Talker  *string `json:"talker"`
	Door    string  `json:"door,omitempty"`
	Camera  bool    `json:"camera"`
	You     string  `json:"you,omitempty"`
}

// ErrConfig is wrapped by errors about a Config that cannot be.
var ErrConfig = errors.New("station: configuration")

// ErrNotConnected says that there is no call, or no data channel in it.
var ErrNotConnected = errors.New("station: not connected")

// ErrRefused is wrapped by errors about what the node would not do.
var ErrRefused = errors.New("station: refused by the node")

func (c Config) withDefaults() (Config, error) {
	if c.Dial.URL == "" {
		return c, fmt.Errorf("%w: no address to call", ErrConfig)
	}
	if c.MinDelay < 0 || c.MaxDelay < 0 || c.MaxDelay > 0 && c.MinDelay > c.MaxDelay {
		return c, fmt.Errorf("%w: delay %v to %v", ErrConfig, c.MinDelay, c.MaxDelay)
	}
	if c.MaxDelay == 0 && c.MinDelay > 0 {
		c.MaxDelay = c.MinDelay
	}
	if c.RetryFirst <= 0 {
		c.RetryFirst = 500 * time.Millisecond
	}
	if c.RetryMost <= 0 {
		c.RetryMost = 30 * time.Second
	}
	if c.OnEvent == nil {
		c.OnEvent = func(Event) {}
	}
	return c, nil
}
