package neteq

import (
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

const (
	bucketWidth = 20 * time.Millisecond
	buckets     = 50
	// window is how far back the fastest packet is looked for: delays are
	// relative to it.
	window        = 2 * time.Second
	windowPackets = 128
	// forgetQ15 makes a packet's weight halve in about 40 packets; quantileQ15
	// is the share of packets that shall be in time.
	forgetQ15   = 32211 // 0.983
	quantileQ15 = 31130 // 0.95
)

type arrival struct {
	at     time.Time
	offset time.Duration // arrival time minus media time
}

// delayTracker keeps a forgetting histogram of the packets' delay relative to
// the fastest of the last two seconds.
type delayTracker struct {
	base    time.Time
	firstTS uint32
	history [windowPackets]arrival
	pos, n  int
	histQ15 [buckets]int32
	packets int
}

func (d *delayTracker) add(timestamp uint32, at time.Time) {
	if d.packets == 0 {
		d.base, d.firstTS = at, timestamp
	}
	d.packets++
	media48 := time.Duration(int32(timestamp-d.firstTS)) * time.Second / media.EngineRateHz
	offset := at.Sub(d.base) - media48
	d.history[d.pos] = arrival{at, offset}
	d.pos = (d.pos + 1) % windowPackets
	d.n = min(d.n+1, windowPackets)
	fastest := offset
	for i := range d.n {
		if h := &d.history[i]; h.offset < fastest && at.Sub(h.at) <= window {
			fastest = h.offset
		}
	}
	// Start quickly: the first packets weigh 1/n, later ones 1-forget.
	forget := int64(forgetQ15)
	if d.packets < 60 {
		forget = 32768 - 32768/int64(d.packets)
	}
	for i := range d.histQ15 {
		d.histQ15[i] = int32(int64(d.histQ15[i]) * forget >> 15)
	}
	d.histQ15[min(int((offset-fastest)/bucketWidth), buckets-1)] += int32(32768 - forget)
}

// target is the delay that lets the quantile of packets arrive in time: the end
// of the bucket it falls in.
func (d *delayTracker) target() time.Duration {
	var total, sum int64
	for _, v := range d.histQ15 {
		total += int64(v)
	}
	for i, v := range d.histQ15 {
		if sum += int64(v); sum<<15 >= total*quantileQ15 {
			return time.Duration(i+1) * bucketWidth
		}
	}
	return bucketWidth
}
