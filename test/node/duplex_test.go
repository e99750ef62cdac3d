package node

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/hal/sim"
)

// talk lets a viewer talk with a marked voice until the returned function is
// called.
func (v *viewer) talk(mark float64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	voice := newCaller(v.t)
	voice.steady, voice.mark = true, mark
	go func() { defer close(done); v.speak(ctx, voice.packet) }()
	return func() { cancel(); <-done }
}

func (v *viewer) tell(format string, args ...any) {
	v.t.Helper()
	if err := v.channel.SendText(fmt.Sprintf(format, args...)); err != nil {
		v.t.Fatal(err)
	}
}

// forget drops the messages so far.
func (v *viewer) forget() {
	v.mu.Lock()
	v.messages = nil
	v.mu.Unlock()
}

// TestHalfDuplex has two viewers talk at once to a node in half duplex: the first
// is heard, the other is told; meanwhile the microphone is down, and it comes
// back.
func TestHalfDuplex(t *testing.T) {
	const first, second = 660.0, 1300.0
	b := start(t, func(cfg *engine.Config, b *bench) {
		b.sound = sim.NewSoundDriver(sim.SoundOptions{NoEcho: true, ToneHz: nearHz})
		cfg.Voice.Duplex = engine.HalfDuplex
		cfg.Voice.FrontEnd.GainControl = false
	})
	anna, ben := join(t, b.url), join(t, b.url)
	free := func(m map[string]any) bool {
		return m["type"] == "floor" && m["talker"] == nil && m["duplex"] == "half"
	}
	anna.message("the floor is free", free)
	ben.message("the floor is free", free)
	eventually(t, 20*time.Second, "sound arrives", func() bool { _, _, _, n := ben.seen(); return n > 10 })
	before := toneDBFS(ben.hear(1200*time.Millisecond), nearHz)

	annaStops := anna.talk(first)
	anna.tell(`{"type":"talk","on":true}`)
	mine := func(m map[string]any) bool {
		return m["type"] == "floor" && m["talker"] == "tester" && m["you"] == true
	}
	theirs := func(m map[string]any) bool {
		return m["type"] == "floor" && m["talker"] == "tester" && m["you"] == false
	}
	anna.message("anna has the floor", mine)
	ben.message("ben is told", theirs)
	eventually(t, 10*time.Second, "anna is heard", func() bool { return b.sound.PlayedTone(first, 200*time.Millisecond) > -35 })
	benStops := ben.talk(second)
	time.Sleep(300 * time.Millisecond)
	during := toneDBFS(ben.hear(1200*time.Millisecond), nearHz)
	if level := b.sound.PlayedTone(second, time.Second); level > -50 {
		t.Errorf("ben is heard with %.1f dBFS while anna has the floor", level)
	}
	t.Logf("near tone %.1f dBFS, %.1f while anna talks", before, during)
	if before-during < 20 {
		t.Errorf("the microphone is only %.1f dB down while anna talks, want 20", before-during)
	}

	ben.forget()
	annaStops()
	anna.tell(`{"type":"talk","on":false}`)
	ben.message("ben has the floor", mine)
	eventually(t, 10*time.Second, "ben is heard", func() bool { return b.sound.PlayedTone(second, 200*time.Millisecond) > -35 })
	benStops()
	eventually(t, 10*time.Second, "the speaker falls silent", func() bool { return b.sound.PlayedLevel(100*time.Millisecond) < -60 })
	time.Sleep(200 * time.Millisecond)
	if after := toneDBFS(ben.hear(1200*time.Millisecond), nearHz); before-after > 6 {
		t.Errorf("the near tone is still %.1f dB down after the decay", before-after)
	}
	if s := b.engine.VoiceStats(); s.DuckedBlocks < 100 || s.Duplex != engine.HalfDuplex {
		t.Errorf("statistics: %d ducked blocks, duplex %q", s.DuckedBlocks, s.Duplex)
	}
}

// TestDuplexPerCall: a viewer chooses for its own call.
func TestDuplexPerCall(t *testing.T) {
	b := start(t, func(cfg *engine.Config, b *bench) {
		b.sound = sim.NewSoundDriver(sim.SoundOptions{NoEcho: true, ToneHz: nearHz})
		cfg.Voice.FrontEnd.GainControl = false
	})
	v := join(t, b.url)
	is := func(mode string) func(m map[string]any) bool {
		return func(m map[string]any) bool { return m["type"] == "floor" && m["duplex"] == mode }
	}
	v.message("full duplex at first", is("full"))
	eventually(t, 20*time.Second, "sound arrives", func() bool { _, _, _, n := v.seen(); return n > 10 })
	stop := v.talk(660)
	defer stop()
	eventually(t, 10*time.Second, "the viewer is heard", func() bool { return b.sound.PlayedTone(660, 200*time.Millisecond) > -35 })
	time.Sleep(1500 * time.Millisecond) // until the canceller knows that there is no echo
	full := toneDBFS(v.hear(1200*time.Millisecond), nearHz)
	v.tell(`{"type":"duplex","id":"4","duplex":"half"}`)
	v.message("answer", func(m map[string]any) bool { return m["type"] == "duplex" && m["id"] == "4" && m["ok"] == true })
	v.message("half duplex", is("half"))
	time.Sleep(300 * time.Millisecond)
	half := toneDBFS(v.hear(1200*time.Millisecond), nearHz)
	t.Logf("near tone %.1f dBFS in full duplex, %.1f in half", full, half)
	if full-half < 20 {
		t.Errorf("the microphone is only %.1f dB down in half duplex, want 20", full-half)
	}
	v.tell(`{"type":"duplex","id":"5","duplex":"quarter"}`)
	v.message("refusal", func(m map[string]any) bool { return m["id"] == "5" && m["ok"] == false && m["error"] != "" })
}

// TestVisitorSpeaks: viewers are told when somebody speaks at the node, on the
// data channel and with every packet.
func TestVisitorSpeaks(t *testing.T) {
	b := start(t, func(_ *engine.Config, b *bench) {
		b.sound = sim.NewSoundDriver(sim.SoundOptions{NoEcho: true, MuteVoice: true})
	})
	v := join(t, b.url)
	eventually(t, 20*time.Second, "sound arrives", func() bool { _, _, _, n := v.seen(); return n > 50 })
	level := func() byte {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.level
	}
	eventually(t, 5*time.Second, "packets without speech", func() bool { l := level(); return l != 0 && l&0x80 == 0 })
	v.forget()
	b.sound.SetVoice(true)
	v.message("the visitor speaks", func(m map[string]any) bool { return m["type"] == "voice" && m["visitor"] == true })
	eventually(t, 5*time.Second, "packets with speech", func() bool { l := level(); return l&0x80 != 0 && l&0x7f < 60 })
	if !b.engine.Sessions().Stats().Speaking {
		t.Error("the session does not know that somebody speaks")
	}
	b.sound.SetVoice(false)
	v.message("the visitor has finished", func(m map[string]any) bool { return m["type"] == "voice" && m["visitor"] == false })
}
