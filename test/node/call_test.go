package node

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
)

// called matches a message about the call.
func called(state engine.CallState) func(map[string]any) bool {
	return func(m map[string]any) bool { return m["type"] == "call" && m["state"] == string(state) }
}

// TestCall: a press of the button rings at everybody's; one answers, the others are
// told and not heard; the call ends when who has answered hangs up.
func TestCall(t *testing.T) {
	b := start(t, nil)
	events := make(chan engine.Event, 16)
	b.engine.OnEvent(func(e engine.Event) { events <- e })
	anna, ben := join(t, b.url), join(t, b.url)
	for _, v := range []*viewer{anna, ben} {
		v.message("state on joining", func(m map[string]any) bool { return m["type"] == "state" })
		v.watches("preview before the call", 2, 20*time.Second)
	}
	pressed := time.Now()
	if err := b.lines.Press("button", 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*viewer{anna, ben} {
		v.message("ringing", called(engine.CallRinging))
	}
	for e := range events {
		if e.Type != "ring-picture" {
			continue
		}
		took := time.Since(pressed)
		if p, err := jpeg.Decode(bytes.NewReader(e.Picture)); err != nil || p.Bounds().Dx() < 160 {
			t.Errorf("picture of who rang: %v", err)
		}
		if took > time.Second {
			t.Errorf("picture of who rang after %v", took)
		}
		if kept, at := b.engine.RingPicture(); !bytes.Equal(kept, e.Picture) || at.IsZero() {
			t.Error("the picture was not kept")
		}
		t.Logf("picture of who rang after %v", took)
		break
	}
	anna.tell(`{"type":"call","id":"1","action":"answer"}`)
	anna.message("answered", func(m map[string]any) bool { return called(engine.CallAnswered)(m) && m["you"] == true })
	if m := ben.message("answered elsewhere", called(engine.CallAnsweredElsewhere)); m["by"] != "tester" {
		t.Errorf("answered by %v", m["by"])
	}
	ben.tell(`{"type":"call","id":"2","action":"answer"}`)
	if m := ben.message("refusal", func(m map[string]any) bool { return m["type"] == "call-reply" && m["id"] == "2" }); m["ok"] == true || m["error"] == "" {
		t.Errorf("a second answer: %v", m)
	}
	// What ben says is not heard, and he is told.
	stop := ben.talk(660)
	ben.tell(`{"type":"talk","on":true}`)
	ben.message("talk refused", func(m map[string]any) bool { return m["type"] == "talk" && m["ok"] == false })
	eventually(t, 20*time.Second, "ben's packets arrive", func() bool { return len(b.engine.TalkerStats()) > 0 })
	time.Sleep(500 * time.Millisecond)
	if level := b.sound.PlayedTone(660, 300*time.Millisecond); level > -50 {
		t.Errorf("who has not answered is heard at %.0f dBFS", level)
	}
	if err := b.lines.Press("button", 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	anna.message("busy", called(engine.CallBusy))
	anna.tell(`{"type":"call","id":"3","action":"hangup"}`)
	ben.message("ended", called(engine.CallEnded))
	eventually(t, 20*time.Second, "ben is heard after the call", func() bool { return b.sound.PlayedTone(660, 200*time.Millisecond) > -35 })
	stop()
}

// TestFirstWordAnswers: who speaks while it rings has answered; when he leaves the
// call is over.
func TestFirstWordAnswers(t *testing.T) {
	b := start(t, nil)
	anna, ben := join(t, b.url), join(t, b.url)
	for _, v := range []*viewer{anna, ben} {
		v.message("state on joining", func(m map[string]any) bool { return m["type"] == "state" })
	}
	if err := b.lines.Press("button", 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	anna.message("ringing", called(engine.CallRinging))
	stop := ben.talk(660)
	ben.message("answered", func(m map[string]any) bool { return called(engine.CallAnswered)(m) && m["you"] == true })
	anna.message("answered elsewhere", called(engine.CallAnsweredElsewhere))
	stop()
	ben.leave()
	anna.message("ended", called(engine.CallEnded))
}

// TestMissedCall: nobody answers, or nobody may.
func TestMissedCall(t *testing.T) {
	b := start(t, func(c *engine.Config, b *bench) {
		c.Call.RingFor, c.Call.QuietFor = time.Second, time.Second
		b.grant.Talk = false
	})
	v := join(t, b.url)
	v.message("state on joining", func(m map[string]any) bool { return m["type"] == "state" })
	if err := b.lines.Press("button", 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	v.message("ringing", called(engine.CallRinging))
	v.tell(`{"type":"call","id":"1","action":"answer"}`)
	if m := v.message("refusal", func(m map[string]any) bool { return m["type"] == "call-reply" }); m["ok"] == true {
		t.Error("answered without the right to talk")
	}
	v.message("missed", called(engine.CallMissed))
	// Whoever comes later sees nothing of it.
	if m := join(t, b.url).message("state", func(m map[string]any) bool { return m["type"] == "state" || m["type"] == "call" }); m["type"] == "call" {
		t.Errorf("an old call is shown: %v", m)
	}
}
