package haltest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// Sound checks a driver by the card with that id, which nobody else uses: what
// Cards says the card can do is tried.
func Sound(t *testing.T, driver hal.SoundDriver, id string) {
	t.Helper()
	cards, err := driver.Cards(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	var card *hal.CardInfo
	for i := range cards {
		if cards[i].ID == id {
			card = &cards[i]
		}
	}
	if card == nil {
		t.Fatalf("card %q is not among %+v", id, cards)
	}
	if card.Name == "" || card.Driver == "" {
		t.Errorf("incomplete entry %+v", *card)
	}
	if card.Capture {
		t.Run("microphone", func(t *testing.T) { soundMicrophone(t, driver, id) })
	}
	if card.Playback {
		t.Run("speaker", func(t *testing.T) { soundSpeaker(t, driver, id) })
	}
	t.Run("unknown id", func(t *testing.T) {
		leaks(t)
		_, err := driver.OpenMicrophone(limited(t), "no-such-card-0")
		unknown(t, err)
	})
}

// pace checks that n blocks took about as long as they last.
func pace(t *testing.T, n int, took time.Duration) {
	t.Helper()
	want := time.Duration(n) * media.BlockDuration
	if took < want/2 || took > 3*want+200*time.Millisecond {
		t.Errorf("%d blocks took %v, they last %v", n, took, want)
	}
}

func soundMicrophone(t *testing.T, driver hal.SoundDriver, id string) {
	open := func(t *testing.T) hal.Microphone {
		t.Helper()
		m, err := driver.OpenMicrophone(limited(t), id)
		if err != nil {
			t.Fatalf("open %q: %v", id, err)
		}
		t.Cleanup(func() { _ = m.Close() })
		return m
	}
	t.Run("blocks", func(t *testing.T) {
		leaks(t)
		m := open(t)
		var b media.Block
		var last, begin time.Time
		const n = 40
		for i := range n + 10 {
			if err := m.Read(limited(t), &b); err != nil && hal.KindOf(err) != hal.Overrun {
				t.Fatal(err)
			}
			if i > 0 && !b.CapturedAt.After(last) {
				t.Errorf("block captured at %v follows one of %v", b.CapturedAt, last)
			}
			if age := time.Since(b.CapturedAt); age < 0 || age > deviceLimit {
				t.Errorf("block is %v old", age)
			}
			last = b.CapturedAt
			if i == 9 { // the first blocks may come in a burst
				begin = time.Now()
			}
		}
		pace(t, n, time.Since(begin))
	})
	t.Run("close while reading", func(t *testing.T) {
		leaks(t)
		m := open(t)
		var b media.Block
		call := func() error { return ignoreOverrun(m.Read(context.Background(), &b)) }
		closedError(t, endedBy(t, call, func() { _ = m.Close() }))
		if err := m.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
		closedError(t, m.Read(limited(t), &b))
	})
	t.Run("cancel and reopen", func(t *testing.T) {
		leaks(t)
		m := open(t)
		var b media.Block
		cancelled(t, func(ctx context.Context) error { return ignoreOverrun(m.Read(ctx, &b)) })
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := ignoreOverrun(open(t).Read(limited(t), &b)); err != nil {
			t.Errorf("read after reopening: %v", err)
		}
	})
}

func ignoreOverrun(err error) error {
	if hal.KindOf(err) == hal.Overrun {
		return nil
	}
	return err
}

func soundSpeaker(t *testing.T, driver hal.SoundDriver, id string) {
	open := func(t *testing.T) hal.Speaker {
		t.Helper()
		s, err := driver.OpenSpeaker(limited(t), id)
		if err != nil {
			t.Fatalf("open %q: %v", id, err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	var b media.Block
	for i := range b.Samples { // 500 Hz, quiet: people may sit beside the device
		b.Samples[i] = int16(600 * math.Sin(2*math.Pi*500*float64(i)/media.EngineRateHz))
	}
	t.Run("pace", func(t *testing.T) {
		leaks(t)
		s := open(t)
		const n = 40
		for range 30 { // fill the device's buffer
			if err := ignoreOverrun(s.Write(limited(t), &b)); err != nil {
				t.Fatal(err)
			}
		}
		begin := time.Now()
		for range n {
			if err := ignoreOverrun(s.Write(limited(t), &b)); err != nil {
				t.Fatal(err)
			}
		}
		pace(t, n, time.Since(begin))
		if d := s.Delay(); d <= 0 || d > time.Second {
			t.Errorf("delay with a full buffer is %v", d)
		}
	})
	t.Run("close while writing", func(t *testing.T) {
		leaks(t)
		s := open(t)
		call := func() error { return ignoreOverrun(s.Write(context.Background(), &b)) }
		closedError(t, endedBy(t, call, func() { _ = s.Close() }))
		if err := s.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
		closedError(t, s.Write(limited(t), &b))
	})
	t.Run("cancel and reopen", func(t *testing.T) {
		leaks(t)
		s := open(t)
		cancelled(t, func(ctx context.Context) error { return ignoreOverrun(s.Write(ctx, &b)) })
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := open(t).Write(limited(t), &b); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("write after reopening: %v", err)
		}
	})
}
