package vp8

import (
	"sync"
	"sync/atomic"
)

// encWorkers does the rows of a frame on a fixed number of goroutines that sleep
// between frames.
type encWorkers struct {
	n        int
	scratch  []encScratch
	start    []chan *Encoder
	done     sync.WaitGroup
	next     atomic.Int32
	rows     int
	job      encJob
	progress []encProgress
}

// encProgress is how far a row has come. One other row follows it at most.
type encProgress struct {
	done atomic.Int32 // macroblocks
	// wanted is the number of macroblocks that the follower sleeps for, or 0;
	// whoever sets it back to 0 decides that the follower need not sleep.
	wanted atomic.Int32
	wake   chan struct{}
}

// encJob is what is done with each row.
type encJob uint8

const (
	encJobAnalyse encJob = iota
	// encJobCode codes; row y follows two macroblocks behind row y-1.
	encJobCode
	// encJobPack writes the frame's parts; "row" 0 is the first partition,
	// the others are the token partitions.
	encJobPack
	// encJobFinish applies the loop filter and fills the borders; row y follows
	// row y-1.
	encJobFinish
)

func newEncWorkers(n int) *encWorkers {
	w := &encWorkers{n: n, scratch: make([]encScratch, n)}
	for i := 1; i < n; i++ {
		c := make(chan *Encoder, 1) // so that run need not wait for its goroutine to wake
		w.start = append(w.start, c)
		go func() {
			for e := range c {
				w.work(e, &w.scratch[i])
				w.done.Done()
			}
		}()
	}
	return w
}

func (w *encWorkers) close() {
	for _, c := range w.start {
		close(c)
	}
}

// run does a job for all rows and returns when they are done.
func (w *encWorkers) run(e *Encoder, job encJob, rows int) {
	w.job = job
	if len(w.progress) < rows {
		w.progress = make([]encProgress, rows)
		for i := range w.progress {
			w.progress[i].wake = make(chan struct{}, 1)
		}
	}
	for i := range w.progress {
		w.progress[i].done.Store(0)
	}
	w.rows = rows
	w.next.Store(0)
	w.done.Add(len(w.start))
	for _, c := range w.start {
		c <- e
	}
	w.work(e, &w.scratch[0])
	w.done.Wait()
}

func (w *encWorkers) work(e *Encoder, s *encScratch) {
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
		}
	}
}

// encWaitAhead is how many macroblocks more than it needs a sleeper waits for,
// so that neighbouring rows do not wake each other for every macroblock.
const encWaitAhead = 6

// wait returns once row y has n of its width macroblocks done. It sleeps rather
// than spins: on a small board the other worker wants the power and the cache.
func (w *encWorkers) wait(y, n, width int) {
	p := &w.progress[y]
	if int(p.done.Load()) >= n {
		return
	}
	want := int32(min(n+encWaitAhead, width))
	p.wanted.Store(want)
	if p.done.Load() >= want && p.wanted.CompareAndSwap(want, 0) {
		return
	}
	<-p.wake
}

// reached says that row y has n macroblocks done.
func (w *encWorkers) reached(y, n int) {
	p := &w.progress[y]
	p.done.Store(int32(n))
	if want := p.wanted.Load(); want != 0 && int32(n) >= want && p.wanted.CompareAndSwap(want, 0) {
		p.wake <- struct{}{}
	}
}
