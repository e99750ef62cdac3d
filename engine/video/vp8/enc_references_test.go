package vp8

import (
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// refSender drives a ReferenceManager as an encoder would that does what it is
// asked.
type refSender struct {
	t  *testing.T
	m  *ReferenceManager
	id uint64
}

// send sends a frame and returns its options and number.
func (s *refSender) send() (FrameOptions, uint64) {
	s.id++
	opt := s.m.Options()
	key := opt.ForceKey || s.id == 1
	info := EncodeInfo{Key: key}
	if !key {
		info.Stored, info.PredictedFrom = opt.Store, opt.PredictFrom
	}
	s.m.Sent(s.id, media.EncodedVideo{Key: key}, info)
	return opt, s.id
}

func (s *refSender) expect(want FrameOptions) uint64 {
	s.t.Helper()
	got, id := s.send()
	if got != want {
		s.t.Fatalf("frame %d: options %+v, want %+v", id, got, want)
	}
	return id
}

func newRefSender(t *testing.T, layers int) *refSender {
	t.Helper()
	return &refSender{t: t, m: NewReferenceManager(layers)}
}

func TestReferencesStoreOneCandidateAtATime(t *testing.T) {
	s := newRefSender(t, 1)
	key := s.expect(FrameOptions{})
	s.m.Arrived(key)
	_, second := s.send()
	held := s.m.Stats().Stored
	if held != 1 {
		t.Fatalf("%d frames stored after the key frame, want 1", held)
	}
	for range 5 {
		s.expect(FrameOptions{})
	}
	s.m.Arrived(second)
	opt, _ := s.send()
	if opt.Store == ReferenceNone || s.m.slots[2-opt.Store].id != second {
		t.Fatalf("after the candidate has arrived: %+v; the other slot must be next", opt)
	}
}

func TestReferencesMendALossFromWhatArrived(t *testing.T) {
	s := newRefSender(t, 1)
	s.m.Arrived(s.expect(FrameOptions{}))
	first, a := s.send() // stored
	_, b := s.send()
	_, c := s.send()
	s.m.Arrived(c) // out of order: builds on a and b
	s.m.Arrived(a)
	safe := first.Store
	s.m.Lost(b)
	d := s.expect(FrameOptions{PredictFrom: safe, Store: ReferenceGolden + ReferenceAltRef - safe})
	// On its way: nothing more to mend, and PLIs sent before change nothing.
	s.m.PictureLost()
	s.expect(FrameOptions{})
	// The mending frame is lost as well.
	s.m.Lost(d)
	s.expect(FrameOptions{PredictFrom: safe, Store: ReferenceGolden + ReferenceAltRef - safe})
	if got := s.m.Stats(); got.Mended != 2 || got.KeyFrames != 1 {
		t.Errorf("stats %+v", got)
	}
}

// A frame that arrived is good for nothing if what it builds on did not.
func TestReferencesDoNotBuildOnBrokenFrames(t *testing.T) {
	s := newRefSender(t, 1)
	key := s.expect(FrameOptions{})
	s.m.Arrived(key)
	_, a := s.send()
	s.m.Arrived(a)
	_, b := s.send()
	opt, c := s.send()
	s.m.Lost(b)
	s.m.Arrived(c)
	if s.m.frames[c].fate != fateBroken {
		t.Fatalf("fate of a frame whose base was lost is %d", s.m.frames[c].fate)
	}
	next, _ := s.send()
	if next.PredictFrom == ReferenceNone || next.PredictFrom == opt.Store {
		t.Fatalf("options %+v after a loss; the candidate was %d", next, opt.Store)
	}
}

func TestReferencesWithoutAnythingToBuildOn(t *testing.T) {
	s := newRefSender(t, 1)
	if opt := s.m.Options(); opt != (FrameOptions{}) {
		t.Fatalf("before the first frame: %+v", opt)
	}
	key := s.expect(FrameOptions{})
	s.send()
	s.m.Lost(key)
	again := s.expect(FrameOptions{ForceKey: true})
	s.m.Arrived(again)
	// A receiver that does not take the mending frame gets a key frame.
	for range refDeaf {
		s.m.PictureLost()
		opt, mend := s.send()
		if opt.PredictFrom == ReferenceNone {
			t.Fatalf("after a PLI: %+v", opt)
		}
		s.m.Decoded(mend)
	}
	s.m.PictureLost()
	s.expect(FrameOptions{ForceKey: true})
	if n := s.m.Stats().KeyFrames; n != 3 {
		t.Errorf("%d key frames counted, want 3", n)
	}
}

// Without a word about arrivals, a PLI brings a mending frame and, if that does
// not help in time, a key frame.
func TestReferencesByPLIAlone(t *testing.T) {
	s := newRefSender(t, 1)
	s.send()
	s.m.PictureLost()
	if opt, _ := s.send(); opt.PredictFrom == ReferenceNone {
		t.Fatalf("after a PLI: %+v", opt)
	}
	for range refAnswer {
		s.send()
	}
	s.m.PictureLost()
	s.expect(FrameOptions{ForceKey: true})
}

func TestReferencesWithThreeLayers(t *testing.T) {
	s := newRefSender(t, 3)
	s.m.Arrived(s.expect(FrameOptions{}))
	_, a := s.send()
	s.m.Lost(a)
	s.expect(FrameOptions{PredictFrom: ReferenceGolden})
	for range 200 {
		opt, id := s.send()
		if opt.Store == ReferenceAltRef || opt.PredictFrom == ReferenceAltRef {
			t.Fatalf("options %+v use altref", opt)
		}
		s.m.Arrived(id)
	}
	if n := s.m.Stats().Stored; n < 2 || n > 10 {
		t.Errorf("%d frames stored in 200", n)
	}
}

// Reports of what was never sent, or long ago, are not heard; nothing here may
// loop for long over a jump of the numbers.
func TestReferencesHearNoNonsense(t *testing.T) {
	s := newRefSender(t, 1)
	s.m.Lost(0)
	s.m.Arrived(1 << 60)
	s.m.Arrived(s.expect(FrameOptions{}))
	s.id = 1 << 62
	_, id := s.send()
	s.m.Lost(1)
	s.m.Lost(id + 1)
	s.m.Lost(id - refHistory)
	if opt := s.m.Options(); opt.PredictFrom != ReferenceNone || opt.ForceKey {
		t.Errorf("options %+v though nothing was lost", opt)
	}
	s.m.Lost(id)
	if opt := s.m.Options(); opt.PredictFrom == ReferenceNone {
		t.Errorf("options %+v after a loss", opt)
	}
}

// TestReferencesByProof is how several receivers share a manager: only what all
// of them have is built on.
func TestReferencesByProof(t *testing.T) {
	s := newRefSender(t, 1)
	if _, ok := s.m.Mend(100); ok {
		t.Fatal("mends before the first frame")
	}
	_, key := s.send()
	if id, ok := s.m.Awaited(); !ok || id != key {
		t.Fatalf("awaited: %d, %v", id, ok)
	}
	if _, ok := s.m.Mend(100); ok {
		t.Fatal("builds on what nobody is known to have")
	}
	s.m.Decoded(key)
	if _, ok := s.m.Awaited(); ok {
		t.Fatal("something is awaited still")
	}
	opt, next := s.send()
	if id, ok := s.m.Awaited(); !ok || id != next || s.m.Held(opt.Store) != next {
		t.Fatalf("awaited: %d, %v", id, ok)
	}
	if id, ok := s.m.Mend(100); !ok || id != key {
		t.Fatalf("mends from %d, %v; the other slot is not proven", id, ok)
	}
	if got, _ := s.send(); got.PredictFrom == ReferenceNone || got.PredictFrom == opt.Store {
		t.Fatalf("options %+v", got)
	}
	for range 20 {
		s.send()
	}
	if _, ok := s.m.Mend(10); ok {
		t.Error("mends from beyond the reach")
	}
	// A picture that nobody asked for is no reference.
	s.id++
	s.m.Sent(s.id, media.EncodedVideo{}, EncodeInfo{Renewed: true})
	if s.m.Held(ReferenceGolden) != s.id || s.m.slots[0].fate != fateBroken {
		t.Errorf("golden after a renewal: %+v", s.m.slots[0])
	}
	if s.m.Held(ReferenceNone) != 0 || s.m.Held(7) != 0 {
		t.Error("a slot that is not there holds something")
	}
}
