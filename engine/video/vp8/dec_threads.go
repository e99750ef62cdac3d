package vp8

import "sync"

// rowPipeline spreads the rows of a frame over several goroutines. A frame has
// three stages, each in row order: reading modes and tokens, reconstruction,
// and filtering with border extension. Every goroutine takes whatever stage has
// rows ready, so that two are busy nearly all the time though no stage runs
// twice at once; the output cannot depend on their number. More than three
// goroutines would find nothing to do.
//
// Goroutines without work sleep on a condition; nothing spins.
type rowPipeline struct {
	d    *Decoder
	mu   sync.Mutex
	wake sync.Cond
	wg   sync.WaitGroup

	// Guarded by mu. A stage that is busy has been taken by a goroutine; its
	// count moves on when the chunk is done.
	rows, chunk                        int
	parsed, reconstructed, completed   int
	parsing, reconstructing, finishing bool
	closed                             bool

	// residues is a ring of rows of residue between the first two stages.
	residues [][]residue
}

const (
	maxDecoderThreads = 3
	// chunksPerFrame bounds how often goroutines hand over: a chunk of rows is
	// worth the few microseconds it takes to wake another.
	chunksPerFrame = 16
	// ringChunks is how many chunks the first stage may be ahead.
	ringChunks = 3
)

type stage int

const (
	stageNone stage = iota
	stageParse
	stageReconstruct
	stageComplete
)

// newRowPipeline starts threads-1 goroutines; the caller of run is the last.
func newRowPipeline(d *Decoder, threads int) *rowPipeline {
	p := &rowPipeline{d: d}
	p.wake.L = &p.mu
	for range min(threads, maxDecoderThreads) - 1 {
		p.wg.Go(func() { p.work(false) })
	}
	return p
}

// resize makes the ring fit frames of w by h macroblocks. No frame is under
// way.
func (p *rowPipeline) resize(w, h int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chunk = (h + chunksPerFrame - 1) / chunksPerFrame
	p.residues = make([][]residue, min(h, p.chunk*ringChunks))
	for i := range p.residues {
		p.residues[i] = make([]residue, w)
	}
	p.rows, p.parsed, p.reconstructed, p.completed = 0, 0, 0, 0
}

// run decodes the rows of a frame and returns when all are done.
func (p *rowPipeline) run(rows int) {
	p.mu.Lock()
	p.parsed, p.reconstructed, p.completed = 0, 0, 0
	p.rows = rows
	p.wake.Broadcast()
	p.mu.Unlock()
	p.work(true)
}

// close ends the goroutines and waits for them.
func (p *rowPipeline) close() {
	p.mu.Lock()
	p.closed = true
	p.wake.Broadcast()
	p.mu.Unlock()
	p.wg.Wait()
}

// work takes stages until the frame is done (for the caller of run) or the
// pipeline is closed (for the others).
func (p *rowPipeline) work(caller bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if caller && p.completed == p.rows || p.closed {
			return
		}
		s, from, to := p.take()
		if s == stageNone {
			p.wake.Wait()
			continue
		}
		p.mu.Unlock()
		for y := from; y < to; y++ {
			p.row(s, y)
		}
		p.mu.Lock()
		p.done(s, to)
		p.wake.Broadcast()
	}
}

// take chooses the stage nearest to the frame's end that has rows ready and
// marks it busy.
func (p *rowPipeline) take() (s stage, from, to int) {
	// A row may be filtered when the one below is reconstructed, because
	// intra prediction there wants unfiltered samples.
	ready := p.reconstructed - 1
	if p.reconstructed == p.rows {
		ready = p.rows
	}
	if !p.finishing && p.completed < ready {
		p.finishing = true
		return stageComplete, p.completed, min(p.completed+p.chunk, ready)
	}
	if !p.reconstructing && p.reconstructed < p.parsed {
		p.reconstructing = true
		return stageReconstruct, p.reconstructed, min(p.reconstructed+p.chunk, p.parsed)
	}
	room := min(p.rows, p.reconstructed+len(p.residues))
	if !p.parsing && p.parsed < room {
		p.parsing = true
		return stageParse, p.parsed, min(p.parsed+p.chunk, room)
	}
	return stageNone, 0, 0
}

func (p *rowPipeline) done(s stage, to int) {
	switch s {
	case stageParse:
		p.parsed, p.parsing = to, false
	case stageReconstruct:
		p.reconstructed, p.reconstructing = to, false
	case stageComplete:
		p.completed, p.finishing = to, false
	}
}

func (p *rowPipeline) row(s stage, y int) {
	ring := p.residues[y%len(p.residues)]
	switch s {
	case stageParse:
		p.d.modes.readRow(y)
		p.d.readResidueRow(y, ring)
	case stageReconstruct:
		p.d.reconstructRow(y, ring)
	case stageComplete:
		p.d.completeRow(y)
	}
}
