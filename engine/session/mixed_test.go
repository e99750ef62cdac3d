package session

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// planned is a source of both streams that does what it is told.
type planned struct {
	mu   sync.Mutex
	plan VideoPlan
	keys [media.NumStreams]int
}

func (s *planned) told(p VideoPlan) {
	s.mu.Lock()
	s.plan = p
	s.mu.Unlock()
}

func (s *planned) now() VideoPlan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan
}

// play writes pictures of the sizes that the plan asks for, 30 per second.
func (s *planned) play(n *node) {
	n.wg.Go(func() {
		r := rand.New(rand.NewPCG(1, 1))
		start := time.Now()
		on := [media.NumStreams]bool{}
		for i := uint64(0); ; i++ {
			now := start.Add(time.Duration(i) * time.Second / 30)
			select {
			case <-n.stop:
				return
			case <-time.After(time.Until(now)):
			}
			plan := s.now()
			for stream, bps := range [media.NumStreams]int{plan.MainBps, plan.ThumbBps} {
				force := &n.wantKey
				if stream == int(media.StreamThumb) {
					force = &n.wantThumbKey
				}
				if bps == 0 {
					on[stream] = false
					continue
				}
				key := force.Swap(false) || !on[stream]
				on[stream] = true
				size := float64(bps) / 8 / 30 * (0.8 + 0.4*r.Float64())
				f := &media.EncodedVideo{Stream: media.Stream(stream), Key: key, CapturedAt: now}
				switch {
				case key:
					size *= 6
					s.mu.Lock()
					s.keys[stream]++
					s.mu.Unlock()
				case stream == 0 && plan.Layers == 2 && i%2 == 1:
					f.TemporalID, f.LayerSync, f.NonReference = 1, true, true
					size *= 0.76
				case stream == 0 && plan.Layers == 2:
					size *= 1.24
				}
				f.Data = vp8Frame(key, i, max(int(size), 20))
				n.WriteVideo(f)
			}
		}
	})
}

// TestOneBadViewer: a viewer on 150 kbit/s watches with two on good paths. They
// lose nothing, it gets what fits, and all when its path becomes good.
func TestOneBadViewer(t *testing.T) {
	if testing.Short() {
		t.Skip("takes twenty seconds")
	}
	const ceiling = 1_500_000
	s := &planned{plan: VideoPlan{Layers: 1}}
	n := newNode(t, Hooks{VideoPlan: s.told}, nil)
	n.SetVideoCeiling(ceiling)
	s.play(n)
	var good []*client
	for range 2 {
		c := reportingClient(t)
		c.joinThrough(n, newNarrow(t, n.Port(), 3_000_000, 300*time.Millisecond))
		good = append(good, c)
	}
	for _, c := range good {
		next(t, c.video)
	}
	time.Sleep(2 * time.Second)
	if p := s.now(); p.MainBps != ceiling {
		t.Errorf("two good viewers: %+v", p)
	}
	weak := reportingClient(t)
	way := newNarrow(t, n.Port(), 150_000, 500*time.Millisecond)
	weak.joinThrough(n, way)
	next(t, weak.video)
	keys := func() (k [media.NumStreams]int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.keys
	}
	began := time.Now()
	eventually(t, "the thumbnail", func() bool { return weak.viewer.Info().Stream == media.StreamThumb })
	t.Logf("thumbnail after %v", time.Since(began))
	time.Sleep(3 * time.Second)
	settles(t, "three seconds with a viewer on 150 kbit/s", func() (bool, string) {
		viewers := []*Viewer{good[0].viewer, good[1].viewer, weak.viewer}
		var was [3]ViewerInfo
		for i, v := range viewers {
			was[i] = v.Info()
		}
		mains := keys()[media.StreamMain]
		plan, fine := s.now(), true
		for range 30 {
			if p := s.now(); p.MainBps < ceiling*95/100 || p.ThumbBps > 180_000 || p.ThumbBps == 0 {
				plan, fine = p, false
			}
			time.Sleep(100 * time.Millisecond)
		}
		var sent [3]uint64
		for i, v := range viewers {
			now := v.Info()
			sent[i] = now.FramesSent - was[i].FramesSent
			fine = fine && sent[i] >= []uint64{80, 80, 70}[i] && (i == 2 || now.FramesThinned == was[i].FramesThinned)
		}
		mains = keys()[media.StreamMain] - mains
		return fine && mains == 0, fmt.Sprintf("frames %v, plan %+v, %d key frames, weak viewer %+v", sent, plan, mains, weak.viewer.Info().Path)
	})
	way.bps.Store(3_000_000)
	began = time.Now()
	for weak.viewer.Info().Stream != media.StreamMain {
		if time.Since(began) > 3*time.Minute {
			t.Fatalf("still on the thumbnail with %d probes: %+v, plan %+v", weak.viewer.counters.probes.Load(), weak.viewer.Info().Path, s.now())
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("main again %v after the path became wider, with %d probes", time.Since(began), weak.viewer.counters.probes.Load())
}
