package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
)

// TestQuietCallEnds: a call ends by itself when nobody has spoken for long, and not
// before.
func TestQuietCallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []CallState
		var c call
		c.init(30*time.Second, time.Minute, func(ch callChange) { told = append(told, ch.state) })
		c.ring(time.Now())
		time.Sleep(29 * time.Second)
		c.ring(time.Now()) // pressing again rings on
		time.Sleep(29 * time.Second)
		if err := c.answer("a", "anna"); err != nil {
			t.Fatal(err)
		}
		if err := c.answer("b", "ben"); err == nil {
			t.Error("answered twice")
		}
		for range 5 {
			time.Sleep(50 * time.Second)
			c.heard("a", time.Now())
			c.heard("b", time.Now().Add(time.Hour)) // not his call
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if c.current().state != CallAnswered {
			t.Error("ended too soon")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		c.ring(time.Now())
		time.Sleep(31 * time.Second)
		synctest.Wait()
		want := []CallState{CallRinging, CallAnswered, CallEnded, CallRinging, CallMissed}
		if len(told) != len(want) {
			t.Fatalf("told %v, want %v", told, want)
		}
		for i := range want {
			if told[i] != want[i] {
				t.Errorf("told %v, want %v", told, want)
				break
			}
		}
		c.stop()
	})
}

// TestWordsAnswer: a muted microphone's noise, or a key, picks nothing up; voice
// does, also in G.711, whose payload type is 0.
func TestWordsAnswer(t *testing.T) {
	opus := codec.Types{Voice: 111, Noise: 13, Event: 110, RED: 63}
	for _, c := range []struct {
		types   codec.Types
		payload uint8
		quiet   bool
	}{
		{opus, 111, false},
		{opus, 63, false},
		{opus, 13, true},
		{opus, 110, true},
		{codec.Types{}, 0, false},
	} {
		if got := quiet(&session.TalkPacket{Types: c.types, PayloadType: c.payload}); got != c.quiet {
			t.Errorf("payload type %d of %+v: quiet %v", c.payload, c.types, got)
		}
	}
}
