package session

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"

	"github.com/edgecam/edgecam/engine/media"
)

// carries makes a viewer's path one that carries so much.
func (v *Viewer) carries(bps int) {
	v.path.enabled.Store(true)
	v.path.video.Store(int64(bps))
}

// place lets viewers be placed for a time, in steps of 50 ms.
func (n *node) place(from *time.Duration, d time.Duration, ceiling int) (p VideoPlan, keys [media.NumStreams]int) {
	for end := *from + d; *from < end; *from += 50 * time.Millisecond {
		var wishes [media.NumStreams]string
		n.fan.Lock()
		p = n.out.decide(*from, ceiling, &wishes)
		n.out.plan = p
		n.fan.Unlock()
		for s, w := range wishes {
			if w != "" {
				keys[s]++
			}
		}
	}
	return p, keys
}

// TestPlaces: who gets what, by what paths carry.
func TestPlaces(t *testing.T) {
	const ceiling = 1_000_000
	for _, c := range []struct {
		name        string
		paths       []int
		levels      []level
		main, thumb int
		layers      int
	}{
		{"nobody", nil, nil, 0, 0, 1},
		{"one, good", []int{3_000_000}, []level{levelFull}, ceiling, 0, 1},
		{"one, middling", []int{400_000}, []level{levelFull}, 400_000, 0, 1},
		{"one, bad", []int{150_000}, []level{levelThumb}, 0, 150_000, 1},
		{"a bad one costs the others nothing", []int{150_000, 3_000_000, 3_000_000}, []level{levelThumb, levelFull, levelFull}, ceiling, 150_000, 1},
		{"nor does a middling one", []int{700_000, 3_000_000}, []level{levelBase, levelFull}, ceiling, 0, 2},
		{"nearly as good", []int{900_000, 3_000_000}, []level{levelFull, levelFull}, 900_000, 0, 1},
		{"all three", []int{100_000, 800_000, 3_000_000, 190_000}, []level{levelThumb, levelBase, levelFull, levelThumb}, ceiling, 100_000, 2},
		{"two bad ones", []int{100_000, 110_000}, []level{levelThumb, levelThumb}, 0, 100_000, 1},
	} {
		n := newNode(t, Hooks{}, nil)
		var now time.Duration
		for _, bps := range c.paths {
			v := fakeViewer(n.Manager, &writer{})
			n.join(v)
			v.carries(bps)
		}
		p, _ := n.place(&now, 2*time.Second, ceiling)
		if c.thumb > 0 && p.ThumbBps != c.thumb {
			t.Errorf("%s: thumbnail of %d bit/s before it is taken", c.name, p.ThumbBps)
		}
		// Those who have gone over take no more of what they came from.
		for _, v := range n.out.watchers {
			v.forward.stream = v.forward.want
		}
		p, _ = n.place(&now, 5*time.Second, ceiling)
		if p.MainBps != c.main || p.ThumbBps != c.thumb || p.Layers != c.layers {
			t.Errorf("%s: plan %+v, want main %d, thumb %d, layers %d", c.name, p, c.main, c.thumb, c.layers)
		}
		for i, v := range n.out.watchers {
			if v.forward.level != c.levels[i] {
				t.Errorf("%s: viewer %d has level %d, want %d", c.name, i, v.forward.level, c.levels[i])
			}
		}
		n.out.watchers = nil
	}
}

// TestUpAgain: a viewer whose path becomes better leaves the thumbnail after a
// while, waits for a key frame that others need, and later the longer the less it
// holds.
func TestUpAgain(t *testing.T) {
	const ceiling = 1_000_000
	n := newNode(t, Hooks{}, nil)
	good, weak := fakeViewer(n.Manager, &writer{}), fakeViewer(n.Manager, &writer{})
	var now time.Duration
	for _, v := range []*Viewer{good, weak} {
		n.join(v)
	}
	good.carries(2_000_000)
	weak.carries(100_000)
	n.place(&now, time.Second, ceiling)
	var waits []time.Duration
	for range 4 {
		weak.forward.stream = media.StreamThumb
		weak.carries(2_000_000)
		begun := now
		for weak.forward.want != media.StreamMain && now-begun < time.Minute {
			if _, keys := n.place(&now, 50*time.Millisecond, ceiling); keys[media.StreamMain] != 0 {
				t.Error("a key frame was made at once")
			}
		}
		waits = append(waits, (now - begun).Round(time.Second))
		_, keys := n.place(&now, upPatience-100*time.Millisecond, ceiling)
		if keys[media.StreamMain] != 0 {
			t.Error("others' key frame was not waited for")
		}
		if _, keys = n.place(&now, 4*time.Second, ceiling); keys[media.StreamMain] != 1 {
			t.Errorf("%d key frames asked for", keys[media.StreamMain])
		}
		weak.forward.stream = media.StreamMain
		weak.carries(100_000)
		n.place(&now, time.Second, ceiling)
	}
	for i, want := range []time.Duration{3 * time.Second, 6 * time.Second, 12 * time.Second, 24 * time.Second} {
		if waits[i] != want {
			t.Errorf("waited %v before going up, want 3, 6, 12, 24 s", waits)
			break
		}
	}
	n.out.watchers = nil
}

// TestLayerBegins: a higher layer begins with a frame that needs the base layer
// alone, and anew after a key frame.
func TestLayerBegins(t *testing.T) {
	w := forward{place: place{level: levelFull}}
	for i, c := range []struct {
		key, sync bool
		tid       uint8
		want      bool
	}{
		{true, false, 0, true},
		{false, false, 1, false},
		{false, true, 1, true},
		{false, false, 1, true},
		{false, false, 2, false},
		{false, true, 2, true},
		{false, false, 2, true},
		{true, false, 0, true},
		{false, false, 1, false},
	} {
		if got := w.takes(&frame{key: c.key, sync: c.sync, tid: c.tid}); got != c.want {
			t.Errorf("frame %d: taken %t", i, got)
		}
	}
}

// TestForwarding sends two streams, one of two layers, to three viewers. Each gets
// its own in whole, numbered without a gap.
func TestForwarding(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	var viewers []*Viewer
	var writers []*writer
	var wg sync.WaitGroup
	for range 3 {
		w := &writer{keep: true}
		v := fakeViewer(n.Manager, w)
		viewers, writers = append(viewers, v), append(writers, w)
		n.join(v)
		wg.Go(v.loop)
	}
	base, thumb := viewers[1], viewers[2]
	set := func(v *Viewer, l level) {
		n.fan.Lock()
		v.forward.level, v.forward.want = l, l.stream()
		n.fan.Unlock()
	}
	number := uint64(0)
	write := func(s media.Stream, key bool, tid uint8) {
		number++
		data := vp8Frame(key, number, 1500)
		data[10] = byte(s)<<4 | tid
		n.WriteVideo(&media.EncodedVideo{
			Stream: s, Data: data, Key: key, TemporalID: tid, LayerSync: tid > 0, NonReference: tid > 0, CapturedAt: time.Now(),
		})
		for _, v := range viewers {
			eventually(t, "frame sent", func() bool { return v.videoQueued.Load() == 0 })
		}
	}
	write(media.StreamMain, true, 0)
	for i := range 20 {
		if i == 6 {
			set(base, levelBase)
			set(thumb, levelThumb)
		}
		write(media.StreamMain, false, uint8(1-i%2))
		// Until the thumbnail's key frame comes the viewer stays with main.
		write(media.StreamThumb, i == 8, 0)
	}
	set(thumb, levelFull)
	write(media.StreamMain, false, 0)
	write(media.StreamThumb, false, 0)
	write(media.StreamMain, true, 0)
	write(media.StreamThumb, false, 0)
	write(media.StreamMain, false, 0)
	for _, v := range viewers {
		n.leave(v)
		close(v.done)
	}
	wg.Wait()
	want := []string{
		"K" + strings.Repeat("10", 10) + "0K0",
		"K101010" + strings.Repeat("0", 7) + "0K0",
		"K1010100T" + strings.Repeat("t", 12) + "K0",
	}
	for i, w := range writers {
		got := ""
		var last *codecs.VP8Packet
		var lastTS uint32
		for k, b := range w.data {
			var d codecs.VP8Packet
			data, err := d.Unmarshal(b)
			if err != nil {
				t.Fatal(err)
			}
			if last != nil && w.got[k].SequenceNumber != w.got[k-1].SequenceNumber+1 {
				t.Errorf("viewer %d: sequence number %d after %d", i, w.got[k].SequenceNumber, w.got[k-1].SequenceNumber)
			}
			if d.S == 1 {
				mark := string("01"[data[10]&1])
				if data[0]&1 == 0 {
					mark = "K"
				}
				if data[10]>>4 == byte(media.StreamThumb) {
					mark = map[string]string{"0": "t", "K": "T"}[mark]
				}
				got += mark
				if last != nil {
					if d.PictureID != (last.PictureID+1)&0x7fff {
						t.Errorf("viewer %d: picture %d after %d", i, d.PictureID, last.PictureID)
					}
					if d.TL0PICIDX != last.TL0PICIDX+uint8(b2i(d.TID == 0)) {
						t.Errorf("viewer %d: TL0PICIDX %d after %d in layer %d", i, d.TL0PICIDX, last.TL0PICIDX, d.TID)
					}
					if int32(w.got[k].Timestamp-lastTS) <= 0 {
						t.Errorf("viewer %d: timestamp %d after %d", i, w.got[k].Timestamp, lastTS)
					}
				}
				last, lastTS = &d, w.got[k].Timestamp
			}
		}
		if got != want[i] {
			t.Errorf("viewer %d got %s, want %s", i, got, want[i])
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
