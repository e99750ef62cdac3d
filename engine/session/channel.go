package session

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/webrtc/v4"
)

const (
	// ChannelLabel is the label of the data channel that viewers open.
	ChannelLabel = "edgecam"
	// MaxMessageBytes bounds a message in either direction.
	MaxMessageBytes = 16 << 10
	// messageRate and messageBurst bound a viewer's messages; more are dropped.
	messageRate, messageBurst = 50, 100
	// sctpReceiveBuffer bounds what a viewer may have in flight to the node.
	sctpReceiveBuffer = 64 << 10
	// maxBuffered bounds what waits for a viewer that does not read.
	maxBuffered = 256 << 10
)

// channel is an open data channel.
type channel struct {
	dc  *webrtc.DataChannel
	raw datachannel.ReadWriteCloser
}

// openChannel takes the viewer's data channel; others are closed.
func (v *Viewer) openChannel(dc *webrtc.DataChannel) {
	dc.OnOpen(func() {
		raw, err := dc.Detach()
		if err != nil {
			v.log.Debug("data channel", "err", err)
			return
		}
		c := &channel{dc: dc, raw: raw}
		v.mu.Lock()
		take := dc.Label() == ChannelLabel && v.channel == nil && !v.closed
		if take {
			v.channel = c
		}
		v.mu.Unlock()
		if !take {
			v.log.Debug("refused data channel", "label_bytes", len(dc.Label()))
			_ = raw.Close()
			return
		}
		v.start(func() {
			if v.m.hooks.ChannelOpened != nil {
				v.m.hooks.ChannelOpened(v)
			}
			v.readChannel(c)
		})
	})
}

func (v *Viewer) readChannel(c *channel) {
	defer func() {
		v.mu.Lock()
		v.channel = nil
		v.mu.Unlock()
		_ = c.raw.Close()
	}()
	buf := make([]byte, MaxMessageBytes)
	limit := newRateLimit(messageRate, messageBurst)
	for {
		n, text, err := c.raw.ReadDataChannel(buf)
		if err != nil {
			// Among others: a message longer than the buffer, which the
			// viewer was told not to send (a=max-message-size).
			return
		}
		if !text || !limit.allow(time.Now()) {
			v.counters.messagesDropped.Add(1)
			continue
		}
		v.counters.messagesIn.Add(1)
		if v.m.hooks.Message != nil {
			v.m.hooks.Message(v, buf[:n])
		}
	}
}

// Send sends a text message over the viewer's data channel. It does not wait
// for the network: ErrTooSlow says that too much is waiting already. msg may be
// reused when it returns.
func (v *Viewer) Send(msg []byte) error {
	if len(msg) > MaxMessageBytes {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(msg), MaxMessageBytes)
	}
	v.mu.Lock()
	c, closed := v.channel, v.closed
	v.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case c == nil:
		return ErrNoChannel
	case c.dc.BufferedAmount()+uint64(len(msg)) > maxBuffered:
		v.counters.messagesDropped.Add(1)
		return ErrTooSlow
	}
	if _, err := c.raw.WriteDataChannel(msg, true); err != nil {
		return fmt.Errorf("session: send message: %w", err)
	}
	v.counters.messagesOut.Add(1)
	return nil
}

// Broadcast sends a text message to every viewer with an open data channel.
func (m *Manager) Broadcast(msg []byte) {
	for _, v := range m.list() {
		if err := v.Send(msg); err != nil && !errors.Is(err, ErrNoChannel) && !errors.Is(err, ErrClosed) {
			v.log.Debug("broadcast", "err", err)
		}
	}
}

// rateLimit is a token bucket.
type rateLimit struct {
	mu           sync.Mutex
	rate, tokens float64 // per second, now
	burst        float64
	last         time.Time
}

func newRateLimit(perSecond, burst float64) *rateLimit {
	return &rateLimit{rate: perSecond, burst: burst, tokens: burst}
}

func (l *rateLimit) allow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() {
		l.tokens = min(l.burst, l.tokens+now.Sub(l.last).Seconds()*l.rate)
	}
	l.last = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}
