// Package queue keeps what a node has to say while no broker listens. Events
// are on disk before Put returns, survive power cuts, and are sent at least
// once: the receiver knows duplicates by their id.
//
// The queue is bounded in entries, bytes and age. When it is full the least
// important entry goes first, the oldest of its class; what rang at the door is
// kept longest.
package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
)

// Class says how dear an entry is.
type Class uint8

// The classes, rising.
const (
	Telemetry Class = iota // figures that the next ones replace
	Normal                 // motion, state changes
	Ring                   // somebody at the door, tampering, security
)

// Options bound a queue. Zero values take the defaults.
type Options struct {
	MaxEntries int           // default 512
	MaxBytes   int           // of all payloads, default 4 MiB
	MaxAge     time.Duration // default 7 days; needs a clock that was set
	Now        func() time.Time
}

// Entry is one message that waits.
type Entry struct {
	Seq     uint64
	Class   Class
	Stored  time.Time // wall clock when it was put
	Earlier bool      // put before this program started
	Data    []byte    // not to be changed

	put time.Time // with monotonic reading, unless Earlier
}

// Stats are a queue's counters since Open.
type Stats struct {
	Waiting int
	Bytes   int
	Dropped uint64 // because the queue was full or the entry too old
	Damaged uint64 // places in the file that could not be read
}

// Errors of Put.
var (
	ErrFull       = errors.New("queue: full of more important entries")
	ErrTooLarge   = errors.New("queue: entry larger than the queue")
	ErrNotDurable = errors.New("queue: entry is in memory only")
)

// Queue is such a queue. Its methods may be called from any goroutine.
type Queue struct {
	fsys durable.FS
	name string
	opt  Options

	mu       sync.Mutex
	log      durable.File
	logBytes int
	entries  []Entry // by Seq
	bytes    int
	next     uint64
	stats    Stats
	ready    chan struct{}
}

// Open reads the queue in the file name, or makes it.
func Open(fsys durable.FS, name string, opt Options) (*Queue, error) {
	if opt.MaxEntries <= 0 {
		opt.MaxEntries = 512
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = 4 << 20
	}
	if opt.MaxAge <= 0 {
		opt.MaxAge = 7 * 24 * time.Hour
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	q := &Queue{fsys: fsys, name: name, opt: opt, next: 1, ready: make(chan struct{}, 1)}
	data, err := fsys.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("queue: %w", err)
	}
	q.replay(data)
	for q.overfull(0) {
		q.drop(q.cheapest())
	}
	// Starting with a file that holds live entries only also mends a torn end.
	if err := q.compact(); err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	q.signal()
	return q, nil
}

func (q *Queue) replay(data []byte) {
	gone := map[uint64]bool{}
	for r := range records(data, &q.stats.Damaged) {
		q.next = max(q.next, r.seq+1)
		switch r.kind {
		case kindGone:
			gone[r.seq] = true
		case kindPut:
			q.insert(Entry{Seq: r.seq, Class: min(r.class, Ring), Stored: time.UnixMilli(r.stored), Earlier: true, Data: r.data})
		}
	}
	for seq := range gone {
		q.remove(seq)
	}
}

// Put stores data. When it returns nil the entry survives a power cut. With
// ErrNotDurable the disk refused, and the entry is sent if the power stays on.
func (q *Queue) Put(class Class, data []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(data) > min(q.opt.MaxBytes, maxData) {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, len(data))
	}
	q.expire()
	for q.overfull(len(data)) {
		i := q.cheapest()
		if i < 0 || q.entries[i].Class > class {
			q.stats.Dropped++
			return ErrFull
		}
		q.drop(i)
	}
	now := q.opt.Now()
	e := Entry{Seq: q.next, Class: class, Stored: now, Data: slices.Clone(data), put: now}
	q.next++
	q.insert(e)
	q.signal()
	if err := q.append(encodePut(e), true); err != nil {
		return fmt.Errorf("%w: %w", ErrNotDurable, err)
	}
	return nil
}

// First returns the oldest entry.
func (q *Queue) First() (Entry, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire()
	if len(q.entries) == 0 {
		return Entry{}, false
	}
	return q.entries[0], true
}

// Sent removes an entry that the broker has acknowledged. Should the power go
// before the removal reaches the disk, the entry is sent once more.
func (q *Queue) Sent(seq uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.remove(seq) {
		return nil
	}
	return q.append(encodeGone(seq), false)
}

// Ready receives when there may be an entry to send.
func (q *Queue) Ready() <-chan struct{} { return q.ready }

// Stats returns the counters.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Waiting, s.Bytes = len(q.entries), q.bytes
	return s
}

// Close closes the file.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.log == nil {
		return nil
	}
	err := q.log.Close()
	q.log = nil
	return err
}

// Age returns how old the entry is, and false if nobody knows because it was
// put before the program started and the clock is not to be trusted.
func (e Entry) Age(now time.Time, synced bool) (time.Duration, bool) {
	switch {
	case !e.Earlier:
		return now.Sub(e.put), true
	case synced && !e.Stored.After(now):
		return now.Sub(e.Stored), true
	}
	return 0, false
}

func (q *Queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *Queue) insert(e Entry) {
	i, found := slices.BinarySearchFunc(q.entries, e.Seq, func(e Entry, seq uint64) int {
		switch {
		case e.Seq < seq:
			return -1
		case e.Seq > seq:
			return 1
		}
		return 0
	})
	if !found {
		q.entries = slices.Insert(q.entries, i, e)
		q.bytes += len(e.Data)
	}
}

func (q *Queue) remove(seq uint64) bool {
	i := slices.IndexFunc(q.entries, func(e Entry) bool { return e.Seq == seq })
	if i < 0 {
		return false
	}
	q.bytes -= len(q.entries[i].Data)
	q.entries = slices.Delete(q.entries, i, i+1)
	return true
}

func (q *Queue) overfull(more int) bool {
	n := len(q.entries)
	if more > 0 {
		n++
	}
	return n > q.opt.MaxEntries || q.bytes+more > q.opt.MaxBytes
}

// cheapest returns the index of the oldest entry of the lowest class, -1 if
// the queue is empty.
func (q *Queue) cheapest() int {
	best := -1
	for i, e := range q.entries {
		if best < 0 || e.Class < q.entries[best].Class {
			best = i
		}
	}
	return best
}

// drop removes an entry; if that does not reach the disk it comes back after a
// restart, which is harmless.
func (q *Queue) drop(i int) {
	seq := q.entries[i].Seq
	q.remove(seq)
	q.stats.Dropped++
	if q.log != nil {
		_ = q.append(encodeGone(seq), false)
	}
}

func (q *Queue) expire() {
	now := q.opt.Now()
	for i := 0; i < len(q.entries); {
		if age, known := q.entries[i].Age(now, true); known && age > q.opt.MaxAge {
			q.drop(i)
			continue
		}
		i++
	}
}
