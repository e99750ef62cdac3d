package voice

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// cards simulates a speaker and a microphone with clocks of their own, in
// virtual time. The speaker plays a count, so that every sample says where it is
// from.
type cards struct {
	t            *testing.T
	far          FarEnd
	start        time.Time
	now          time.Duration
	micPPM       float64 // by how much the microphone's clock is fast
	jitter       time.Duration
	r            *rand.Rand
	written      int64         // samples given to the speaker
	playAt       time.Duration // when sample playPos is played
	playPos      int64
	playing      bool
	nextRead     time.Duration // when the microphone's next block is complete
	leads        []time.Duration
	discontinued int
	more         media.Block
	silent       uint64
	last         int64
}

const block = media.BlockDuration

func newCards(t *testing.T) *cards {
	return &cards{t: t, start: time.Unix(1000, 0), r: rand.New(rand.NewPCG(1, 2)), nextRead: block + 3*time.Millisecond, last: -1}
}

func span(samples int64) time.Duration {
	return time.Duration(samples) * time.Second / media.EngineRateHz
}

// run lets d pass; each step is a block written or read, whichever is due.
func (c *cards) run(d time.Duration) {
	for end := c.now + d; ; {
		// The speaker takes blocks up to 40 ms ahead.
		write := time.Duration(1 << 62)
		if c.playing {
			write = max(c.playAt+span(c.written-c.playPos)-30*time.Millisecond, c.now)
		}
		read := c.nextRead + time.Duration(c.r.Int64N(int64(c.jitter)+1))
		if min(write, read) > end {
			c.now = end
			return
		}
		if write <= read {
			c.now = write
			var b media.Block
			for i := range b.Samples {
				b.Samples[i] = int16((c.written+int64(i))%30000 + 1)
			}
			c.far.Silent(c.silent)
			c.silent = 0
			at := c.playAt + span(c.written-c.playPos)
			c.far.Played(&b, c.start.Add(at))
			c.written += media.BlockSamples
			continue
		}
		c.now = read
		c.read()
	}
}

func (c *cards) read() {
	period := time.Duration(float64(block) / (1 + c.micPPM/1e6))
	captured := c.nextRead - period
	c.nextRead += period
	var b media.Block
	c.far.take(&b, &c.more, c.start.Add(captured))
	for i, v := range b.Samples {
		if v == 0 {
			continue
		}
		// The sample nearest to what is written last that has this value.
		pos := c.written - (c.written-int64(v-1))%30000
		if pos >= c.written {
			pos -= 30000
		}
		if c.last >= 0 && i > 0 && pos != c.last+1 {
			c.discontinued++
		}
		c.last = pos
		if i == 0 {
			c.leads = append(c.leads, c.playAt+span(pos-c.playPos)-captured)
		}
	}
}

// dry lets the speaker play n samples of silence after what it has, and say so
// with the next block.
func (c *cards) dry(n int) {
	c.playAt, c.playPos = c.playAt+span(c.written-c.playPos)+span(int64(n)), c.written
	c.silent = uint64(n)
}

func (c *cards) play() {
	c.playing, c.playAt, c.playPos = true, c.now+5*time.Millisecond, c.written
}

func (c *cards) stop() {
	c.playing = false
	c.far.Stopped()
}

// steady checks that the leads since the last call are all within d of want,
// and returns it.
func (c *cards) steady(what string, want, d time.Duration) time.Duration {
	c.t.Helper()
	if len(c.leads) < 20 {
		c.t.Fatalf("%s: only %d blocks", what, len(c.leads))
	}
	for i, l := range c.leads {
		if l-want > d || want-l > d {
			c.t.Fatalf("%s: block %d of %d leads by %v, want %v", what, i, len(c.leads), l, want)
		}
	}
	c.leads = c.leads[:0]
	return want
}

const sample = 25 * time.Microsecond

func TestFarEndKeepsStep(t *testing.T) {
	c := newCards(t)
	c.jitter = 10 * time.Millisecond
	c.run(time.Second)
	c.play()
	c.run(20 * time.Second)
	c.leads = c.leads[3:] // the first block may be cut
	lead := c.steady("first words", wantedLead, sample)
	for range 5 {
		c.stop()
		c.run(2*time.Second + time.Duration(c.r.Int64N(int64(block))))
		c.leads = c.leads[:0]
		c.play()
		c.run(200 * time.Millisecond) // the first block or two may be cut
		c.leads = c.leads[:0]
		c.run(3 * time.Second)
		c.steady("words after a pause", lead, sample)
	}
	if s := c.far.Stats(); s.Realigned != 0 {
		t.Errorf("realigned %d times without need", s.Realigned)
	}
}

func TestFarEndLosses(t *testing.T) {
	c := newCards(t)
	c.play()
	c.run(3 * time.Second)
	c.leads = c.leads[3:]
	lead := c.steady("before", wantedLead, sample)
	for _, loss := range []struct {
		what string
		do   func()
	}{
		{"microphone overrun of 30 ms", func() { c.nextRead += 30 * time.Millisecond }},
		{"microphone overrun of 200 ms", func() { c.nextRead += 200 * time.Millisecond }},
		{"speaker underrun of 25 ms that is told", func() { c.dry(1200) }},
		{"speaker underrun of 300 ms that is told", func() { c.dry(14400) }},
		{"speaker underrun of 25 ms", func() { c.playAt, c.playPos = c.playAt+span(c.written-c.playPos)+25*time.Millisecond, c.written }},
		{"speaker underrun of 120 ms", func() { c.playAt, c.playPos = c.playAt+span(c.written-c.playPos)+120*time.Millisecond, c.written }},
	} {
		loss.do()
		c.run(500 * time.Millisecond)
		c.leads = c.leads[:0]
		c.run(3 * time.Second)
		c.steady("after "+loss.what, lead, sample)
	}
}

// TestFarEndToldGap: silence that the speaker's driver counted is made up for at
// once.
func TestFarEndToldGap(t *testing.T) {
	c := newCards(t)
	c.play()
	c.run(3 * time.Second)
	for range 5 {
		c.dry(1200)
		c.run(60 * time.Millisecond) // what was queued before is played first
		c.leads = c.leads[:0]
		c.run(400 * time.Millisecond)
		c.steady("right after an underrun of 25 ms that is told", wantedLead, sample)
	}
	if s := c.far.Stats(); s.Gaps != 5 || s.Realigned != 0 {
		t.Errorf("%d gaps, realigned %d times; want 5 and 0", s.Gaps, s.Realigned)
	}
}

func TestFarEndDrift(t *testing.T) {
	for _, ppm := range []float64{300, -300} {
		c := newCards(t)
		c.micPPM = ppm
		c.play()
		c.run(5 * time.Second)
		c.discontinued = 0
		c.run(15 * time.Minute) // the clocks drift apart by 270 ms
		if c.discontinued > 0 {
			t.Errorf("%v ppm: %d discontinuities in 15 minutes", ppm, c.discontinued)
		}
		for i, l := range c.leads {
			if l < 0 || l > 120*time.Millisecond {
				t.Fatalf("%v ppm: block %d leads by %v", ppm, i, l)
			}
		}
	}
}

func TestFarEndWithoutReader(t *testing.T) {
	var f FarEnd
	var b, more media.Block
	at := time.Unix(1000, 0)
	for i := range 500 {
		b.Samples[0] = int16(i + 1)
		f.Played(&b, at.Add(time.Duration(i)*block))
	}
	f.take(&b, &more, at.Add(499*block-30*time.Millisecond))
	if f.write-f.read > farRing {
		t.Errorf("%d samples wait, the ring holds %d", f.write-f.read, farRing)
	}
	f.restart()
	f.take(&b, &more, at.Add(500*block))
	for _, v := range b.Samples {
		if v != 0 {
			t.Fatal("something old is read after a restart")
		}
	}
}
