package vp8

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/edgecam/edgecam/engine/video/vp8/internal/dsp"
)

// encWorkers does the rows of a frame on the caller's goroutine and on n-1
// helpers. A frame is several jobs with little between them, so helpers keep
// awake for a moment when a job ends: to be woken takes as long as some dozen
// macroblocks. Between frames they sleep. The caller never waits for a helper
// that has not begun: a helper joins a job that is open, and finds it closed
// when all rows were taken before it came.
type encWorkers struct {
	scratch []encScratch
	helpers []encSleeper
	caller  encSleeper
	ended   sync.WaitGroup
	// own are the rows that each worker has taken of those that are its in a job
	// without order.
	own []encCounter
	// coded and filtered are how far the rows are.
	coded, filtered []encProgress
	// tail is the next row to be filtered by whoever has nothing else to do.
	tail encCounter
	// packing says that the frame's parts can be written.
	packing atomic.Bool
	// spins is how often a worker looks before it sleeps.
	spins int

	// What the open job is. Written while no helper is in a job.
	encoder *Encoder
	job     encJob
	items   int

	_     [encCacheLine]byte
	state atomic.Uint64
	_     [encCacheLine]byte
	next  atomic.Int32 // the next item to be taken
	_     [encCacheLine]byte
}

// The state of the workers: how many helpers are in the job, flags, and from bit
// 32 the number of the job.
const (
	encInJob   = 1<<16 - 1
	encOpen    = 1 << 16 // helpers may join
	encRest    = 1 << 17 // between frames: helpers sleep at once
	encEnded   = 1 << 18
	encJobUnit = 1 << 32
)

// encCacheLine is what keeps data of two workers apart: two lines, since
// neighbours are fetched in pairs.
const encCacheLine = 128

// encSpins looks, encSpinPause apart, take some 50 microseconds, roughly what it
// takes a sleeper to be woken: so long a worker waits for a row before it sleeps.
// Between the jobs of a frame it waits longer.
const (
	encSpins      = 256
	encSpinPause  = 12
	encSpinFactor = 3
	// encRowPause is the pause of one that waits for a macroblock: the next one is
	// not far.
	encRowPause = 3
)

// encSleeper is a goroutine that may sleep.
type encSleeper struct {
	asleep atomic.Bool // whoever sets it back to false wakes
	wake   chan struct{}
	_      [encCacheLine]byte
}

// encCounter is an atomic counter in a cache line of its own.
type encCounter struct {
	n atomic.Int32
	_ [encCacheLine - 4]byte
}

// encProgress is how far a row has come. One other row follows it at most.
type encProgress struct {
	done atomic.Int32 // macroblocks
	// wanted is the number of macroblocks that the follower sleeps for, or 0;
	// whoever sets it back to 0 decides that the follower need not sleep.
	wanted atomic.Int32
	wake   chan struct{}
	_      [encCacheLine - 16]byte
}

// encJob is what is done with each row.
type encJob uint8

const (
	// encJobAnalyse compares the rows with what was before. Prices do not depend
	// on that: the caller makes their tables while helpers begin.
	encJobAnalyse  encJob = iota
	encJobEstimate        // of a key frame
	// encJobCode codes the rows and filters them some rows later: item y is to
	// code row y, which follows a few macroblocks behind row y-1, and to filter row
	// y-n, n being the number of workers, so that workers taking items in turn
	// find in their cache what they filter. One worker filters all rows here, in
	// a last item; several leave the last rows to whoever finds no row to code,
	// and to encJobPack.
	encJobCode
	// encJobPack chooses the probabilities, which is the caller's, and writes the
	// frame's parts: the token partitions, and the first partition. Helpers filter
	// the rows that are left before the parts can be written, and all behind them:
	// parts are long and few, and rows are short and many, so that workers end
	// together.
	encJobPack
)

func newEncWorkers(n int) *encWorkers {
	w := &encWorkers{scratch: make([]encScratch, n), helpers: make([]encSleeper, n-1), own: make([]encCounter, n), spins: encSpins}
	if runtime.GOMAXPROCS(0) == 1 {
		w.spins = 0 // what is waited for cannot happen meanwhile
	}
	w.caller.wake = make(chan struct{}, 1)
	w.state.Store(encRest)
	for i := range w.helpers {
		w.helpers[i].wake = make(chan struct{}, 1)
		w.ended.Go(func() { w.help(&w.helpers[i], i+1) })
	}
	return w
}

// close ends the helpers and waits for them.
func (w *encWorkers) close() {
	w.state.Or(encEnded)
	w.wakeHelpers(len(w.helpers))
	w.ended.Wait()
}

// begin has the helpers wake for a frame, end lets them sleep.
func (w *encWorkers) begin() {
	if len(w.helpers) > 0 {
		w.state.And(^uint64(encRest))
		w.wakeHelpers(len(w.helpers))
	}
}

func (w *encWorkers) end() { w.state.Or(encRest) }

func (w *encWorkers) wakeHelpers(n int) {
	for i := range w.helpers[:n] {
		w.helpers[i].rouse()
	}
}

// rouse wakes the sleeper if it sleeps.
func (s *encSleeper) rouse() {
	if s.asleep.Load() && s.asleep.CompareAndSwap(true, false) {
		encWake(s.wake)
	}
}

// encWake wakes who sleeps at c. A goroutine that is woken comes first in the queue
// of the processor it was woken on, which goes on with the one that woke it; other
// processors take it from that place only after a pause of some 60 microseconds,
// from all others at once. So another takes that place, one that has nothing to do.
func encWake(c chan<- struct{}) {
	c <- struct{}{}
	go encStepAside()
}

func encStepAside() {}

// code codes the rows and filters them.
func (w *encWorkers) code(e *Encoder) {
	if len(w.helpers) > 0 {
		w.coded, w.filtered = encRestart(w.coded, e.mbH), encRestart(w.filtered, e.mbH)
	}
	w.tail.n.Store(int32(w.filteredEarly(e)))
	w.run(e, encJobCode, max(e.mbH, w.filteredEarly(e)+w.lag(e)))
}

func encRestart(p []encProgress, rows int) []encProgress {
	if len(p) < rows {
		p = make([]encProgress, rows)
		for i := range p {
			p[i].wake = make(chan struct{}, 1)
		}
	}
	for i := range p {
		p[i].done.Store(0)
	}
	return p
}

// lag is how many rows the filter comes behind coding.
func (w *encWorkers) lag(e *Encoder) int { return min(len(w.scratch), e.mbH) }

// filteredEarly is how many rows are filtered while others are coded: all where
// there is but one worker. With several, rows that are left are what workers do
// while they would wait: for the last rows to be coded, for probabilities, and for
// the last part. Small frames have few rows, and those stay in the cache: all are
// left; of others, half. A row that is filtered early has rows below that are coded
// already.
func (w *encWorkers) filteredEarly(e *Encoder) int {
	n := len(w.scratch)
	switch {
	case n == 1:
		return e.mbH
	case e.mbW*e.mbH <= encSmallFrame:
		return 0
	}
	return max(e.mbH-max((e.mbH+1)/2, n), 0)
}

// encSmallFrame is the number of macroblocks of a frame that the processors'
// caches hold: 768x576 samples.
const encSmallFrame = 48 * 36

// pack chooses the frame's probabilities and writes its parts.
func (w *encWorkers) pack(e *Encoder) {
	w.packing.Store(false)
	w.run(e, encJobPack, len(w.scratch))
}

// run does a job of so many items and returns when they are done. Of those with
// an order the caller has the first, so that it has the same rows in each frame
// as long as workers take turns: what a worker finds in its own cache need not
// come from another's.
func (w *encWorkers) run(e *Encoder, job encJob, items int) {
	w.encoder, w.job, w.items = e, job, items
	for i := range w.own {
		w.own[i].n.Store(0)
	}
	w.next.Store(1)
	w.state.Swap((w.state.Load() &^ encRest) + encJobUnit | encOpen)
	w.wakeHelpers(min(len(w.helpers), items-1))
	w.work(0, 0)
	state := w.state.And(^uint64(encOpen))
	for spins := 0; state&encInJob != 0; spins++ {
		if spins >= encSpinFactor*w.spins {
			w.caller.asleep.Swap(true)
			if w.state.Load()&encInJob != 0 || !w.caller.asleep.CompareAndSwap(true, false) {
				<-w.caller.wake
			}
		} else {
			dsp.Pause(encSpinPause)
		}
		state = w.state.Load()
	}
	w.encoder = nil
}

// help is the life of a helper, worker i.
func (w *encWorkers) help(h *encSleeper, i int) {
	var last uint64 // the job that was joined last
	spins := 0
	for {
		state := w.state.Load()
		switch {
		case state&encEnded != 0:
			return
		case state&encOpen != 0 && state/encJobUnit != last:
			if !w.state.CompareAndSwap(state, state+1) {
				continue
			}
			last, spins = state/encJobUnit, 0
			w.work(i, -1)
			if state = w.state.Add(^uint64(0)); state&(encInJob|encOpen) == 0 {
				w.caller.rouse()
			}
		case state&encRest == 0 && spins < encSpinFactor*w.spins:
			spins++
			dsp.Pause(encSpinPause)
		default:
			spins = 0
			h.asleep.Swap(true)
			if w.state.Load() == state || !h.asleep.CompareAndSwap(true, false) {
				<-h.wake
			}
		}
	}
}

// work does items for worker i, first that given if it is not negative.
func (w *encWorkers) work(i, item int) {
	e, s := w.encoder, &w.scratch[i]
	switch w.job {
	case encJobCode:
		w.inTurn(e, s, item)
		w.finishCoded(e)
	case encJobPack:
		w.packParts(e, item == 0)
	default:
		w.unordered(e, s, i)
	}
}

// inTurn codes rows one after the other and filters those some rows above.
func (w *encWorkers) inTurn(e *Encoder, s *encScratch, item int) {
	lag, early := w.lag(e), w.filteredEarly(e)
	for {
		if item < 0 {
			item = int(w.next.Add(1)) - 1
		}
		if item >= w.items {
			return
		}
		if item < e.mbH {
			e.encodeRow(s, w, item)
		}
		if y := item - lag; y >= 0 && y < early {
			e.finishRow(w, y)
		}
		item = -1
	}
}

// finishCoded filters rows that are left while others code the last ones, as long
// as there is one below that is coded, or soon will be.
func (w *encWorkers) finishCoded(e *Encoder) {
	for spins := 0; spins < w.spins; {
		y := w.tail.n.Load()
		if int(y) >= e.mbH {
			return
		}
		if below := min(int(y)+1, e.mbH-1); int(w.coded[below].done.Load()) < e.mbW {
			dsp.Pause(encSpinPause)
			spins++
		} else if w.tail.n.CompareAndSwap(y, y+1) {
			e.finishRow(w, int(y))
			spins = 0
		}
	}
}

// packParts chooses the probabilities, if that is the worker's, and writes parts
// and filters rows until there are no more.
func (w *encWorkers) packParts(e *Encoder, chooses bool) {
	if chooses {
		e.choose()
		w.next.Store(0)
		w.packing.Store(true)
	}
	for spins := 0; ; {
		packing := w.packing.Load()
		if packing {
			if p := int(w.next.Add(1)) - 1; p <= 1<<e.header.log2Partitions {
				e.packPart(p)
				continue
			}
		}
		if y := int(w.tail.n.Load()); y < e.mbH {
			if w.tail.n.CompareAndSwap(int32(y), int32(y)+1) {
				e.finishRow(w, y)
			}
		} else if packing || spins >= w.spins {
			return
		} else {
			dsp.Pause(encSpinPause)
			spins++
		}
	}
}

// unordered does the rows of worker i, those it most likely coded last time, then
// what others have left of theirs.
func (w *encWorkers) unordered(e *Encoder, s *encScratch, i int) {
	n := len(w.own)
	if i == 0 && w.job == encJobAnalyse {
		e.fillPrices(e.keyFrame)
	}
	for k := range n {
		first := (i + k) % n
		for {
			y := first + n*(int(w.own[first].n.Add(1))-1)
			if y >= w.items {
				break
			}
			if w.job == encJobAnalyse {
				e.analyseRow(s, y)
			} else {
				e.estimateRow(s, y)
			}
		}
	}
}

// encPublish is after how many macroblocks a row tells its follower how far it
// is, at the latest at its end: so that the two do not take the line that says so
// from each other for every macroblock. One that took long is told of at once: what
// moves is often no wider than that, and the two rows are to code it together, not
// one after the other.
const encPublish = 8

// behind is what a worker that begins row y knows of the row above: all of it
// is done where there is no other worker.
func (w *encWorkers) behind(y, width int) int {
	if y > 0 && len(w.helpers) > 0 {
		return 0
	}
	return width
}

// wait returns how many macroblocks of the row are done, once they are n or
// more, of width. A row that has come up to the one above is likely to stay near
// it: it waits for a few more at once, unless it has much to do with each.
func (p *encProgress) wait(w *encWorkers, n, width int, much bool) int {
	if !much {
		n = min(n+encPublish/2, width)
	}
	for range w.spins * (encSpinPause / encRowPause) {
		if done := int(p.done.Load()); done >= n {
			return done
		}
		dsp.Pause(encRowPause)
	}
	want := int32(min(n+encPublish, width))
	// A swap, not a store: what follows must not be read before, whatever an
	// emulator makes of store and load.
	p.wanted.Swap(want)
	if p.done.Load() < want || !p.wanted.CompareAndSwap(want, 0) {
		<-p.wake
	}
	return int(p.done.Load())
}

// reached says that n of the row's width macroblocks are done, the last of them
// with much to do.
func (p *encProgress) reached(n, width int, much bool) {
	if !much && n%encPublish != 0 && n != width {
		return
	}
	p.done.Swap(int32(n)) // as in wait
	if want := p.wanted.Load(); want != 0 && int32(n) >= want && p.wanted.CompareAndSwap(want, 0) {
		encWake(p.wake)
	}
}
