package session

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/edgecam/edgecam/engine/session/codec"
)

// TestVoiceLossSteps: more at once, less after a while, nothing for chance.
func TestVoiceLossSteps(t *testing.T) {
	var l voiceLoss
	at := time.Unix(1000, 0)
	for i, s := range []struct {
		after  time.Duration
		lostQ8 uint8
		want   int32
	}{
		{0, 0, 0},
		{time.Second, 4, 0},         // 1.6 %
		{time.Second, 13, 5},        // 5 %
		{time.Second, 26, 10},       // 10 %
		{5 * time.Second, 0, 10},    // one clean report is no clean path
		{5 * time.Second, 13, 10},   //
		{5 * time.Second, 0, 5},     // 15 s after the last report of as much: what came since
		{14 * time.Second, 0, 5},    //
		{2 * time.Second, 0, 0},     //
		{time.Second, 255, 20},      //
		{14 * time.Second, 255, 20}, // reported again
		{14 * time.Second, 0, 20},   //
	} {
		at = at.Add(s.after)
		l.report(s.lostQ8, at)
		if got := l.percent.Load(); got != s.want {
			t.Errorf("step %d: %d %%, want %d", i, got, s.want)
		}
	}
}

// TestVoiceLossOfListeners: what viewers report of the sound reaches the encoder, of
// those alone who get it without redundancy.
func TestVoiceLossOfListeners(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	opus := codec.Format{Name: codec.Opus}
	c := watch(t, n)
	next(t, c.audio)
	if l := n.VoiceLoss(opus); l != 0 {
		t.Fatalf("%d %% expected before any report", l)
	}
	report := func(lost uint8) {
		rr := &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: c.viewer.audio.ssrc(), FractionLost: lost}}}
		if err := c.pc.WriteRTCP([]rtcp.Packet{rr}); err != nil {
			t.Fatal(err)
		}
	}
	report(26)
	eventually(t, "the loss at the encoder", func() bool { return n.VoiceLoss(opus) == 10 })
	if l := n.VoiceLoss(codec.Format{Name: codec.PCMU}); l != 0 {
		t.Errorf("%d %% expected of another format", l)
	}
	_ = c.pc.Close()
	eventually(t, "the end of the viewer", func() bool { return n.VoiceLoss(opus) == 0 })
}
