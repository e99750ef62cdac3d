package netlab

import "time"

// Download is the sending side of a TCP connection that always has something to
// send, as far as a path sees it: slow start, then a packet more in each round
// trip, and half the window after a loss (Reno, RFC 5681; losses within 200 ms
// count as one). It has no clock and is for one goroutine.
type Download struct {
	window    float64 // packets
	flying    int
	slowStart bool
	lossUntil time.Duration
}

// DownloadBytes is the size of a download's packets with all headers.
const DownloadBytes = 1250

// NewDownload returns a download with a window of ten packets.
func NewDownload() *Download { return &Download{window: 10, slowStart: true} }

// Next reports whether another packet goes out now, and counts it if so.
func (d *Download) Next() bool {
	if float64(d.flying) >= d.window {
		return false
	}
	d.flying++
	return true
}

// Acked counts a packet that has arrived.
func (d *Download) Acked() {
	d.flying--
	if d.slowStart {
		d.window++
	} else {
		d.window += 1 / d.window
	}
}

// Lost counts a packet whose loss was noticed at now.
func (d *Download) Lost(now time.Duration) {
	d.flying--
	if now > d.lossUntil {
		d.slowStart = false
		d.window = max(d.window/2, 2)
		d.lossUntil = now + 200*time.Millisecond
	}
}

// download sends a download's packets on the path to clients, where nobody
// receives them.
func (r *Relay) download() {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	path := r.shared[1]
	for {
		select {
		case <-r.closed:
			return
		case now := <-ticker.C:
			r.mu.Lock()
			if path.started && now.Sub(path.begin) >= r.cfg.Download {
				r.downloadMore(path, now)
			}
			r.mu.Unlock()
		}
	}
}

// downloadMore fills the window; r.mu is held.
func (r *Relay) downloadMore(path *Path, now time.Time) {
	for len(r.pending) < maxPending && r.rival.Next() {
		arrivals := path.Send(DownloadBytes-overhead, now)
		r.record(path, now, DownloadBytes-overhead, true)
		back := path.now(now.Sub(path.begin)).Delay
		r.order++
		next := delivery{order: r.order}
		if len(arrivals) > 0 {
			next.at = arrivals[0].Add(back)
			next.send = func([]byte) { r.answered(r.rival.Acked) }
		} else { // noticed when later packets have come back
			at := now.Add(2*back + 50*time.Millisecond)
			next.at = at
			next.send = func([]byte) { r.answered(func() { r.rival.Lost(at.Sub(path.begin)) }) }
		}
		r.push(next)
	}
}

// answered counts an answer to the download.
func (r *Relay) answered(count func()) {
	r.mu.Lock()
	count()
	r.mu.Unlock()
}
