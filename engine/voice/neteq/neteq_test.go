package neteq

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/opus"
)

const packetTime = 20 * time.Millisecond

// rampDecoder decodes a packet into 960 samples of its number, so that a test
// sees which packet a sample came from.
type rampDecoder struct{}

var errBad = errors.New("bad packet")

func (rampDecoder) MaxSamples() int { return 960 }
func (rampDecoder) Samples(p []byte) int {
	if len(p) != 2 {
		return 0
	}
	return 960
}

func (rampDecoder) Decode(p []byte, pcm []int16) (int, error) {
	if len(p) != 2 {
		return 0, errBad
	}
	for i := range pcm[:960] {
		pcm[i] = int16(p[0])<<8 | int16(p[1])
	}
	return 960, nil
}
func (rampDecoder) DecodeFEC([]byte, []int16) (int, error) { return 0, errBad }
func (rampDecoder) Conceal(pcm []int16) (int, error) {
	clear(pcm[:960])
	return 960, nil
}

func payload(n int) []byte { return []byte{byte(n >> 8), byte(n)} }

// TestOrderRestored sends packets in pairs the wrong way round, with the
// sequence number wrapping: they must come out in order without a gap.
func TestOrderRestored(t *testing.T) {
	q := New(rampDecoder{}, Config{MinDelay: 60 * time.Millisecond})
	now := time.Now()
	first := uint16(65530)
	var got []int16
	send := func(n int, at time.Time) {
		q.Insert(first+uint16(n), uint32(n*960), payload(n+1), at)
	}
	for n := 0; n < 40; n += 2 {
		at := now.Add(time.Duration(n+1) * packetTime)
		send(n+1, at)
		send(n, at)
		for range 4 {
			var b media.Block
			if q.Pull(&b) {
				got = append(got, b.Samples[:]...)
			}
		}
	}
	want := int16(1)
	for i, v := range got {
		if v != want && v != want+1 {
			t.Fatalf("sample %d is of packet %d, expected %d or %d (%+v)", i, v, want, want+1, q.Stats())
		}
		want = max(want, v)
	}
	if want < 30 || q.Stats().PacketsLost != 0 || q.Stats().ConcealedSamples != 0 {
		t.Fatalf("last packet %d, stats %+v", want, q.Stats())
	}
}

func TestBadPacketsAreCounted(t *testing.T) {
	q := New(rampDecoder{}, Config{})
	now := time.Now()
	q.Insert(1, 0, nil, now)
	q.Insert(2, 0, make([]byte, MaxPayloadBytes+1), now)
	q.Insert(3, 0, []byte{1}, now)
	q.Insert(10, 0, payload(1), now)
	q.Insert(10, 0, payload(1), now)
	q.Insert(9, 0, payload(1), now)
	if s := q.Stats(); s.PacketsDiscarded != 5 || s.PacketsReceived != 6 {
		t.Errorf("stats %+v, want 5 of 6 discarded", s)
	}
	// A sender that restarts far away is followed.
	q.Insert(30000, 0, payload(7), now)
	var b media.Block
	if !q.Pull(&b) || b.Samples[0] != 7 {
		t.Errorf("after a jump of the sequence number: sample %d, want 7", b.Samples[0])
	}
}

type channel struct {
	loss   float64
	jitter time.Duration
	ppm    float64
}

// run sends a tone through Opus and the channel and returns what is played.
func run(t *testing.T, c channel, seconds int) ([]int16, Stats) {
	t.Helper()
	enc, err := opus.NewEncoder(opus.EncoderConfig{LossPercent: 20})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := opus.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	q := New(dec, Config{})
	rng := rand.New(rand.NewPCG(1, 2))
	base := time.Now()
	type packet struct {
		seq  uint16
		ts   uint32
		data []byte
		at   time.Duration
	}
	var queue []packet
	var out []int16
	for n := range seconds * 100 {
		// The sender's clock runs (1+ppm) times as fast as the player's.
		now := time.Duration(n) * media.BlockDuration
		var b media.Block
		for i := range b.Samples {
			b.Samples[i] = int16(8000 * math.Sin(2*math.Pi*220*float64(n*media.BlockSamples+i)/media.EngineRateHz))
		}
		if p, ok, err := enc.Encode(&b); err != nil {
			t.Fatal(err)
		} else if ok && rng.Float64() >= c.loss {
			sent := time.Duration(float64(now) / (1 + c.ppm*1e-6))
			queue = append(queue, packet{uint16(n / 2), uint32(n/2) * 960, append([]byte(nil), p.Data...), sent + time.Duration(rng.Float64()*float64(c.jitter))})
		}
		keep := queue[:0]
		for _, p := range queue {
			if p.at <= now {
				q.Insert(p.seq, p.ts, p.data, base.Add(p.at))
			} else {
				keep = append(keep, p)
			}
		}
		queue = keep
		var o media.Block
		q.Pull(&o)
		out = append(out, o.Samples[:]...)
	}
	return out, q.Stats()
}

// toneShare is the mean over 100 ms pieces of the energy share at hz.
func toneShare(x []int16, hz float64) float64 {
	const piece = 4800
	var sum float64
	n := 0
	for ; len(x) >= piece; x = x[piece:] {
		var re, im, e float64
		for i, v := range x[:piece] {
			s, c := math.Sincos(2 * math.Pi * hz * float64(i) / media.EngineRateHz)
			re += float64(v) * c
			im += float64(v) * s
			e += float64(v) * float64(v)
		}
		n++
		if e > 0 {
			sum += 2 * (re*re + im*im) / (e * piece)
		}
	}
	return sum / float64(n)
}

func TestChannels(t *testing.T) {
	for name, c := range map[string]struct {
		channel
		minShare float64
		maxDelay time.Duration
	}{
		"clean":     {channel{}, 0.97, 70 * time.Millisecond},
		"jitter 60": {channel{jitter: 60 * time.Millisecond}, 0.93, 150 * time.Millisecond},
		"loss 10 %": {channel{loss: 0.1}, 0.85, 80 * time.Millisecond},
		"+300 ppm":  {channel{ppm: 300}, 0.95, 100 * time.Millisecond},
		"-300 ppm":  {channel{ppm: -300}, 0.93, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			out, st := run(t, c.channel, 20)
			share := toneShare(out[len(out)/4:], 220)
			t.Logf("tone share %.3f, %+v", share, st)
			if share < c.minShare {
				t.Errorf("the tone's share of the energy is %.3f, want at least %.2f", share, c.minShare)
			}
			if st.JitterBufferDelay > c.maxDelay {
				t.Errorf("the buffer holds %v, want at most %v", st.JitterBufferDelay, c.maxDelay)
			}
		})
	}
}

// TestBurstDrains floods the buffer after a stall: the delay must come down
// again within seconds.
func TestBurstDrains(t *testing.T) {
	q := New(rampDecoder{}, Config{})
	base := time.Now()
	for n := range 30 { // 600 ms arrive at once
		q.Insert(uint16(n), uint32(n*960), payload(0), base.Add(600*time.Millisecond))
	}
	var b media.Block
	for n := range 600 {
		if n%2 == 0 {
			k := 30 + n/2
			q.Insert(uint16(k), uint32(k*960), payload(0), base.Add(600*time.Millisecond+time.Duration(n/2)*packetTime))
		}
		q.Pull(&b)
	}
	if s := q.Stats(); s.JitterBufferDelay > 450*time.Millisecond || s.RemovedSamples == 0 {
		t.Errorf("after 6 s: %+v", s)
	}
}

func TestAllocations(t *testing.T) {
	q := New(rampDecoder{}, Config{})
	p := payload(1)
	n := 0
	now := time.Now()
	var b media.Block
	if got := testing.AllocsPerRun(200, func() {
		q.Insert(uint16(n), uint32(n*960), p, now.Add(time.Duration(n)*packetTime))
		n++
		q.Pull(&b)
		q.Pull(&b)
	}); got != 0 {
		t.Errorf("%v allocations per packet", got)
	}
}
