package neteq

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/opus"
)

// linear decodes 16-bit samples, 20 ms a packet.
type linear struct{ rateHz int }

var errBad = errors.New("bad packet")

func (l linear) RateHz() int     { return l.rateHz }
func (l linear) MaxSamples() int { return l.rateHz / 50 }
func (l linear) Samples(p []byte) int {
	if len(p)%2 != 0 || len(p) > 2*l.MaxSamples() {
		return 0
	}
	return len(p) / 2
}

func (l linear) Decode(p []byte, pcm []int16) (int, error) {
	n := l.Samples(p)
	if n == 0 {
		return 0, errBad
	}
	for i := range pcm[:n] {
		pcm[i] = int16(binary.BigEndian.Uint16(p[2*i:]))
	}
	return n, nil
}
func (linear) Conceal([]int16) (int, error) { return 0, errBad }

// link is a stream of packets on their way to a NetEQ.
type link struct {
	t      *testing.T
	q      *NetEQ
	rateHz int
	x      []int16
	out    []int16
	block  int
	cuts   int
}

func newLink(t *testing.T, rateHz int, cfg Config, x []int16) *link {
	t.Helper()
	q := NewMulti(cfg)
	if err := q.Register(0, Codec{Decoder: linear{rateHz}}); err != nil {
		t.Fatal(err)
	}
	return &link{t: t, q: q, rateHz: rateHz, x: x}
}

func (l *link) packet(i int) Packet {
	n := l.rateHz / 50
	p := Packet{SequenceNumber: uint16(65500 + i), Timestamp: uint32(0xfffff000 + int64(i*n)), Payload: make([]byte, 2*n)}
	for j, v := range l.x[i*n : (i+1)*n] {
		binary.BigEndian.PutUint16(p.Payload[2*j:], uint16(v))
	}
	return p
}

func (l *link) pull() {
	var pcm [media.BlockSamples]int16
	removed := l.q.stats.RemovedSamplesForAcceleration
	n, _ := l.q.PullSamples(pcm[:])
	if l.q.stats.RemovedSamplesForAcceleration > removed {
		l.cuts++
	}
	l.out = append(l.out, pcm[:n]...)
	l.block++
}

// run lets packets arrive with the delays that delay gives, negative: not at all.
func (l *link) run(delay func(i int) time.Duration) {
	n := len(l.x) / (l.rateHz / 50)
	due := make([][]int, 2*n+100)
	for i := range n {
		if d := delay(i); d >= 0 {
			at := int((time.Duration(i)*20*time.Millisecond + d + 9999*time.Microsecond) / (10 * time.Millisecond))
			if at < len(due) {
				due[at] = append(due[at], i)
			}
		}
	}
	for k := range 2 * n {
		for _, i := range due[k] {
			l.q.InsertPacket(l.packet(i))
		}
		l.pull()
	}
}

// voice is a buzz of a wandering pitch with noise, in words with pauses.
func voice(rateHz, seconds int) []int16 {
	r := rand.New(rand.NewPCG(7, 8))
	x := make([]int16, rateHz*seconds)
	phase, low := 0.0, 0.0
	for i := range x {
		t := float64(i) / float64(rateHz)
		phase += (120 + 20*math.Sin(2*math.Pi*0.7*t)) / float64(rateHz)
		v := 0.0
		for h := 1.0; h < 12; h++ {
			v += math.Sin(2*math.Pi*h*phase) / h
		}
		low += 0.3 * (r.NormFloat64() - low)
		word := math.Max(0, math.Sin(2*math.Pi*1.1*t))
		x[i] = int16((3000*v+600*low)*math.Sqrt(word) + 4*r.NormFloat64())
	}
	return x
}

// lag finds how late b is against a, in samples up to most, by correlation.
func lag(a, b []int16, most int) (best int, corr int32) {
	for l := range most {
		if n := min(len(a), len(b)-l); n > 0 {
			if c := correlationQ14(a[:n], b[l:l+n]); c > corr {
				best, corr = l, c
			}
		}
	}
	return best, corr
}

func TestClean(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		l := newLink(t, rate, Config{}, voice(rate, 6))
		l.run(func(int) time.Duration { return 20 * time.Millisecond })
		s := l.q.Stats()
		if s.ConcealedSamples > uint64(rate/100) || s.PacketsLost != 0 || s.PacketsDiscarded != 0 {
			t.Errorf("%d Hz: %+v", rate, s)
		}
		a, b := l.x[4*rate:4*rate+rate/2], l.out[4*rate:]
		if by, corr := lag(a, b[:rate], rate/5); by > rate*45/1000 || corr < 16370 {
			t.Errorf("%d Hz: late by %d ms with a correlation of %d/16384", rate, by*1000/rate, corr)
		}
	}
}

// TestReorder sends packets in pairs the wrong way round: nothing may be missing.
func TestReorder(t *testing.T) {
	l := newLink(t, 16000, Config{MinDelay: 40 * time.Millisecond}, voice(16000, 4))
	l.run(func(i int) time.Duration {
		if i%2 == 0 {
			return 45 * time.Millisecond
		}
		return 20 * time.Millisecond
	})
	if s := l.q.Stats(); s.ConcealedSamples > 320 || s.PacketsLost != 0 || s.PacketsDiscarded != 0 {
		t.Errorf("%+v", s)
	}
}

// TestConcealment loses every tenth packet: what is put in is as loud as what is
// missing and no click.
func TestConcealment(t *testing.T) {
	const rate = 16000
	l := newLink(t, rate, Config{MinDelay: 40 * time.Millisecond, MaxDelay: 40 * time.Millisecond}, voice(rate, 6))
	l.run(func(i int) time.Duration {
		if i%10 == 9 {
			return -1
		}
		return 20 * time.Millisecond
	})
	s := l.q.Stats()
	if s.PacketsLost < 28 || s.PacketsLost > 30 || s.ConcealmentEvents < 28 || s.ConcealmentEvents > 32 {
		t.Errorf("%+v", s)
	}
	by, _ := lag(l.x[rate:3*rate], l.out[rate:4*rate], rate/5)
	var signal, noise float64
	steps, most := 0, 0
	for i := 9; i < 250; i += 10 {
		at := i * rate / 50
		for j := at; j < at+rate/50; j++ {
			a, b := float64(l.x[j]), float64(l.out[j+by])
			signal += a * a
			noise += (a - b) * (a - b)
		}
		if d := int(l.out[at+by]) - int(l.out[at+by-1]); max(d, -d) > 6000 {
			steps++
		}
		beside := max(energyDB(l.x[at-rate/50:at]), energyDB(l.x[at:at+rate/50]), energyDB(l.x[at+rate/50:at+rate/25]))
		most = max(most, int(energyDB(l.out[at+by:at+by+rate/50])-beside))
	}
	snr := 10 * math.Log10(signal/noise)
	t.Logf("SNR of what was concealed %.1f dB", snr)
	if snr < 12.5 || steps > 0 || most > 3 {
		t.Errorf("SNR %.1f dB, want 12.5; %d clicks; at most %d dB too loud", snr, steps, most)
	}
}

func energyDB(x []int16) float64 { return 10 * math.Log10(float64(energy(x)+1000)) }

// TestDecay lets the voice end: it fades to the background, then to silence.
func TestDecay(t *testing.T) {
	const rate = 16000
	l := newLink(t, rate, Config{}, voice(rate, 4))
	l.run(func(i int) time.Duration {
		if i > 100 {
			return -1
		}
		return 20 * time.Millisecond
	})
	end := 101*rate/50 + 40*rate/1000
	if e := energyDB(l.out[end+rate*3/10 : end+rate*4/10]); e > energyDB(l.out[end-rate/5:end])-20 {
		t.Errorf("%.0f dB 300 ms after the end", e)
	}
	if s := l.q.Stats(); !s.Muted || s.SilentConcealedSamples == 0 || s.InterruptionCount != 0 {
		t.Errorf("%+v", s)
	}
	var b media.Block
	if l.q.Pull(&b); b != (media.Block{}) {
		t.Error("not silent")
	}
}

// TestDrift runs the sender's clock faster and slower by 500 ppm for two minutes:
// the delay stays where it is.
func TestDrift(t *testing.T) {
	for _, ppm := range []int{-500, 500} {
		l := newLink(t, 8000, Config{}, voice(8000, 120))
		l.run(func(i int) time.Duration {
			return 100*time.Millisecond + time.Duration(i*20*ppm)*time.Nanosecond
		})
		s := l.q.Stats()
		if s.ConcealedSamples > 3*8000/100 || s.BufferLevel > 100*time.Millisecond || s.BufferResets != 0 {
			t.Errorf("%d ppm: %+v", ppm, s)
		}
		stretched := s.InsertedSamplesForDeceleration
		if ppm < 0 {
			stretched = s.RemovedSamplesForAcceleration
		}
		if stretched < 300 || stretched > 900 {
			t.Errorf("%d ppm: %d samples taken out or put in, 480 are the drift", ppm, stretched)
		}
		// The first brings the start's delay down.
		if l.cuts > 4 {
			t.Errorf("%d ppm: %d pieces taken out, where three do", ppm, l.cuts)
		}
	}
}

// TestDelayBounds sets the delay from outside, and changes it.
func TestDelayBounds(t *testing.T) {
	const rate = 16000
	l := newLink(t, rate, Config{BaseMinDelay: 200 * time.Millisecond}, voice(rate, 12))
	l.run(func(i int) time.Duration {
		if i == 300 {
			if err := l.q.SetDelay(0, 50*time.Millisecond, 0); err != nil {
				t.Fatal(err)
			}
		}
		return 20 * time.Millisecond
	})
	// The bounds were changed while delays were being laid down: all of it ran with
	// at most 50 ms.
	if s := l.q.Stats(); s.PlayoutDelay > 60*time.Millisecond {
		t.Errorf("delay %v", s.PlayoutDelay)
	}
	l = newLink(t, rate, Config{BaseMinDelay: 200 * time.Millisecond}, voice(rate, 4))
	l.run(func(int) time.Duration { return 20 * time.Millisecond })
	by, _ := lag(l.x[2*rate:2*rate+rate/2], l.out[2*rate:3*rate+rate/2], rate/2)
	if ms := by * 1000 / rate; ms < 215 || ms > 240 {
		t.Errorf("late by %d ms with a base of 200", ms)
	}
	for _, d := range [][3]time.Duration{{-1, 0, 0}, {time.Second, time.Millisecond, 0}, {0, time.Hour, 0}} {
		if err := l.q.SetDelay(d[0], d[1], d[2]); !errors.Is(err, ErrConfig) {
			t.Errorf("%v: %v", d, err)
		}
	}
}

// TestStall stops the network for 300 ms once in a while: what comes late is heard,
// and caught up with.
func TestStall(t *testing.T) {
	const rate = 16000
	l := newLink(t, rate, Config{}, voice(rate, 30))
	l.run(func(i int) time.Duration {
		if since := i - 500; since >= 0 && since < 15 {
			return time.Duration(320-20*since) * time.Millisecond
		}
		return 20 * time.Millisecond
	})
	s := l.q.Stats()
	if s.PlayoutDelay > 400*time.Millisecond || s.RemovedSamplesForAcceleration == 0 {
		t.Errorf("%+v", s)
	}
	if c := s.ConcealedSamples * 1000 / rate; c < 100 || c > 400 {
		t.Errorf("%d ms concealed in a stall of 300 ms", c)
	}
}

func TestBadPackets(t *testing.T) {
	q := New(linear{16000}, Config{})
	good := make([]byte, 640)
	now := time.Time{}
	q.Insert(1, 0, nil, now)
	q.Insert(2, 320, make([]byte, MaxPayloadBytes+1), now)
	q.Insert(3, 640, []byte{1}, now)
	q.Insert(10, 2880, good, now)
	q.Insert(10, 2880, good, now)
	if s := q.Stats(); s.PacketsDiscarded != 4 || s.PacketsReceived != 5 {
		t.Errorf("%+v, want 4 of 5 discarded", s)
	}
	// One packet from elsewhere is not followed, two are.
	q.Insert(30000, 1<<30, good, now)
	if s := q.Stats(); s.BufferResets != 0 || s.PacketsDiscarded != 5 {
		t.Errorf("%+v", s)
	}
	q.Insert(30001, 1<<30+320, good, now)
	if s := q.Stats(); s.BufferResets != 1 {
		t.Errorf("%+v", s)
	}
}

// TestOpusFEC loses packets of Opus: those behind a loss mend it.
func TestOpusFEC(t *testing.T) {
	enc, err := opus.NewEncoder(opus.EncoderConfig{LossPercent: 20, BitrateBps: 24000})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := opus.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	q := New(dec, Config{MinDelay: 60 * time.Millisecond, OwnConcealment: true})
	x := voice(48000, 8)
	var b media.Block
	var seq uint16
	for n := range 800 {
		copy(b.Samples[:], x[n*480:])
		p, ok, err := enc.Encode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			if seq++; seq%7 != 0 {
				q.Insert(seq, uint32(seq)*960, p.Data, time.Time{})
			}
		}
		q.Pull(&b)
	}
	s := q.Stats()
	if s.PacketsLost < 50 || s.FECPacketsUsed < 25 || s.DecodeErrors > 0 {
		t.Errorf("%+v", s)
	}
}

// TestAllocations pulls and inserts under loss and jitter.
func TestAllocations(t *testing.T) {
	const rate = 16000
	l := newLink(t, rate, Config{}, voice(rate, 10))
	var packets []Packet
	for i := range 500 {
		packets = append(packets, l.packet(i))
	}
	r := rand.New(rand.NewPCG(3, 4))
	next := 0
	var b media.Block
	step := func() {
		for range 2 {
			l.q.Pull(&b)
		}
		if r.IntN(10) > 0 && next < len(packets) {
			l.q.InsertPacket(packets[next])
		}
		next++
	}
	for range 210 { // every slot of the buffer has been used once
		step()
	}
	if n := testing.AllocsPerRun(250, step); n > 0.1 {
		t.Errorf("%.2f allocations per packet", n)
	}
}
