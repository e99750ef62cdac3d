package voice

import (
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

const (
	farRing = 1 << 15 // samples: 680 ms
	// mostFar is what may wait for a microphone that does not read.
	mostFar = farRing - 8*media.BlockSamples
	// A jump between the two devices' clocks is believed when jumpBlocks stamps
	// in a row lie off by more than leastJump, to the same side: stamps of real
	// cards are uncertain by a few milliseconds.
	jumpBlocks = 16
	leastJump  = 4 * time.Millisecond
	// wantedLead is the lead of every stretch: room for stamps that are too early
	// by that much, and less than what speakers buffer. As it is always the same,
	// the canceller's model fits again after a pause.
	wantedLead = 16 * time.Millisecond
	// believable bounds what stamps may say; beyond, they are taken as they are.
	believable = 300 * time.Millisecond
	// leastLead is what the canceller may count on: it reads the rest of the lead
	// late, and so has room for clocks that drift either way.
	leastLead = 4 * time.Millisecond
	// mostWander is how far two cards' clocks may drift apart before the far end
	// is put back; the canceller follows up to there.
	mostWander = media.BlockDuration
	// steadyShift is the memory of the steady lead: 2.5 s.
	steadyShift = 8
	// dryBlocks in dryWindow that were partly there mean that the far end is read
	// too early: the speaker buffers little, or the microphone's card runs faster.
	dryBlocks, dryWindow = 4, 100
)

// FarEnd carries what is handed to the speaker over to the microphone's side.
// Played and Stopped may be called from another goroutine than the FrontEnd's
// methods.
//
// Samples are counted, not timed: each block of the microphone takes as many as
// it has, so that neither device's jitter is heard by the canceller. Times are
// used to notice when samples were lost on either side (an overrun, an underrun,
// a card opened again), and to find the old place again after a pause. The lead
// is by how much a sample is read before it is played, by the devices' stamps;
// it need not be true, only steady.
type FarEnd struct {
	mu      sync.Mutex
	ring    [farRing]int16
	write   int64 // samples ever written
	read    int64 // and read
	playing bool
	fresh   bool // the stretch has not been read yet
	hold    int  // samples of silence to give before the next
	owed    int  // samples that came too late and are to be left out

	stampAt  time.Time // when sample stampPos is played
	stampPos int64

	lead   time.Duration
	steady time.Duration // lead, slowly averaged
	run    int           // blocks in a row that lie off
	runSum time.Duration

	dry, window int
	news        farNews
	stats       FarStats
}

// farNews is what the canceller must know of the far end's place in time.
type farNews struct {
	// begun says that a stretch begins, with the lead, whatever the clocks had
	// made of that before.
	begun bool
	lead  time.Duration
	// later is by how much the far end was put back since.
	later time.Duration
	// more says that a block more is to be taken before the one that belongs to
	// the microphone's, none that no block belongs to it: so the far end is put
	// back without a hole.
	more, none bool
}

// FarStats are counts since the start.
type FarStats struct {
	// Playing says that the speaker is in use; LeadMS is by how many milliseconds
	// the reference runs ahead of the speaker's converter, by the devices' stamps.
	Playing bool  `json:"playing"`
	LeadMS  int   `json:"lead_ms"`
	Blocks  int64 `json:"blocks"`
	// Gaps counts the times that the speaker ran dry.
	Gaps int64 `json:"gaps"`
	// Realigned counts losses of samples on either side that were made up for,
	// Late blocks that were not there in time.
	Realigned int64 `json:"realigned"`
	Late      int64 `json:"late"`
}

// Played takes a block that was handed to the speaker and whose first sample is
// heard at the given time.
func (f *FarEnd) Played(b *media.Block, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.write-f.read > mostFar {
		f.read = f.write // nobody listens
		f.fresh = true
	}
	if !f.playing {
		f.playing, f.fresh = true, true
		f.read, f.owed, f.hold = f.write, 0, 0
	}
	f.stampAt, f.stampPos = at, f.write
	for i, v := range b.Samples {
		f.ring[(f.write+int64(i))&(farRing-1)] = v
	}
	f.write += media.BlockSamples
	f.stats.Blocks++
}

// Silent says that the speaker played silence for want of blocks, after the last
// block that it was given.
func (f *FarEnd) Silent(samples uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.playing || samples == 0 {
		return
	}
	f.stats.Gaps++
	f.dry = 0 // what was short was short because of this
	if samples > mostFar-uint64(f.write-f.read) {
		f.playing = false // as good as closed and opened again
		return
	}
	for range samples {
		f.ring[f.write&(farRing-1)] = 0
		f.write++
	}
}

// Stopped says that the speaker was closed.
func (f *FarEnd) Stopped() {
	f.mu.Lock()
	f.playing = false
	f.mu.Unlock()
}

// restart is called when the microphone was opened: what waits is old.
func (f *FarEnd) restart() {
	f.mu.Lock()
	f.read, f.owed, f.hold = f.write, 0, 0
	f.fresh = f.playing
	f.mu.Unlock()
}

// take fills dst with what belongs to a block of the microphone captured at the
// given time, and tells what became of the lead; more is filled if news says so.
func (f *FarEnd) take(dst, more *media.Block, capturedAt time.Time) (news farNews) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { news, f.news = f.news, farNews{} }()
	clear(dst.Samples[:])
	f.stats.Playing = f.playing
	out := dst.Samples[:]
	if f.fresh {
		if f.write == f.read {
			return news
		}
		f.begin(capturedAt)
	} else if f.playing {
		f.watch(capturedAt)
	}
	if f.news.none {
		return news
	}
	if f.news.more {
		f.read += int64(f.copyOut(more.Samples[:]))
	}
	if f.hold > 0 {
		n := min(f.hold, len(out))
		f.hold -= n
		out = out[n:]
	}
	if f.owed > 0 {
		f.owed -= f.skip(f.owed)
	}
	n := f.copyOut(out)
	f.read += int64(n)
	if n < len(out) && f.playing {
		f.short(len(out) - n)
	}
	if f.window++; f.window >= dryWindow {
		f.window, f.dry = 0, 0
	}
	return news
}

// copyOut copies what comes next, as far as it is there.
func (f *FarEnd) copyOut(out []int16) int {
	n := int(min(int64(len(out)), f.write-f.read))
	for i := range out[:n] {
		out[i] = f.ring[(f.read+int64(i))&(farRing-1)]
	}
	return n
}

// skip leaves samples out, as many as there are.
func (f *FarEnd) skip(n int) int {
	n = int(min(int64(n), f.write-f.read))
	f.read += int64(n)
	return n
}

// leadOf returns the lead of the sample that is read next.
func (f *FarEnd) leadOf(capturedAt time.Time) time.Duration {
	// hold and owed samples count as if they had been dealt with.
	pos := f.read + int64(f.owed-f.hold)
	return f.stampAt.Sub(capturedAt) + time.Duration(pos-f.stampPos)*time.Second/media.EngineRateHz
}

func samplesOf(d time.Duration) int {
	return int((d*media.EngineRateHz + time.Second/2) / time.Second)
}

// shift changes the lead by -d: samples are given later (d above 0) or left out.
func (f *FarEnd) shift(d time.Duration) {
	if n := samplesOf(max(d, -d)); d > 0 {
		f.hold += n
	} else {
		f.owed += n
	}
	both := min(f.hold, f.owed)
	f.hold -= both
	f.owed -= both
}

// begin puts the start of a stretch at the wanted lead.
func (f *FarEnd) begin(capturedAt time.Time) {
	f.fresh = false
	f.lead = f.leadOf(capturedAt)
	if off := f.lead - wantedLead; max(off, -off) < believable {
		f.shift(off)
		f.lead = wantedLead
	}
	f.steady, f.run, f.runSum = f.lead, 0, 0
	f.news = farNews{begun: true, lead: f.lead}
	f.stats.LeadMS = int(f.lead.Milliseconds())
}

// watch looks for samples that were lost on either side.
func (f *FarEnd) watch(capturedAt time.Time) {
	lead := f.leadOf(capturedAt)
	off := lead - f.steady
	if max(off, -off) < leastJump || f.run > 0 && (off > 0) != (f.runSum > 0) {
		f.steady += off >> steadyShift
		f.run, f.runSum = 0, 0
		switch wandered := f.steady - f.lead; {
		case wandered > mostWander:
			f.news.none = true
			f.steady -= media.BlockDuration
			f.stats.Realigned++
		case wandered < -mostWander && f.write-f.read >= 2*media.BlockSamples:
			f.news.more = true
			f.steady += media.BlockDuration
			f.stats.Realigned++
		}
		return
	}
	f.run++
	f.runSum += off
	if f.run < jumpBlocks {
		return
	}
	f.shift(f.runSum / jumpBlocks)
	f.run, f.runSum = 0, 0
	f.stats.Realigned++
}

// short notes that n samples were not there in time. They are left out when they
// come; if that goes on, all is read later instead.
func (f *FarEnd) short(n int) {
	f.stats.Late++
	f.owed += n
	if n == media.BlockSamples || f.run > 0 {
		return // the speaker or its goroutine stood still
	}
	if f.dry++; f.dry < dryBlocks {
		return
	}
	f.dry = 0
	const later = media.BlockDuration
	f.shift(later)
	f.lead -= later
	f.steady -= later
	f.news.later += later
	f.stats.LeadMS = int(f.lead.Milliseconds())
}

// Stats returns the statistics.
func (f *FarEnd) Stats() FarStats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}
