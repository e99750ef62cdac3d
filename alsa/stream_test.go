//go:build linux && cgo

package alsa

import (
	"context"
	"errors"
	"testing"
	"time"
	"unsafe"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
	"github.com/gen2brain/malgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a microphone and a speaker without a device: the test is the audio
// thread.
func bench(t *testing.T) (*Driver, *Microphone, *Speaker) {
	t.Helper()
	d := machine(t)
	d.plug(t, 0, "Device", "0c", "0p")
	c := d.cards()[0]
	m := &Microphone{blocks: newRing(captureRing), lossAfter: -1, stream: newStream(d, c, "mic")}
	p := &Speaker{blocks: newRing(playbackRing), stream: newStream(d, c, "speaker")}
	return d, m, p
}

func bytesOf(s []int16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), 2*len(s))
}

func (m *Microphone) deliver(s []int16) { m.data(nil, bytesOf(s), uint32(len(s))); m.notify() }

func TestMicrophoneBlocks(t *testing.T) {
	_, m, _ := bench(t)
	in := make([]int16, 1000)
	for i := range in {
		in[i] = int16(i)
	}
	// Periods of a card need not be those of the engine.
	m.deliver(in[:300])
	m.deliver(in[300:1000])
	var b media.Block
	for k := range 2 {
		if err := m.Read(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if b.Samples[0] != int16(k*480) || b.Samples[479] != int16(k*480+479) {
			t.Errorf("block %d holds %d to %d", k, b.Samples[0], b.Samples[479])
		}
		age := time.Since(b.CapturedAt)
		want := span(1000 - k*480)
		if age < want || age > want+2*time.Second {
			t.Errorf("block %d is %v old, want %v", k, age, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantKind(t, m.Read(ctx, &b), hal.Timeout)
}

func TestCaptureClock(t *testing.T) {
	m := &Microphone{}
	start := time.Now()
	// The thread comes 0 to 9 ms late; the clock must not.
	late := []time.Duration{3e6, 0, 9e6, 1e6, 8e6, 0, 2e6, 7e6, 0, 5e6}
	for i := range 500 {
		now := start.Add(time.Duration(i) * 10 * time.Millisecond)
		m.stamp(now.Add(late[i%len(late)]), 10*time.Millisecond)
		if off := m.newest.Sub(now); i > 20 && (off < 0 || off > time.Millisecond) {
			t.Fatalf("after %d periods the clock is off by %v", i, off)
		}
	}
	// A card that stood still for a second starts a new time.
	now := start.Add(6 * time.Second)
	m.stamp(now, 10*time.Millisecond)
	if m.newest != now {
		t.Errorf("the clock is off by %v after a pause", m.newest.Sub(now))
	}
}

// Blocks stay in order when the clock turns out to be ahead: a late thread
// fetches several periods at once.
func TestStampsStayInOrder(t *testing.T) {
	_, m, _ := bench(t)
	period := make([]int16, 480)
	var b media.Block
	m.deliver(period)
	if err := m.Read(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	m.newest = m.newest.Add(-time.Second) // as after a long pause: set anew
	for range 6 {
		m.deliver(period)
	}
	last := b.CapturedAt
	for i := range 6 {
		if err := m.Read(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if !b.CapturedAt.After(last) || b.CapturedAt.After(time.Now()) {
			t.Errorf("block %d is %v after the one before, %v old", i, b.CapturedAt.Sub(last), time.Since(b.CapturedAt))
		}
		last = b.CapturedAt
	}
}

func TestOverrunIsReportedAtItsPlace(t *testing.T) {
	_, m, _ := bench(t)
	var b media.Block
	// The card loses samples while two blocks wait in the ring.
	m.deliver(make([]int16, 2*480))
	m.lost()
	m.deliver(make([]int16, 2*480))
	for i, want := range []bool{false, false, true, false} {
		err := m.Read(t.Context(), &b)
		if lost := hal.KindOf(err) == hal.Overrun; lost != want || !lost && err != nil {
			t.Errorf("block %d: %v", i, err)
		}
	}
	// A reader that sleeps loses the oldest, and is told at once.
	in := make([]int16, 480)
	for i := range 13 {
		in[0] = int16(i)
		m.deliver(in)
	}
	wantKind(t, m.Read(t.Context(), &b), hal.Overrun)
	if b.Samples[0] != 3 {
		t.Errorf("block %d comes first, want 3: the block is to be filled in spite of the overrun", b.Samples[0])
	}
	if err := m.Read(t.Context(), &b); err != nil || b.Samples[0] != 4 {
		t.Errorf("then %d, %v", b.Samples[0], err)
	}
	if m.Overruns() != 4 {
		t.Errorf("%d overruns counted, want 4", m.Overruns())
	}
}

func TestSpeakerIsPacedByTheCard(t *testing.T) {
	_, _, p := bench(t)
	var b media.Block
	for i := range b.Samples {
		b.Samples[i] = 7
	}
	for range 3 {
		if err := p.Write(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantKind(t, p.Write(ctx, &b), hal.Timeout)
	if d := p.Delay(); d != 60*time.Millisecond {
		t.Errorf("delay %v with a full ring and an untouched card, want 60ms", d)
	}
	out := make([]int16, 480)
	p.data(bytesOf(out), nil, 480)
	if out[0] != 7 || out[479] != 7 {
		t.Error("the card did not get the samples")
	}
	if err := p.Write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	big := make([]int16, 4*480)
	p.data(bytesOf(big), nil, 4*480)
	if big[3*480-1] != 7 || big[3*480] != 0 || p.Underruns() != 1 || p.Silence() != uint64(len(big)-3*480) {
		t.Errorf("%d, %d, %d underruns; want samples, then silence, one underrun", big[3*480-1], big[3*480], p.Underruns())
	}
}

func TestUnplug(t *testing.T) {
	d, m, p := bench(t)
	var b media.Block
	for range 3 {
		if err := p.Write(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	d.unplug(t, 0)
	start := time.Now()
	wantKind(t, m.Read(t.Context(), &b), hal.Gone)
	wantKind(t, p.Write(t.Context(), &b), hal.Gone)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("noticed after %v", took)
	}
	// Another card under the same number is not this one.
	d.plug(t, 0, "Other", "0c")
	wantKind(t, m.Read(t.Context(), &b), hal.Gone)
	d.plug(t, 0, "Device", "0c")
	m.stopped.Store(true) // the audio thread ended though the card is there
	m.notify()
	wantKind(t, m.Read(t.Context(), &b), hal.Timeout)
}

func TestNoAllocations(t *testing.T) {
	_, m, p := bench(t)
	var b media.Block
	in := make([]int16, 480)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if n := testing.AllocsPerRun(200, func() {
		m.deliver(in)
		if err := m.Read(ctx, &b); err != nil {
			t.Fatal(err)
		}
		if err := p.Write(ctx, &b); err != nil {
			t.Fatal(err)
		}
		p.data(bytesOf(in), nil, 480)
	}); n != 0 {
		t.Errorf("%v allocations per block", n)
	}
}

// The null device proves the path through miniaudio: its thread, its
// converter, its clock.
func TestNullDevice(t *testing.T) {
	d := machine(t)
	d.plug(t, 0, "Device", "0c", "0p")
	mic, err := d.OpenMicrophone(t.Context(), "Device")
	if err != nil {
		t.Fatal(err)
	}
	speaker, err := d.OpenSpeaker(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var b media.Block
	start := time.Now()
	const blocks = 40
	for i := range blocks {
		if err := mic.Read(t.Context(), &b); err != nil && hal.KindOf(err) != hal.Overrun {
			t.Fatalf("block %d: %v", i, err)
		}
		if err := speaker.Write(t.Context(), &b); err != nil {
			t.Fatalf("block %d: %v", i, err)
		}
	}
	if took := time.Since(start); took < blocks*10*time.Millisecond-150*time.Millisecond {
		t.Errorf("%d blocks in %v: not at the pace of a clock", blocks, took)
	}
	if delay := speaker.Delay(); delay < 0 || delay > 60*time.Millisecond {
		t.Errorf("delay %v", delay)
	}
	waiting := make(chan error, 1)
	go func() {
		var b media.Block
		for {
			if err := mic.Read(context.Background(), &b); err != nil && hal.KindOf(err) != hal.Overrun {
				waiting <- err
				return
			}
		}
	}()
	time.Sleep(20 * time.Millisecond)
	for range 2 {
		if err := errors.Join(mic.Close(), speaker.Close()); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	select {
	case err := <-waiting:
		if !errors.Is(err, hal.ErrClosed) {
			t.Errorf("Read during Close = %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Read did not return after Close")
	}
	if err := speaker.Write(context.Background(), &b); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("Write after Close = %v", err)
	}
	if len(d.streams) != 0 {
		t.Errorf("%d streams left registered", len(d.streams))
	}
}

// An audio thread that does not end must not hold up Close.
func TestCloseGivesUpAStuckThread(t *testing.T) {
	d := machine(t)
	d.closing = 100 * time.Millisecond
	d.plug(t, 0, "Device", "0c", "0p")
	release, inside := make(chan struct{}), make(chan struct{}, 1)
	s, err := d.open(t.Context(), "Device", malgo.Capture, func(_, _ []byte, _ uint32) {
		select {
		case inside <- struct{}{}:
		default:
		}
		<-release
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	<-inside
	start := time.Now()
	wantKind(t, s.close(), hal.Timeout)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("Close took %v", took)
	}
	close(release) // lets the goroutine that waits for miniaudio end
}
