package vp8

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// TestEncoderThreadsWhereRowsRest codes a scene that moves and rests: rows that
// stay as they are wait for none, and rows that move for the one above. Any number
// of workers makes the same stream, at levels with 4x4 intra prediction in inter
// frames and without.
func TestEncoderThreadsWhereRowsRest(t *testing.T) {
	const w, h = 240, 176
	for _, c := range []EncoderConfig{
		{Speed: 4}, {Speed: 5}, {Speed: 5, IntraRefresh: 7}, {Speed: 9}, {Speed: 10, TokenPartitions: 4},
	} {
		t.Run(fmt.Sprintf("level%d_refresh%d", c.Speed, c.IntraRefresh), func(t *testing.T) {
			var want []byte
			for _, threads := range []int{1, 2, 3, 4, 7} {
				c.Width, c.Height, c.FrameRate, c.BitrateBps, c.Threads = w, h, 30, 400_000, threads
				e, err := NewEncoder(c)
				if err != nil {
					t.Fatal(err)
				}
				s, pic := newTestScene(11, w, h, 0), media.NewPicture(w, h)
				var got []byte
				static := 0
				for i := range 24 {
					s.frozen = i%8 > 2
					s.next(pic)
					f, err := e.Encode(pic, FrameOptions{ForceKey: i == 13})
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, f.Data...)
					static += e.LastFrame().Static
				}
				e.Close()
				if static == 0 {
					t.Error("nothing rests")
				}
				if want == nil {
					want = got
				} else if !bytes.Equal(got, want) {
					t.Errorf("%d workers make another stream than one", threads)
				}
			}
		})
	}
}

// TestEncoderWorkersSleepBetweenFrames: helpers wait awake for a moment alone.
func TestEncoderWorkersSleepBetweenFrames(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{Width: 320, Height: 240, FrameRate: 30, BitrateBps: 300_000, Threads: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s, pic := newTestScene(2, 320, 240, 1), media.NewPicture(320, 240)
	for i := range 5 {
		s.next(pic)
		if _, err := e.Encode(pic, FrameOptions{}); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(10 * time.Second)
		for k := range e.pool.helpers {
			for !e.pool.helpers[k].asleep.Load() {
				if time.Now().After(deadline) {
					t.Fatalf("frame %d: helper %d is still awake", i, k)
				}
				time.Sleep(time.Millisecond)
			}
		}
	}
}
