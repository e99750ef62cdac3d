package vp8

import (
	"sync"
	"sync/atomic"
)

// encWorkers does the rows of a frame on a fixed number of goroutines that sleep
// between frames.
type encWorkers struct {
	n       int
	scratch []encScratch
	start   []chan *Encoder
	done    sync.WaitGroup
	next    atomic.Int32
	rows    int
	job     encJob
	// progress is the number of macroblocks done in each row.
	progress []atomic.Int32
	mu       sync.Mutex
	moved    *sync.Cond
	sleepers atomic.Int32
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
	// encJobFilter applies the loop filter; row y follows row y-1.
	encJobFilter
)

func newEncWorkers(n int) *encWorkers {
	w := &encWorkers{n: n, scratch: make([]encScratch, n)}
	w.moved = sync.NewCond(&w.mu)
	for i := 1; i < n; i++ {
		c := make(chan *Encoder)
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
		w.progress = make([]atomic.Int32, rows)
	}
	for i := range w.progress {
		w.progress[i].Store(0)
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
		case encJobFilter:
			e.filterRow(w, y)
		}
	}
}

// encWaitAhead is how many macroblocks more than it needs a sleeper waits for,
// so that neighbouring rows do not wake each other for every macroblock.
const encWaitAhead = 6

// wait returns once row y has n of its width macroblocks done.
func (w *encWorkers) wait(y, n, width int) {
	p := &w.progress[y]
	if int(p.Load()) >= n {
		return
	}
	n = min(n+encWaitAhead, width)
	w.mu.Lock()
	w.sleepers.Add(1)
	for int(p.Load()) < n {
		w.moved.Wait()
	}
	w.sleepers.Add(-1)
	w.mu.Unlock()
}

// reached says that row y has n macroblocks done.
func (w *encWorkers) reached(y, n int) {
	w.progress[y].Store(int32(n))
	if w.sleepers.Load() > 0 {
		w.mu.Lock()
		w.moved.Broadcast()
		w.mu.Unlock()
	}
}
