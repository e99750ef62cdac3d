package guest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/alsa"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// What is played on the loop's first device is captured from its second.
const (
	loopOut = "Loopback"
	loopIn  = "Loopback,1"
)

func TestCards(t *testing.T) {
	list, err := alsa.New(logger(t)).Cards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		t.Logf("%+v", c)
	}
	if len(list) != 2 || list[0].ID != loopOut || list[1].ID != loopIn || !list[0].Capture || !list[0].Playback ||
		list[0].Problem != "" || !list[0].IsDefault || list[0].Name != "Loopback" {
		t.Errorf("cards %+v", list)
	}
	if len(list) > 0 && len(list[0].Rates) < 4 {
		t.Errorf("rates %v", list[0].Rates)
	}
}

func openMicrophone(t *testing.T, id string) *alsa.Microphone {
	t.Helper()
	m, err := alsa.New(logger(t)).OpenMicrophone(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m.(*alsa.Microphone)
}

func openSpeaker(t *testing.T, id string) *alsa.Speaker {
	t.Helper()
	p, err := alsa.New(logger(t)).OpenSpeaker(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p.(*alsa.Speaker)
}

// goertzel returns the amplitude of a frequency in the samples.
func goertzel(samples []int16, hz float64) float64 {
	w := 2 * math.Pi * hz / media.EngineRateHz
	var a, b float64
	for _, s := range samples {
		a, b = float64(s)+2*math.Cos(w)*a-b, a
	}
	re, im := a-b*math.Cos(w), b*math.Sin(w)
	return 2 * math.Hypot(re, im) / float64(len(samples))
}

// TestSoundLoop plays a tone from a known moment on and measures, at the other
// end of the loop, its level, purity, pace and delay.
func TestSoundLoop(t *testing.T) {
	speaker := openSpeaker(t, loopOut)
	mic := openMicrophone(t, loopIn)
	const silence, tone = 100, 200 // blocks
	type mark struct{ written, heard time.Time }
	var m mark
	var delay time.Duration
	played := make(chan error, 1)
	start := time.Now()
	go func() {
		var b media.Block
		for k := range silence + tone {
			if k == silence {
				m.written, delay = time.Now(), speaker.Delay()
			}
			if k >= silence {
				for i := range b.Samples {
					b.Samples[i] = int16(12000 * math.Sin(2*math.Pi*440*float64((k-silence)*media.BlockSamples+i)/media.EngineRateHz))
				}
			}
			if err := speaker.Write(t.Context(), &b); err != nil {
				played <- err
				return
			}
		}
		played <- nil
	}()
	var heard []int16
	var b media.Block
	overruns := 0
	for len(heard) < 100*media.BlockSamples && time.Since(start) < 20*time.Second {
		err := mic.Read(t.Context(), &b)
		if hal.KindOf(err) == hal.Overrun {
			overruns++
		} else if err != nil {
			t.Fatal(err)
		}
		for i, s := range b.Samples {
			if m.heard.IsZero() && abs(int(s)) > 1000 {
				m.heard = b.CapturedAt.Add(time.Duration(i) * time.Second / media.EngineRateHz)
			}
			if !m.heard.IsZero() {
				heard = append(heard, s)
			}
		}
	}
	took := time.Since(start)
	if err := <-played; err != nil {
		t.Fatal(err)
	}
	if len(heard) == 0 {
		t.Fatal("nothing was heard")
	}
	paced := time.Since(start)
	// The best 50 ms: emulated time has hiccups.
	best := 0.0
	const window = 5 * media.BlockSamples
	for i := 0; i+window <= len(heard); i += media.BlockSamples {
		best = max(best, goertzel(heard[i:i+window], 440))
	}
	t.Logf("440 Hz at %.0f of 12000; %d overruns, %d underruns; read in %v, written in %v; delay measured %v, told %v",
		best, overruns, speaker.Underruns(), took, paced, m.heard.Sub(m.written), delay)
	if best < 11500 || best > 12500 {
		t.Errorf("level %.0f, want 12000", best)
	}
	if want := (silence + tone - 6) * 10 * time.Millisecond; paced < want {
		t.Errorf("%d blocks were written in %v: not paced by the card", silence+tone, paced)
	}
	if d := m.heard.Sub(m.written); d < 0 || d > 250*time.Millisecond {
		t.Errorf("delay %v", d)
	}
}

func TestSoundBusy(t *testing.T) {
	// The loop's device has eight substreams; the ninth open is refused.
	for i := range 9 {
		m, err := alsa.New(nil).OpenMicrophone(t.Context(), loopIn)
		if err != nil {
			if hal.KindOf(err) != hal.Busy {
				t.Errorf("open %d: %v, want kind busy", i+1, err)
			}
			return
		}
		defer m.Close()
	}
	t.Error("nine microphones on eight substreams")
}

func TestSoundClose(t *testing.T) {
	mic := openMicrophone(t, loopIn)
	speaker := openSpeaker(t, loopOut)
	got := make(chan error, 2)
	go func() {
		var b media.Block
		for {
			if err := mic.Read(context.Background(), &b); err != nil && hal.KindOf(err) != hal.Overrun {
				got <- err
				return
			}
		}
	}()
	go func() {
		var b media.Block
		for {
			if err := speaker.Write(context.Background(), &b); err != nil {
				got <- err
				return
			}
		}
	}()
	time.Sleep(200 * time.Millisecond)
	took := within(t, 5*time.Second, "Close", func() {
		if err := errors.Join(mic.Close(), speaker.Close()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	for range 2 {
		if err := <-got; !errors.Is(err, hal.ErrClosed) {
			t.Errorf("call during Close = %v", err)
		}
	}
	t.Logf("closed in %v", took)
}

// TestSoundUnplug pulls the card out under a running stream in each direction.
func TestSoundUnplug(t *testing.T) {
	const cycles = 3
	for i := range cycles {
		mic, speaker := openMicrophone(t, loopIn), openSpeaker(t, loopOut)
		var b media.Block
		for range 5 {
			if err := speaker.Write(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
		}
		bind := unbind(t, "snd_aloop", "snd_aloop.0")
		for name, call := range map[string]func() error{
			"Read":  func() error { return mic.Read(t.Context(), &b) },
			"Write": func() error { return speaker.Write(t.Context(), &b) },
		} {
			took := within(t, 5*time.Second, name, func() {
				for {
					err := call()
					if err == nil || hal.KindOf(err) == hal.Overrun {
						continue
					}
					if hal.KindOf(err) != hal.Gone {
						t.Errorf("cycle %d: %s = %v, want kind gone", i, name, err)
					}
					return
				}
			})
			t.Logf("cycle %d: %s noticed in %v", i, name, took)
		}
		within(t, 5*time.Second, "Close", func() {
			if err := errors.Join(mic.Close(), speaker.Close()); err != nil {
				t.Errorf("cycle %d: Close: %v", i, err)
			}
		})
		if _, err := alsa.New(nil).OpenMicrophone(t.Context(), loopIn); hal.KindOf(err) != hal.Gone {
			t.Errorf("open while unplugged: %v", err)
		}
		bind()
		again := openMicrophone(t, loopIn)
		if err := again.Read(t.Context(), &b); err != nil && hal.KindOf(err) != hal.Overrun {
			t.Errorf("cycle %d: after plugging in: %v", i, err)
		}
		again.Close()
	}
}
