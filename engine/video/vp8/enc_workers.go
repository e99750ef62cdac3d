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
	scratch  []encScratch
	helpers  []encSleeper
	caller   encSleeper
	ended    sync.WaitGroup
	progress []encProgress
	// spins is how often a worker looks before it sleeps.
	spins int

	// What the open job is. Written while no helper is in a job.
	encoder *Encoder
	job     encJob
	rows    int

	_     [encCacheLine]byte
	state atomic.Uint64
	next  atomic.Int32 // the next row to be taken
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
	encSpins      = 512
	encSpinPause  = 6
	encSpinFactor = 3
)

// encSleeper is a goroutine that may sleep.
type encSleeper struct {
	asleep atomic.Bool // whoever sets it back to false wakes
	wake   chan struct{}
	_      [encCacheLine]byte
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
	encJobAnalyse encJob = iota
	// encJobCode codes; row y follows two macroblocks behind row y-1.
	encJobCode
	// encJobPack writes the frame's parts: the token partitions, then the first
	// partition.
	encJobPack
	// encJobFinish applies the loop filter and fills the borders; row y follows
	// row y-1.
	encJobFinish
	// encJobPackAndFinish is both, parts first: neither needs the other.
	encJobPackAndFinish
)

func newEncWorkers(n int) *encWorkers {
	w := &encWorkers{scratch: make([]encScratch, n), helpers: make([]encSleeper, n-1), spins: encSpins}
	if runtime.GOMAXPROCS(0) == 1 {
		w.spins = 0 // what is waited for cannot happen meanwhile
	}
	w.caller.wake = make(chan struct{}, 1)
	w.state.Store(encRest)
	for i := range w.helpers {
		w.helpers[i].wake = make(chan struct{}, 1)
		w.ended.Go(func() { w.help(&w.helpers[i], &w.scratch[i+1]) })
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
		s.wake <- struct{}{}
	}
}

// run does a job for all rows and returns when they are done.
func (w *encWorkers) run(e *Encoder, job encJob, rows int) {
	if len(w.progress) < rows {
		w.progress = make([]encProgress, rows)
		for i := range w.progress {
			w.progress[i].wake = make(chan struct{}, 1)
		}
	}
	for i := range w.progress[:rows] {
		w.progress[i].done.Store(0)
	}
	w.encoder, w.job, w.rows = e, job, rows
	w.next.Store(0)
	w.state.Store((w.state.Load() &^ encRest) + encJobUnit | encOpen)
	w.wakeHelpers(min(len(w.helpers), rows-1))
	w.work(&w.scratch[0])
	state := w.state.And(^uint64(encOpen))
	for spins := 0; state&encInJob != 0; spins++ {
		if spins >= encSpinFactor*w.spins {
			w.caller.asleep.Store(true)
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

// help is a helper's life.
func (w *encWorkers) help(h *encSleeper, s *encScratch) {
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
			w.work(s)
			if state = w.state.Add(^uint64(0)); state&(encInJob|encOpen) == 0 {
				w.caller.rouse()
			}
		case state&encRest == 0 && spins < encSpinFactor*w.spins:
			spins++
			dsp.Pause(encSpinPause)
		default:
			spins = 0
			h.asleep.Store(true)
			if w.state.Load() == state || !h.asleep.CompareAndSwap(true, false) {
				<-h.wake
			}
		}
	}
}

func (w *encWorkers) work(s *encScratch) {
	e := w.encoder
	for {
		y := int(w.next.Add(1)) - 1
		if y >= w.rows {
			return
		}
		switch w.job {
		case encJobAnalyse:
			e.analyseRow(s, y)
		case encJobCode:
			e.encodeRow(s, w, y)
		case encJobPack:
			e.packPart(y)
		case encJobFinish:
			e.finishRow(w, y)
		case encJobPackAndFinish:
			if parts := w.rows - e.mbH; y < parts {
				e.packPart(y)
			} else {
				e.finishRow(w, y-parts)
			}
		}
	}
}

// encPublish is after how many macroblocks a row tells its follower how far it
// is, at the latest at its end: so that the two do not take the line that says so
// from each other for every macroblock.
const encPublish = 4

// doneAbove is what a worker that begins row y knows of the row above: all of it
// is done where there is no other worker.
func (w *encWorkers) doneAbove(y, width int) int {
	if y > 0 && len(w.helpers) > 0 {
		return 0
	}
	return width
}

// wait returns how many macroblocks row y has done, once they are n or more, of
// width.
func (w *encWorkers) wait(y, n, width int) int {
	p := &w.progress[y]
	for range w.spins {
		if done := int(p.done.Load()); done >= n {
			return done
		}
		dsp.Pause(encSpinPause)
	}
	// A row that is far behind its follower is likely to stay near it: the
	// follower sleeps a little longer, so that it is not woken for every few.
	want := int32(min(n+2*encPublish, width))
	p.wanted.Store(want)
	if p.done.Load() < want || !p.wanted.CompareAndSwap(want, 0) {
		<-p.wake
	}
	return int(p.done.Load())
}

// reached says that row y has n of its width macroblocks done.
func (w *encWorkers) reached(y, n, width int) {
	if n%encPublish != 0 && n != width || len(w.helpers) == 0 {
		return
	}
	p := &w.progress[y]
	p.done.Store(int32(n))
	if want := p.wanted.Load(); want != 0 && int32(n) >= want && p.wanted.CompareAndSwap(want, 0) {
		p.wake <- struct{}{}
	}
}
