package auth

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// limiter slows guessing down. Each wrong secret beyond the allowed number
// from one address locks that address for twice as long as the one before it;
// many failures over all addresses lock everybody but those who were right
// lately, for a short while, so that an attacker with many addresses gains
// nothing and cannot lock the owner out for long either.
type limiter struct {
	mu       sync.Mutex
	now      func() time.Time
	perAddr  int // failures that are free for one address
	addrs    map[netip.Addr]*record
	trusted  map[netip.Addr]time.Time // last success
	everyone record
}

type record struct {
	failures int
	last     time.Time
	until    time.Time
}

const (
	overallFree = 50               // failures that are free over all addresses
	maxLock     = 15 * time.Minute // of one address
	maxOverall  = 30 * time.Second // of everybody
	forget      = time.Hour        // without a failure, an address starts anew
	trustFor    = 24 * time.Hour
	maxRecords  = 4096
)

func newLimiter(perAddr int, now func() time.Time) *limiter {
	return &limiter{now: now, perAddr: perAddr, addrs: map[netip.Addr]*record{}, trusted: map[netip.Addr]time.Time{}}
}

// client returns who is counted: the address, for IPv6 its /64, since one
// customer usually owns all of that.
func client(remote string) netip.Addr {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	a = a.Unmap().WithZone("")
	if a.Is6() && !a.IsLoopback() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return a
}

// check returns a *LockedError while remote may not try.
func (l *limiter) check(remote string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, addr := l.now(), client(remote)
	if r := l.addrs[addr]; r != nil && now.Before(r.until) {
		return &LockedError{r.until.Sub(now)}
	}
	if now.Before(l.everyone.until) && now.Sub(l.trusted[addr]) > trustFor {
		return &LockedError{l.everyone.until.Sub(now)}
	}
	return nil
}

func (l *limiter) failed(remote string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, addr := l.now(), client(remote)
	r := l.addrs[addr]
	if r == nil {
		if len(l.addrs) >= maxRecords {
			l.evict()
		}
		r = &record{}
		l.addrs[addr] = r
	}
	r.count(now, l.perAddr, maxLock)
	l.everyone.count(now, overallFree, maxOverall)
}

func (l *limiter) succeeded(remote string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	addr, now := client(remote), l.now()
	delete(l.addrs, addr)
	if _, ok := l.trusted[addr]; !ok && len(l.trusted) >= maxRecords {
		for a := range l.trusted { // any one: it only loses an exemption
			delete(l.trusted, a)
			break
		}
	}
	l.trusted[addr] = now
}

// count adds a failure and sets the lock: 1 s at the first one too many, then
// doubling up to limit.
func (r *record) count(now time.Time, free int, limit time.Duration) {
	if now.Sub(r.last) > forget {
		*r = record{}
	}
	r.failures++
	r.last = now
	if over := r.failures - free; over > 0 {
		lock := limit
		if over < 20 {
			lock = min(time.Second<<(over-1), limit)
		}
		r.until = now.Add(lock)
	}
}

// evict drops the older half: one at a time would make every failure of a
// large attack cost a pass over all records.
func (l *limiter) evict() {
	times := make([]time.Time, 0, len(l.addrs))
	for _, r := range l.addrs {
		times = append(times, r.last)
	}
	slices.SortFunc(times, time.Time.Compare)
	middle := times[len(times)/2]
	for a, r := range l.addrs {
		if !r.last.After(middle) {
			delete(l.addrs, a)
		}
	}
}
