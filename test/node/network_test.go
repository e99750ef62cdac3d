package node

import (
	"context"
	"encoding/binary"
	"io"
	"maps"
	"math"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/station"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/file"
	"github.com/edgecam/edgecam/internal/stoi"
	"github.com/edgecam/edgecam/internal/testdata"
	"github.com/edgecam/edgecam/test/netlab"
)

// tape keeps sound with the time at which its first sample was captured or is
// heard. What comes later is on the same clock, or padded to be.
type tape struct {
	mu      sync.Mutex
	begin   time.Time
	n       int // samples
	samples []int16
	out     io.Writer // unless nil, samples go there instead
	stopped bool
	err     error
}

func (t *tape) add(b *media.Block, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	if t.begin.IsZero() {
		t.begin = at
	}
	want := int(at.Sub(t.begin) * media.EngineRateHz / time.Second)
	if off := want - t.n; off > media.EngineRateHz/50 { // the device was silent
		t.write(make([]int16, off))
	}
	t.write(b.Samples[:])
}

func (t *tape) write(pcm []int16) {
	t.n += len(pcm)
	if t.out == nil {
		t.samples = append(t.samples, pcm...)
		return
	}
	if err := binary.Write(t.out, binary.LittleEndian, pcm); err != nil && t.err == nil {
		t.err = err
	}
}

// stop ends the recording.
func (t *tape) stop() {
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
}

type tapedMic struct {
	hal.Microphone
	tape *tape
}

func (m tapedMic) Read(ctx context.Context, b *media.Block) error {
	err := m.Microphone.Read(ctx, b)
	if err == nil {
		m.tape.add(b, b.CapturedAt)
	}
	return err
}

type tapedSpeaker struct {
	hal.Speaker
	tape *tape
}

func (s tapedSpeaker) Write(ctx context.Context, b *media.Block) error {
	heard := time.Now().Add(s.Delay())
	err := s.Speaker.Write(ctx, b)
	if err == nil || hal.KindOf(err) == hal.Overrun {
		s.tape.add(b, heard)
	}
	return err
}

// stalls notes when the machine stood still: what a call suffers from that is
// not the network's doing.
type stalls struct {
	mu   sync.Mutex
	when []time.Time
}

const stallTime = 30 * time.Millisecond

func (s *stalls) watch(ctx context.Context) {
	last := time.Now()
	for ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
		now := time.Now()
		if now.Sub(last) > 5*time.Millisecond+stallTime {
			s.mu.Lock()
			s.when = append(s.when, now)
			s.mu.Unlock()
		}
		last = now
	}
}

// during reports whether there was one between two times.
func (s *stalls) during(from, to time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.when {
		if at.After(from) && at.Before(to) {
			return true
		}
	}
	return false
}

// quality is what a second or two of speech was like.
type quality struct {
	at    time.Duration
	delay time.Duration // mouth to ear
	stoi  float64
	match float64 // correlation at that delay
	calm  bool    // the machine has not stood still for long before
}

// calmTime is how long the delay may be what a stall has made it.
const calmTime = 8 * time.Second

// clear reports whether the delay is known, and the network's doing.
func (q *quality) clear() bool { return q.calm && q.match >= 0.3 }

// compare goes through what was said and looks for it in what was heard.
// Stretches in which the machine stood still, or shortly before, are left out.
func compare(said, heard *tape, skip time.Duration, still *stalls) []quality {
	said.mu.Lock()
	clean := stoi.Resample(said.samples, media.EngineRateHz)
	said.mu.Unlock()
	heard.mu.Lock()
	got := stoi.Resample(heard.samples, media.EngineRateHz)
	heard.mu.Unlock()
	const rate, chunk = 10000, 15000
	ahead := int(heard.begin.Sub(said.begin) * rate / time.Second) // of got's start on clean's clock
	loudest := 0.0
	power := func(x []float64) (e float64) {
		for _, v := range x {
			e += v * v
		}
		return e / float64(len(x))
	}
	for i := 0; i+chunk <= len(clean); i += chunk {
		loudest = math.Max(loudest, power(clean[i:i+chunk]))
	}
	var out []quality
	for i := max(int(skip*rate/time.Second), ahead); i+chunk <= len(clean); i += chunk {
		ref := clean[i : i+chunk]
		if power(ref) < loudest/30 {
			continue
		}
		begin := said.begin.Add(time.Duration(i) * time.Second / rate)
		if still.during(begin.Add(-time.Second), begin.Add(2*time.Second)) {
			continue
		}
		// got, as it would lie without any delay.
		from := i - ahead
		if from < 0 || from+chunk+rate > len(got) {
			continue
		}
		const coarse = 4
		lag, _ := stoi.Lag(every(ref, coarse), every(got[from:from+chunk+rate], coarse), 0, rate/coarse*8/10)
		lo := max(lag*coarse-2*coarse, 0)
		fine, match := stoi.Lag(ref, got[from+lo:from+chunk+rate], 0, 4*coarse)
		fine += lo
		q := quality{at: time.Duration(i) * time.Second / rate, delay: time.Duration(fine) * time.Second / rate, match: match}
		q.calm = !still.during(begin.Add(-calmTime), begin)
		q.stoi = stoi.Measure(ref, got[from+fine:from+fine+chunk])
		if !math.IsNaN(q.stoi) {
			out = append(out, q)
		}
	}
	return out
}

// every averages n samples into one.
func every(x []float64, n int) []float64 {
	out := make([]float64, len(x)/n)
	for i := range out {
		for k := range n {
			out[i] += x[i*n+k] / float64(n)
		}
	}
	return out
}

// speech opens a recording as a microphone whose sound is kept.
func speech(path string, t *tape) func(context.Context) (hal.Microphone, error) {
	return func(ctx context.Context) (hal.Microphone, error) {
		m, err := file.NewSoundDriver(file.SoundOptions{}).OpenMicrophone(ctx, "file:"+path)
		if err != nil {
			return nil, err
		}
		return tapedMic{m, t}, nil
	}
}

// callOver makes a call over a bad network and returns what was said and heard
// at both ends.
func callOver(t *testing.T, way netlab.Conditions, lasts time.Duration, name codec.Name) (toStation, toNode []quality, st station.Stats) {
	t.Helper()
	woman := testdata.Shared(t, "voice", "open", "speech", "en_f.wav")
	man := testdata.Shared(t, "voice", "open", "speech", "it_m.wav")
	var nodeSays, nodeHears, stationSays, stationHears tape
	var still stalls
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { still.watch(ctx) })
	defer watch.Wait()
	defer cancel()
	b := start(t, func(_ *engine.Config, b *bench) {
		b.devices = func(d *engine.Devices) {
			d.Microphone = speech(woman, &nodeSays)
			d.Camera = smallCamera(b)
			open := d.Speaker
			d.Speaker = func(ctx context.Context) (hal.Speaker, error) {
				s, err := open(ctx)
				return tapedSpeaker{s, &nodeHears}, err
			}
		}
	})
	relay, err := netlab.NewRelay(netlab.RelayConfig{
		Target:   netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(b.engine.Sessions().Port())),
		ToServer: []netlab.Step{netlab.Always(way)}, ToClient: []netlab.Step{netlab.Always(way)}, Seed: 11,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Close() })
	target, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = ""
	signalling := httptest.NewServer(netlab.Signalling(target, relay.Addr()))
	t.Cleanup(signalling.Close)
	c := call(t, signalling.URL+"/whep", func(cfg *station.Config, d *station.Devices) {
		cfg.Dial.Call.VoiceCodecs = []codec.Name{name}
		d.Microphone = speech(man, &stationSays)
		open := d.Speaker
		d.Speaker = func(ctx context.Context) (hal.Speaker, error) {
			s, err := open(ctx)
			return tapedSpeaker{s, &stationHears}, err
		}
	})
	c.event("connected", func(e station.Event) bool { return e.Type == "connected" })
	time.Sleep(5 * time.Second)
	memory, routines := footprint()
	time.Sleep(lasts - 5*time.Second)
	memoryAfter, routinesAfter := footprint()
	t.Logf("heap %d kB, later %d kB; goroutines %d, later %d", memory>>10, memoryAfter>>10, routines, routinesAfter)
	if routinesAfter > routines+2 {
		t.Errorf("%d goroutines became %d", routines, routinesAfter)
	}
	// The tapes themselves grow: four of 96 kB a second.
	grown := int64(memoryAfter) - int64(memory) - int64(4*2*96000*(lasts.Seconds()-5))
	if grown > 8<<20 {
		t.Errorf("the heap has grown by %d kB beside the recordings", grown>>10)
	}
	// What is compared now must not disturb what still runs.
	for _, tp := range []*tape{&nodeSays, &nodeHears, &stationSays, &stationHears} {
		tp.stop()
	}
	up, down, overrun := relay.Stats()
	t.Logf("to the node %+v, to the station %+v", up, down)
	if up.Lost == 0 || down.Lost == 0 || overrun > 0 {
		t.Errorf("the call did not go through the bad network, or the relay was overrun (%d)", overrun)
	}
	st = c.Stats()
	return compare(&nodeSays, &stationHears, 4*time.Second, &still), compare(&stationSays, &nodeHears, 4*time.Second, &still), st
}

func footprint() (heap uint64, goroutines int) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, runtime.NumGoroutine()
}

// judge reports on a direction: intelligibility and delay. The delay must be
// bounded and flat as far as the machine leaves it alone.
func judge(t *testing.T, where string, q []quality) {
	t.Helper()
	if len(q) < 4 {
		testdata.Missing(t, "%s: only %d stretches of speech in which the machine did not stand still: it is too busy for this test", where, len(q))
	}
	var sum float64
	var delays []time.Duration
	minutes := map[time.Duration][]time.Duration{}
	for i := range q {
		s := &q[i]
		sum += s.stoi
		t.Logf("%s at %v: delay %v, STOI %.3f (correlation %.2f), calm %v", where, s.at.Round(time.Millisecond), s.delay.Round(time.Millisecond), s.stoi, s.match, s.calm)
		if s.clear() {
			delays = append(delays, s.delay)
			minute := s.at.Truncate(time.Minute)
			minutes[minute] = append(minutes[minute], s.delay)
		}
	}
	mean := sum / float64(len(q))
	t.Logf("%s: STOI %.3f over %d stretches", where, mean, len(q))
	if mean < 0.8 {
		t.Errorf("%s: STOI %.3f, want 0.8", where, mean)
	}
	if len(delays) < 4 {
		t.Logf("%s: the machine was too busy to tell the network's delay from its own", where)
		return
	}
	t.Logf("%s: mouth to ear %v in the middle, %v for 95 of 100, over %d stretches", where, percentile(delays, 50), percentile(delays, 95), len(delays))
	if most := percentile(delays, 95); most > 400*time.Millisecond {
		t.Errorf("%s: mouth to ear %v", where, most)
	}
	// Flat: no minute is far from another.
	var line []time.Duration
	for _, minute := range slices.Sorted(maps.Keys(minutes)) {
		if len(minutes[minute]) >= 4 {
			line = append(line, percentile(minutes[minute], 50))
		}
	}
	t.Logf("%s: from minute to minute %v", where, line)
	if len(line) > 0 && slices.Max(line)-slices.Min(line) > 60*time.Millisecond {
		t.Errorf("%s: the delay changes by %v", where, slices.Max(line)-slices.Min(line))
	}
}

func percentile(d []time.Duration, p int) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[(len(d)-1)*p/100].Round(time.Millisecond)
}

// TestCallOverBadNetwork: 10 % loss and 60 ms of jitter both ways, on loopback.
func TestCallOverBadNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	toStation, toNode, st := callOver(t, badWay, 30*time.Second, codec.Opus)
	judge(t, "heard at the station", toStation)
	judge(t, "heard at the node", toNode)
	judgePicture(t, &st)
}

// badWay loses 10 % and delays the rest by 20 to 80 ms.
var badWay = netlab.Conditions{Delay: 20 * time.Millisecond, Jitter: 60 * time.Millisecond, Loss: .1}

// soakLength is how long a call shall last: as EDGECAM_SOAK says, if it does.
func soakLength(t *testing.T, usual time.Duration) time.Duration {
	t.Helper()
	s := os.Getenv("EDGECAM_SOAK")
	if s == "" {
		return usual
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 30*time.Second {
		t.Fatalf("EDGECAM_SOAK=%s, must be a time of 30s or more", s)
	}
	return d
}

func judgePicture(t *testing.T, st *station.Stats) {
	t.Helper()
	v := st.Video
	t.Logf("picture: %d frames decoded, %d freezes (%v), %d NACK, %d PLI, %d recovered", v.FramesDecoded, v.FreezeCount, v.TotalFreezesDuration, v.NACKCount, v.PLICount, v.RetransmittedPacketsReceived)
	if v.FramesCorrupt != 0 || v.FramesDecoded == 0 || v.RetransmittedPacketsReceived == 0 {
		t.Errorf("picture: %+v", v)
	}
}
