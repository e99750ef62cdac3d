package jitter_test

import (
	"container/heap"
	"crypto/md5"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/video/jitter"
	"github.com/edgecam/edgecam/engine/video/vp8"
)

// path is a modelled network with a loss rate each way.
type path struct {
	loss, reorder float64 // shares of packets
	burst         int     // packets lost in a row, 0 and 1: single ones
	rtt, jitter   time.Duration
	// outage is a time without any packet.
	outageFrom, outageTo time.Duration
}

// scene is what is sent over it.
type scene struct {
	seconds, layers int
	cfg             jitter.Config
	firstSeq        uint16
	noNACK          bool // the sender sends nothing again
}

type event struct {
	at    time.Duration
	order int
	run   func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// world runs sender, network and receiver in one simulated time.
type world struct {
	t      *testing.T
	rng    *rand.Rand
	path   path
	events events
	orders int
	now    time.Duration
	epoch  time.Time

	enc      *vp8.Encoder
	pic      *media.Picture
	forceKey bool
	keys     int
	seq      uint16
	pid      uint16
	tl0      uint8
	history  map[uint16]jitter.Packet
	resent   map[uint16]time.Duration
	resends  int
	sums     map[uint32][md5.Size]byte
	inBurst  int
	noNACK   bool
	tlayers  int

	buf     *jitter.Buffer
	dec     *vp8.Decoder
	wakeAt  time.Duration
	shown   int
	wrong   int
	longest time.Duration
	lastAt  time.Duration
	worst   time.Duration // age of a frame when handed out
}

func (w *world) after(d time.Duration, run func()) {
	w.orders++
	heap.Push(&w.events, event{w.now + d, w.orders, run})
}

func (w *world) time() time.Time { return w.epoch.Add(w.now) }

// draw paints something that moves.
func (w *world) draw(n int) {
	p := w.pic
	for y := range p.Height {
		row := p.Y[y*p.YStride:]
		for x := range p.Width {
			row[x] = byte(60 + (x+3*n)/4%64 + (y+n)/3%64)
		}
	}
	bx, by := (5*n)%(p.Width-48), (3*n)%(p.Height-48)
	for y := range 48 {
		for x := range 48 {
			p.Y[(by+y)*p.YStride+bx+x] = byte(16 + (x*y+7*n)%200)
		}
	}
	for i := range p.U {
		p.U[i], p.V[i] = byte(120+n%16), byte(136-n%16)
	}
}

const frameInterval = time.Second / 30

func (w *world) sendFrame(n int) {
	w.draw(n)
	out, err := w.enc.Encode(w.pic, vp8.FrameOptions{ForceKey: w.forceKey})
	if err != nil {
		w.t.Fatal(err)
	}
	w.forceKey = false
	if out.Key {
		w.keys++
	}
	ts := uint32(0xfffffff0) + uint32(n)*3000 // wraps at once
	if out.Data == nil {
		return
	}
	w.sums[ts] = sum(w.enc.Reconstruction())
	desc := []byte{0x80, 0x80, 0x80 | byte(w.pid>>8), byte(w.pid)}
	w.pid = (w.pid + 1) & 0x7fff
	if out.NonReference {
		desc[0] |= 0x20
	}
	if w.layers() {
		if out.TemporalID == 0 {
			w.tl0++
		}
		desc[1] |= 0x60
		b := out.TemporalID << 6
		if out.LayerSync {
			b |= 0x20
		}
		desc = append(desc, w.tl0, b)
	}
	const room = 500
	for i := 0; i < len(out.Data); i += room {
		part := out.Data[i:min(i+room, len(out.Data))]
		d := append([]byte(nil), desc...)
		if i == 0 {
			d[0] |= 0x10
		}
		p := jitter.Packet{SequenceNumber: w.seq, Timestamp: ts, Marker: i+room >= len(out.Data), Payload: append(d, part...)}
		w.history[w.seq] = p
		w.seq++
		w.send(p)
	}
}

func (w *world) layers() bool { return w.tlayers > 1 }

func (w *world) lost() bool {
	if w.path.outageTo > 0 && w.now >= w.path.outageFrom && w.now < w.path.outageTo {
		return true
	}
	if w.inBurst > 0 {
		w.inBurst--
		return true
	}
	burst := max(w.path.burst, 1)
	if w.rng.Float64() < w.path.loss/float64(burst) {
		w.inBurst = burst - 1
		return true
	}
	return false
}

func (w *world) delay() time.Duration {
	d := w.path.rtt / 2
	if w.path.jitter > 0 {
		d += time.Duration(w.rng.Int64N(int64(w.path.jitter)))
	}
	if w.rng.Float64() < w.path.reorder {
		d += 5*time.Millisecond + time.Duration(w.rng.Int64N(int64(10*time.Millisecond)))
	}
	return d
}

func (w *world) send(p jitter.Packet) {
	if w.lost() {
		return
	}
	copies := 1
	if w.rng.Float64() < w.path.reorder/4 {
		copies = 2
	}
	for range copies {
		w.after(w.delay(), func() {
			w.buf.Insert(p, w.time())
			w.receive()
		})
	}
}

// receive does what a client does after each packet and at each wake-up.
func (w *world) receive() {
	for {
		f, ok := w.buf.Next(w.time())
		if !ok {
			break
		}
		p, err := w.dec.Decode(f.Data)
		w.buf.Decoded(err == nil, 2*time.Millisecond, w.time())
		if err != nil || p == nil || sum(p) != w.sums[uint32(f.Timestamp)] {
			w.wrong++
			continue
		}
		if w.shown > 0 {
			w.longest = max(w.longest, w.now-w.lastAt)
		}
		w.shown++
		w.lastAt = w.now
		sent := time.Duration(uint32(f.Timestamp)-0xfffffff0) * time.Second / jitter.RateHz
		w.worst = max(w.worst, w.now-sent)
	}
	fb := w.buf.Feedback(w.time())
	if len(fb.NACK) > 0 && !w.lost() && !w.noNACK {
		list := append([]uint16(nil), fb.NACK...)
		w.after(w.path.rtt/2, func() {
			for _, s := range list {
				// As a node does, at most twice in a round trip.
				last, again := w.resent[s]
				if p, ok := w.history[s]; ok && (!again || w.now-last >= w.path.rtt/2) {
					w.resent[s] = w.now
					w.resends++
					w.send(p)
				}
			}
		})
	}
	if fb.PLI && !w.lost() {
		w.after(w.path.rtt/2, func() { w.forceKey = true })
	}
	if at := w.buf.Wake(w.time(), 100*time.Millisecond).Sub(w.epoch); w.wakeAt <= w.now || at < w.wakeAt {
		w.wakeAt = max(at, w.now+time.Millisecond)
		when := w.wakeAt
		w.after(when-w.now, func() {
			if w.wakeAt == when {
				w.wakeAt = 0
				w.receive()
			}
		})
	}
}

func sum(p *media.Picture) [md5.Size]byte {
	h := md5.New()
	for y := range p.Height {
		h.Write(p.Y[y*p.YStride:][:p.Width])
	}
	cw, ch := p.ChromaSize()
	for y := range ch {
		h.Write(p.U[y*p.UVStride:][:cw])
		h.Write(p.V[y*p.UVStride:][:cw])
	}
	return [md5.Size]byte(h.Sum(nil))
}

func simulate(t *testing.T, seed uint64, p path, s scene) *world {
	t.Helper()
	enc, err := vp8.NewEncoder(vp8.EncoderConfig{
		Width: 192, Height: 144, FrameRate: 30, BitrateBps: 400_000, Speed: vp8.MaxSpeed,
		TemporalLayers: s.layers, Denoise: vp8.DenoiseOff,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	dec := vp8.NewDecoder(vp8.DecoderOptions{})
	defer dec.Close()
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), path: p, epoch: time.Unix(1_790_000_000, 0),
		enc: enc, pic: media.NewPicture(192, 144), seq: s.firstSeq, history: map[uint16]jitter.Packet{}, resent: map[uint16]time.Duration{},
		sums: map[uint32][md5.Size]byte{}, buf: jitter.New(s.cfg), dec: dec, noNACK: s.noNACK, tlayers: s.layers,
	}
	w.buf.SetRTT(p.rtt + p.jitter)
	for n := range s.seconds * 30 {
		w.events = append(w.events, event{at: time.Duration(n) * frameInterval, order: -1, run: func() { w.sendFrame(n) }})
	}
	heap.Init(&w.events)
	end := time.Duration(s.seconds)*time.Second + 2*time.Second
	for w.events.Len() > 0 {
		e := heap.Pop(&w.events).(event)
		if e.at > end {
			break
		}
		w.now = e.at
		e.run()
	}
	return w
}

func (w *world) report(name string) string {
	s := w.buf.Stats()
	return fmt.Sprintf("%s: shown %d of %d, keys %d, freezes %d (%v), longest pause %v, worst age %v, NACKs %d, sent again %d, PLIs %d, delay %v, dropped %d, incomplete %d",
		name, w.shown, len(w.sums), w.keys, s.FreezeCount, s.TotalFreezesDuration.Round(time.Millisecond), w.longest.Round(time.Millisecond),
		w.worst.Round(time.Millisecond), s.NACKCount, w.resends, s.PLICount, s.Delay.Round(time.Millisecond), s.FramesDropped, s.FramesIncomplete)
}

// TestNoBrokenFrameIsShown: whatever is lost, reordered or doubled, every
// picture is the one that the encoder meant; and the stream goes on.
func TestNoBrokenFrameIsShown(t *testing.T) {
	seconds, seeds := 6, uint64(2)
	if long := os.Getenv("EDGECAM_LONG"); long != "" {
		seconds, seeds = 60, 10
		if d, err := time.ParseDuration(long); err == nil {
			seconds = max(int(d/time.Second), 6)
		}
	}
	for _, c := range []struct {
		name    string
		path    path
		scene   scene
		least   float64       // share of frames shown
		longest time.Duration // pause
	}{
		{"clean", path{rtt: 20 * time.Millisecond}, scene{}, 1, 60 * time.Millisecond},
		{"reordered", path{rtt: 40 * time.Millisecond, reorder: 0.1, jitter: 10 * time.Millisecond}, scene{}, 1, 100 * time.Millisecond},
		{"1 percent", path{loss: .01, rtt: 50 * time.Millisecond}, scene{}, .99, 250 * time.Millisecond},
		{"5 percent", path{loss: .05, reorder: .02, rtt: 50 * time.Millisecond}, scene{}, .99, 300 * time.Millisecond},
		{"10 percent", path{loss: .1, reorder: .02, rtt: 50 * time.Millisecond}, scene{}, .98, 500 * time.Millisecond},
		{"10 percent, at once", path{loss: .1, reorder: .02, rtt: 50 * time.Millisecond}, scene{cfg: jitter.Config{Immediate: true}}, .97, 500 * time.Millisecond},
		{"10 percent in bursts of 5, far away", path{loss: .1, burst: 5, rtt: 200 * time.Millisecond, jitter: 20 * time.Millisecond}, scene{}, .85, 2 * time.Second},
		{"5 percent, three layers", path{loss: .05, reorder: .02, rtt: 80 * time.Millisecond}, scene{layers: 3}, .95, 500 * time.Millisecond},
		{"5 percent, three layers, nothing again", path{loss: .05, rtt: 80 * time.Millisecond}, scene{layers: 3, cfg: jitter.Config{NoNACK: true}, noNACK: true}, .4, 2 * time.Second},
		{"2 percent, nothing again", path{loss: .02, rtt: 80 * time.Millisecond}, scene{cfg: jitter.Config{NoNACK: true}, noNACK: true}, .3, 2 * time.Second},
		{"an outage of 3 s", path{loss: .01, rtt: 50 * time.Millisecond, outageFrom: 2 * time.Second, outageTo: 5 * time.Second}, scene{}, .45, 4200 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.scene.seconds, c.scene.firstSeq = seconds, 65500
			for seed := range seeds {
				w := simulate(t, seed, c.path, c.scene)
				t.Log(w.report(fmt.Sprint("seed ", seed)))
				if w.wrong != 0 {
					t.Errorf("seed %d: %d pictures are not what was sent", seed, w.wrong)
				}
				if got := float64(w.shown) / float64(len(w.sums)); got < c.least {
					t.Errorf("seed %d: %.3f of the frames were shown, want %.3f", seed, got, c.least)
				}
				if w.longest > c.longest {
					t.Errorf("seed %d: the picture stood still for %v, at most %v expected", seed, w.longest, c.longest)
				}
			}
		})
	}
}
