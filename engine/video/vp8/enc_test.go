package vp8

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

func TestEncoderConfigValidate(t *testing.T) {
	good := EncoderConfig{Width: 640, Height: 480, FrameRate: 30, BitrateBps: 500_000}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *EncoderConfig){
		"width":      func(c *EncoderConfig) { c.Width = 0 },
		"height":     func(c *EncoderConfig) { c.Height = media.MaxPictureSide + 1 },
		"rate":       func(c *EncoderConfig) { c.BitrateBps = 0 },
		"fps":        func(c *EncoderConfig) { c.FrameRate = -1 },
		"quantizer":  func(c *EncoderConfig) { c.MinQuantizer, c.MaxQuantizer = 50, 40 },
		"speed":      func(c *EncoderConfig) { c.Speed = 11 },
		"threads":    func(c *EncoderConfig) { c.Threads = -1 },
		"layers":     func(c *EncoderConfig) { c.TemporalLayers = 4 },
		"delay":      func(c *EncoderConfig) { c.BufferDelay = -time.Second },
		"partitions": func(c *EncoderConfig) { c.TokenPartitions = 3 },
		"refresh":    func(c *EncoderConfig) { c.IntraRefresh = -1 },
		"budget":     func(c *EncoderConfig) { c.FrameBudget = -1 },
		"keys":       func(c *EncoderConfig) { c.KeyInterval = -1 },
		"ratio":      func(c *EncoderConfig) { c.MaxKeyFrameRatio = -1 },
		"denoise":    func(c *EncoderConfig) { c.Denoise = 9 },
	} {
		c := good
		change(&c)
		if err := c.Validate(); !errors.Is(err, ErrEncoderConfig) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := NewEncoder(c); !errors.Is(err, ErrEncoderConfig) {
			t.Errorf("NewEncoder, %s: got %v", name, err)
		}
	}
}

func TestEncodeRefusesBadPictures(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{Width: 64, Height: 48, FrameRate: 30, BitrateBps: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	short := media.NewPicture(64, 48)
	short.U = short.U[:10]
	narrow := media.NewPicture(64, 48)
	narrow.YStride = 60
	for name, p := range map[string]*media.Picture{"nil": nil, "empty": {}, "short": short, "narrow": narrow} {
		if _, err := e.Encode(p, FrameOptions{}); !errors.Is(err, ErrPicture) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := e.Encode(media.NewPicture(64, 48), FrameOptions{}); err != nil {
		t.Errorf("a good picture after bad ones: %v", err)
	}
	e.Close()
	e.Close()
	if _, err := e.Encode(media.NewPicture(64, 48), FrameOptions{}); !errors.Is(err, ErrEncoderClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

// TestEncoderSizeChange feeds pictures of changing size: each change makes a
// key frame that decoders take without a new stream.
func TestEncoderSizeChange(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{Width: 64, Height: 48, FrameRate: 30, BitrateBps: 300_000, Speed: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d := newOutsideDecoder(t, 64, 48)
	for i, size := range [][2]int{{64, 48}, {97, 31}, {16, 200}, {5, 3}, {160, 120}} {
		s := newTestScene(uint64(i), size[0], size[1], 2)
		pic := media.NewPicture(size[0], size[1])
		for k := range 6 {
			s.next(pic)
			f, err := e.Encode(pic, FrameOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if f.Key != (k == 0) {
				t.Fatalf("size %v, frame %d: key frame is %t", size, k, f.Key)
			}
			if f.Width != size[0] || f.Height != size[1] {
				t.Fatalf("frame says %dx%d for %v", f.Width, f.Height, size)
			}
			d.add(f.Data, e.Reconstruction())
		}
	}
}

// TestEncoderThreadsGiveTheSameBytes holds for every thread count and speed.
func TestEncoderThreadsGiveTheSameBytes(t *testing.T) {
	for _, speed := range []int{0, 3, 5, 8, 10} {
		var want [][]byte
		for _, threads := range []int{1, 2, 5} {
			e, err := NewEncoder(EncoderConfig{Width: 200, Height: 150, FrameRate: 30, BitrateBps: 300_000, Threads: threads, Speed: speed, TokenPartitions: 1 << (speed % 4)})
			if err != nil {
				t.Fatal(err)
			}
			s := newTestScene(9, 200, 150, 3)
			pic := media.NewPicture(200, 150)
			for i := range 12 {
				s.next(pic)
				f, err := e.Encode(pic, FrameOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if threads == 1 {
					want = append(want, bytes.Clone(f.Data))
				} else if !bytes.Equal(f.Data, want[i]) {
					t.Fatalf("speed %d: frame %d differs with %d threads", speed, i, threads)
				}
			}
			e.Close()
		}
	}
}

func TestEncoderLeavesNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		e, err := NewEncoder(EncoderConfig{Width: 64, Height: 48, FrameRate: 30, BitrateBps: 100_000, Threads: 4})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Encode(media.NewPicture(64, 48), FrameOptions{}); err != nil {
			t.Fatal(err)
		}
		e.Close()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestEncodeDoesNotAllocate(t *testing.T) {
	regions := []Region{{X: 20, Y: 30, Width: 90, Height: 60}, {X: 200, Y: 8, Width: 40, Height: 200}}
	for _, c := range []struct {
		name    string
		threads int
		regions bool
		change  func(c *EncoderConfig)
	}{
		{"plain", 1, false, func(*EncoderConfig) {}},
		{"threads", 3, false, func(*EncoderConfig) {}},
		{"regions", 2, true, func(*EncoderConfig) {}},
		{"adaptive", 1, false, func(c *EncoderConfig) { c.AdaptiveQuant = true }},
		{"all", 2, true, func(c *EncoderConfig) {
			c.AdaptiveQuant, c.TemporalLayers, c.IntraRefresh, c.TokenPartitions = true, 3, 20, 4
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := EncoderConfig{Width: 320, Height: 240, FrameRate: 30, BitrateBps: 500_000, Speed: 4, Threads: c.threads}
			c.change(&cfg)
			e, err := NewEncoder(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			s := newTestScene(3, 320, 240, 4)
			pics := make([]*media.Picture, 8)
			for i := range pics {
				pics[i] = media.NewPicture(320, 240)
				s.next(pics[i])
			}
			i := 0
			encode := func() {
				if c.regions {
					regions[0].X = i % 100
					if err := e.SetInterest(regions, -i%20); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := e.Encode(pics[i%len(pics)], FrameOptions{ForceKey: i%16 == 0}); err != nil {
					t.Fatal(err)
				}
				i++
			}
			for range 40 {
				encode()
			}
			if n := testing.AllocsPerRun(40, encode); n != 0 {
				t.Errorf("%g allocations per frame", n)
			}
		})
	}
}

// TestEncoderMoreWorkersThanRows: workers that find no row must not disturb.
func TestEncoderMoreWorkersThanRows(t *testing.T) {
	for _, size := range [][2]int{{16, 16}, {300, 9}, {20, 40}, {64, 64}} {
		var want []byte
		for _, threads := range []int{1, 2, 3, 4, 9} {
			cfg := EncoderConfig{Width: size[0], Height: size[1], FrameRate: 25, BitrateBps: 200_000, Speed: 5, Threads: threads}
			e, err := NewEncoder(cfg)
			if err != nil {
				t.Fatal(err)
			}
			s, pic := newTestScene(1, size[0], size[1], 2), media.NewPicture(size[0], size[1])
			var got []byte
			for range 10 {
				s.next(pic)
				f, err := e.Encode(pic, FrameOptions{})
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, f.Data...)
			}
			e.Close()
			if want == nil {
				want = got
			} else if !bytes.Equal(got, want) {
				t.Errorf("%v: %d workers make another stream than one", size, threads)
			}
		}
	}
}

// TestRateControlHoldsTheBucket runs 600 frames with a rate that jumps and
// checks the mean rate of each stretch and the backlog.
func TestRateControlHoldsTheBucket(t *testing.T) {
	const fps = 25
	e, err := NewEncoder(EncoderConfig{Width: 176, Height: 144, FrameRate: fps, BitrateBps: 200_000, Speed: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := newTestScene(5, 176, 144, 3)
	pic := media.NewPicture(176, 144)
	for _, kbps := range []int{200, 60, 300, 100} {
		e.SetBitrate(kbps * 1000)
		bits := 0
		for i := range 150 {
			s.next(pic)
			f, err := e.Encode(pic, FrameOptions{})
			if err != nil {
				t.Fatal(err)
			}
			bits += 8 * len(f.Data)
			// A cut in the rate makes what already waits last longer: the
			// backlog is looked at once it had time to drain.
			if b := e.LastFrame().Backlog; i > 50 && b > 900*time.Millisecond {
				t.Fatalf("at %d kbit/s, frame %d: backlog %v", kbps, i, b)
			}
		}
		got := float64(bits) / 150 * fps / 1000
		if got > 1.15*float64(kbps) || got < 0.5*float64(kbps) {
			t.Errorf("asked for %d kbit/s, got %.0f", kbps, got)
		}
	}
}

func TestEncoderDropsOnlyIfAllowed(t *testing.T) {
	for _, allow := range []bool{false, true} {
		e, err := NewEncoder(EncoderConfig{Width: 176, Height: 144, FrameRate: 30, BitrateBps: 8000, Speed: 8, AllowDrop: allow})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		pic := media.NewPicture(176, 144)
		for range 40 {
			for i := range pic.Y {
				pic.Y[i] = byte(rng.Uint32())
			}
			f, err := e.Encode(pic, FrameOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if e.LastFrame().Dropped != (len(f.Data) == 0) {
				t.Fatal("a frame is dropped if and only if it has no data")
			}
		}
		if n := e.Stats().Dropped; allow != (n > 0) {
			t.Errorf("AllowDrop %t: %d frames dropped", allow, n)
		}
		e.Close()
	}
}
